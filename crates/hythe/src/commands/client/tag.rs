//! `hythe tag`

use serde_json::{Value, json};

use super::{ALL, Desk, artifact_path, repository_path, split_artifact, text};
use crate::cli::client::TagCommand;
use crate::client::part;
use crate::failure::Failure;

pub(super) async fn run(command: &TagCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        TagCommand::List { artifact } if artifact.contains(['@', ':']) => {
            let path = format!("{}/tags", artifact_path(artifact)?);
            let columns = [("TAG", "/name"), ("PUSHED", "/push_time"), ("PULLED", "/pull_time")];
            desk.show_list(&desk.remote.list(&path, ALL).await?, &columns);
            Ok(())
        }
        TagCommand::List { artifact } => list_of_repository(artifact, desk).await,
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

/// The tags of all artifacts of a repository, by name, with what each points to.
async fn list_of_repository(repository: &str, desk: &Desk) -> Result<(), Failure> {
    let path = format!("{}/artifacts?with_tag=true", repository_path(repository)?);
    let artifacts = desk.remote.list(&path, ALL).await?;
    let mut tags: Vec<Value> = artifacts.iter().flat_map(tags_of).collect();
    tags.sort_by_cached_key(|tag| text(tag.get("name")));
    let columns =
        [("TAG", "/name"), ("PUSHED", "/push_time"), ("PULLED", "/pull_time"), ("DIGEST", "/digest")];
    desk.show_list(&tags, &columns);
    Ok(())
}

fn tags_of(artifact: &Value) -> Vec<Value> {
    let mut tags = artifact["tags"].as_array().cloned().unwrap_or_default();
    for tag in &mut tags {
        tag["digest"] = artifact["digest"].clone();
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_of_an_artifact_names_its_digest() {
        let artifact = json!({ "digest": "sha256:ab", "tags": [{ "name": "v1" }, { "name": "v2" }] });
        let shown: Vec<String> = tags_of(&artifact)
            .iter()
            .map(|tag| format!("{} {}", text(tag.get("name")), text(tag.get("digest"))))
            .collect();
        assert_eq!(shown, ["v1 sha256:ab", "v2 sha256:ab"]);
        assert!(tags_of(&json!({ "digest": "sha256:ab", "tags": null })).is_empty());
    }
}
