//! Deleting: a tag alone, or a manifest with all of its tags.

use hythe_metadata::{manifest, repository, tag};
use hythe_oci::reference::Reference;

use super::tag_limit::check_all_tags;
use super::unknown_manifest;
use crate::Registry;
use crate::access::{Delete, Permit};
use crate::clock;
use crate::error::Result;

impl Registry {
    /// By tag: the tag goes, the manifest stays. By digest: the manifest goes and every tag that points to it.
    pub async fn delete_manifest(&self, permit: &Permit<Delete>, reference: &Reference) -> Result<()> {
        let (name, wanted, by) = (permit.repository().clone(), reference.clone(), permit.holder());
        let now = clock::now();
        match reference {
            Reference::Tag(tag) => permit.check_tag(tag)?,
            Reference::Digest(digest) => {
                check_all_tags(&mut self.database.connect().await?, permit, digest).await?
            }
        }
        let deleted = self
            .database
            .transaction(move |c| {
                let (name, wanted, by) = (name.clone(), wanted.clone(), by.clone());
                Box::pin(async move {
                    let Some(repository) = repository::find(c, &name).await? else { return Ok(false) };
                    match &wanted {
                        Reference::Tag(name) => tag::delete(c, repository.id, name, now, &by).await,
                        Reference::Digest(digest) => {
                            manifest::delete(c, repository.id, digest, now, &by).await
                        }
                    }
                })
            })
            .await?;
        if deleted { Ok(()) } else { Err(unknown_manifest(permit.repository(), reference)) }
    }
}
