//! `hythe artifact`

use serde_json::Value;

use super::{ALL, Desk, artifact_path, repository_path};
use crate::cli::client::ArtifactCommand;
use crate::failure::Failure;

pub(super) async fn run(command: &ArtifactCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        ArtifactCommand::List { repository } => {
            let path = format!("{}/artifacts?with_tag=true&with_label=true", repository_path(repository)?);
            let columns = [
                ("DIGEST", "/digest"),
                ("TYPE", "/type"),
                ("TAGS", "/tags"),
                ("BYTES", "/size"),
                ("PUSHED", "/push_time"),
                ("PULLED", "/pull_time"),
            ];
            desk.show_list(&desk.remote.list(&path, ALL).await?, &columns);
            Ok(())
        }
        ArtifactCommand::Show { artifact } => {
            let path = format!("{}?with_tag=true&with_label=true", artifact_path(artifact)?);
            let facts = [
                ("digest", "/digest"),
                ("type", "/type"),
                ("media type", "/manifest_media_type"),
                ("bytes", "/size"),
                ("tags", "/tags"),
                ("labels", "/labels"),
                ("architecture", "/extra_attrs/architecture"),
                ("system", "/extra_attrs/os"),
                ("pushed", "/push_time"),
                ("pulled", "/pull_time"),
            ];
            desk.show(&desk.remote.get(&path).await?, &facts);
            Ok(())
        }
        ArtifactCommand::Delete { artifact } => {
            desk.remote.delete(&artifact_path(artifact)?).await?;
            desk.tell(&format!("Artifact {artifact} was deleted."), &Value::Null);
            Ok(())
        }
    }
}
