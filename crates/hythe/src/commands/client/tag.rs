//! `hythe tag`

use serde_json::{Value, json};

use super::{ALL, Desk, artifact_path, repository_path, split_artifact};
use crate::cli::client::TagCommand;
use crate::client::part;
use crate::failure::Failure;

pub(super) async fn run(command: &TagCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        TagCommand::List { artifact } => {
            let path = format!("{}/tags", artifact_path(artifact)?);
            let columns = [("TAG", "/name"), ("PUSHED", "/push_time"), ("PULLED", "/pull_time")];
            desk.show_list(&desk.remote.list(&path, ALL).await?, &columns);
            Ok(())
        }
        TagCommand::Add { artifact, tag } => {
            let path = format!("{}/tags", artifact_path(artifact)?);
            let (answer, _) = desk.remote.create(&path, &json!({ "name": tag })).await?;
            desk.tell(&format!("Artifact {artifact} has the tag {tag} too."), &answer);
            Ok(())
        }
        TagCommand::Delete { artifact } => {
            let (_, tag) = split_artifact(artifact)?;
            desk.remote.delete(&format!("{}/tags/{}", artifact_path(artifact)?, part(tag))).await?;
            desk.tell(&format!("Tag {tag} was taken away; the artifact stays."), &Value::Null);
            Ok(())
        }
        TagCommand::History { artifact } => {
            let (repository, tag) = split_artifact(artifact)?;
            let path = format!("{}/tags/{}/history?page_size=100", repository_path(repository)?, part(tag));
            let events = desk.remote.get(&path).await?;
            let columns =
                [("TIME", "/time"), ("WHO", "/operator"), ("DID", "/operation"), ("DIGEST", "/digest")];
            desk.show_list(events.as_array().map_or(&[], Vec::as_slice), &columns);
            Ok(())
        }
    }
}
