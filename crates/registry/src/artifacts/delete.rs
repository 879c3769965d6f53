//! Deleting an artifact: with its tags, with what belongs to it, and with the parts that nobody else needs.

use hythe_metadata::artifact::{self, Artifact};
use hythe_metadata::trash::{Deletion, Why};
use hythe_metadata::{Connection, manifest, tag};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;

use super::{find_artifact, right};
use crate::Registry;
use crate::access::Permit;
use crate::audit::Entry;
use crate::error::{Error, Kind, Result};
use crate::immutable_rules::check_manifest;
use crate::manifests::tag_limit::check_all_tags;

/// Manifests that go with one; one that has more is deleted piece by piece.
const MOST_TOGETHER: usize = 10_000;

impl Registry {
    /// Deletes the artifact behind a tag or digest. Unlike the protocol's delete by tag this takes the artifact and all
    /// of its tags: here the tag only says which one is meant.
    pub async fn delete_artifact(&self, permit: &Permit<right::Delete>, reference: &Reference) -> Result<()> {
        let (held, wanted) = (permit.clone(), reference.clone());
        let deletion = self.deletion(permit.holder(), Why::Artifact);
        self.database
            .try_transaction(move |c| {
                let (permit, wanted, deletion) = (held.clone(), wanted.clone(), deletion.clone());
                Box::pin(async move { delete(c, &permit, &wanted, &deletion).await })
            })
            .await
    }
}

async fn delete(
    c: &mut Connection,
    permit: &Permit<right::Delete>,
    reference: &Reference,
    deletion: &Deletion,
) -> Result<()> {
    let root = find_artifact(c, permit, reference).await?;
    let name = permit.repository();
    manifest::lock(c, root.repository_id, &root.digest).await?;
    check_all_tags(c, permit, &root.digest).await?;
    check_manifest(c, root.project_id, root.repository_id, name, &root.digest).await?;
    let parents = manifest::list_parents(c, root.repository_id, &root.digest, 1).await?;
    if let Some(parent) = parents.first() {
        return Err(needed(name, &root.digest, parent));
    }
    let deleted = delete_with_all(c, &root, deletion).await?;
    Entry::new(permit.caller(), "delete", "artifact", format!("{name}@{}", root.digest))
        .before(serde_json::json!({ "kind": root.about.kind, "manifests": deleted }))
        .in_project(root.project_id)
        .write(c)
        .await?;
    Ok(())
}

/// The number of manifests deleted.
pub(crate) async fn delete_with_all(
    c: &mut Connection,
    root: &Artifact,
    deletion: &Deletion,
) -> Result<usize> {
    let repository_id = root.repository_id;
    let (mut waiting, mut deleted) = (vec![root.digest], 0);
    while let Some(digest) = waiting.pop() {
        let Some(row) = artifact::find(c, repository_id, &digest).await? else { continue };
        let parts = artifact::parts_of(c, &[row.id]).await?;
        let accessories = artifact::accessories_of(c, &[row.id]).await?;
        manifest::delete(c, repository_id, &digest, deletion).await?;
        deleted += 1;
        if deleted + waiting.len() > MOST_TOGETHER {
            return Err(too_many(&root.repository, &root.digest));
        }
        for part in parts {
            let tagged = !tag::list_by_digest(c, repository_id, &part.digest, 1).await?.is_empty();
            if !tagged && stands_alone(c, repository_id, &part.digest).await? {
                waiting.push(part.digest);
            }
        }
        for accessory in accessories {
            if stands_alone(c, repository_id, &accessory.digest).await? {
                waiting.push(accessory.digest);
            }
        }
    }
    Ok(deleted)
}

async fn stands_alone(c: &mut Connection, repository_id: i64, digest: &Digest) -> Result<bool> {
    Ok(manifest::list_parents(c, repository_id, digest, 1).await?.is_empty())
}

/// Harbor answers 412 here.
fn needed(name: &RepositoryName, digest: &Digest, parent: &Digest) -> Error {
    Error::new(
        Kind::Precondition,
        ErrorCode::Denied,
        format!("{name}@{digest} is a part of the index {parent}; delete that first"),
    )
}

fn too_many(name: &RepositoryName, digest: &Digest) -> Error {
    Error::conflict(format!(
        "more than {MOST_TOGETHER} manifests belong to {name}@{digest}; delete its accessories first"
    ))
}
