//! `hythe repo`

use serde_json::Value;

use super::{ALL, Desk, repository_path};
use crate::cli::client::RepoCommand;
use crate::client::part;
use crate::failure::Failure;

pub(super) async fn run(command: &RepoCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        RepoCommand::List { project } => {
            let path = format!("projects/{}/repositories", part(project));
            let columns = [
                ("NAME", "/name"),
                ("ARTIFACTS", "/artifact_count"),
                ("PULLS", "/pull_count"),
                ("CHANGED", "/update_time"),
            ];
            desk.show_list(&desk.remote.list(&path, ALL).await?, &columns);
            Ok(())
        }
        RepoCommand::Show { repository } => {
            let found = desk.remote.get(&repository_path(repository)?).await?;
            let facts = [
                ("name", "/name"),
                ("id", "/id"),
                ("description", "/description"),
                ("artifacts", "/artifact_count"),
                ("pulls", "/pull_count"),
                ("made", "/creation_time"),
                ("changed", "/update_time"),
            ];
            desk.show(&found, &facts);
            Ok(())
        }
        RepoCommand::Delete { repository } => {
            desk.remote.delete(&repository_path(repository)?).await?;
            desk.tell(&format!("Repository {repository} was deleted."), &Value::Null);
            Ok(())
        }
    }
}
