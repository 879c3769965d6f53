//! Deleting: a tag alone, or a manifest with all of its tags.

use hythe_metadata::trash::{Deletion, Why};
use hythe_metadata::{Connection, manifest, repository, tag};
use hythe_oci::reference::Reference;

use super::tag_limit::check_all_tags;
use super::unknown_manifest;
use crate::Registry;
use crate::access::{Delete, Permit};
use crate::audit::Entry;
use crate::error::Result;
use crate::immutable_rules::{check_deleted, check_manifest};

impl Registry {
    /// By tag: the tag goes to the trash, the manifest stays. By digest: the manifest goes and every tag that points to it.
    pub async fn delete_manifest(&self, permit: &Permit<Delete>, reference: &Reference) -> Result<()> {
        let why = match reference {
            Reference::Tag(_) => Why::Tag,
            Reference::Digest(_) => Why::Artifact,
        };
        let (held, wanted, deletion) =
            (permit.clone(), reference.clone(), self.deletion(permit.holder(), why));
        let deleted = self
            .database
            .try_transaction(move |c| {
                let (permit, wanted, deletion) = (held.clone(), wanted.clone(), deletion.clone());
                Box::pin(async move { delete(c, &permit, &wanted, &deletion).await })
            })
            .await?;
        if deleted { Ok(()) } else { Err(unknown_manifest(permit.repository(), reference)) }
    }
}

/// The manifest is locked before its tags are looked at: none can be put on it that the permit is not good for.
async fn delete(
    c: &mut Connection,
    permit: &Permit<Delete>,
    reference: &Reference,
    deletion: &Deletion,
) -> Result<bool> {
    let Some(repository) = repository::find(c, permit.repository()).await? else { return Ok(false) };
    let deleted = match reference {
        Reference::Tag(tag) => {
            permit.check_tag(tag)?;
            let deleted = tag::delete(c, repository.id, tag, deletion).await?;
            if deleted {
                check_deleted(c, repository.project_id, &repository.name, tag.as_str()).await?;
            }
            deleted
        }
        Reference::Digest(digest) => {
            manifest::lock(c, repository.id, digest).await?;
            check_all_tags(c, permit, digest).await?;
            check_manifest(c, repository.project_id, repository.id, &repository.name, digest).await?;
            manifest::delete(c, repository.id, digest, deletion).await?
        }
    };
    if deleted {
        entry(permit, reference).in_project(repository.project_id).write(c).await?;
    }
    Ok(deleted)
}

fn entry(permit: &Permit<Delete>, reference: &Reference) -> Entry {
    let repository = permit.repository();
    match reference {
        Reference::Tag(tag) => Entry::new(permit.caller(), "delete", "tag", format!("{repository}:{tag}")),
        Reference::Digest(digest) => {
            Entry::new(permit.caller(), "delete", "artifact", format!("{repository}@{digest}"))
        }
    }
}
