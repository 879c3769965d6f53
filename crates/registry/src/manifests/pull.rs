//! Pulling a manifest: one indexed read.

use hythe_metadata::{artifact, manifest};
use hythe_oci::digest::Digest;
use hythe_oci::reference::Reference;

use super::tag_limit::check_digest;
use super::unknown_manifest;
use crate::Registry;
use crate::access::{Permit, Pull};
use crate::error::Result;

pub use hythe_metadata::manifest::Pulled;

impl Registry {
    /// The manifest behind a tag or digest, exactly as it was pushed.
    pub async fn pull_manifest(&self, permit: &Permit<Pull>, reference: &Reference) -> Result<Pulled> {
        let repository = permit.repository();
        let mut connection = self.database.connect().await?;
        let pulled = match reference {
            Reference::Tag(tag) => {
                permit.check_tag(tag)?;
                manifest::pull_by_tag(&mut connection, repository, tag).await?
            }
            Reference::Digest(digest) => {
                check_digest(&mut connection, permit, digest).await?;
                manifest::pull_by_digest(&mut connection, repository, digest).await?
            }
        };
        pulled.ok_or_else(|| unknown_manifest(repository, reference))
    }

    /// To be called before a client is told by `HEAD` that a manifest is there, which it may then leave out of a push: where
    /// neither a tag nor an index keeps it, garbage collection is told to wait.
    pub async fn promise_manifest(&self, permit: &Permit<Pull>, digest: &Digest) -> Result<()> {
        let mut connection = self.database.connect().await?;
        let loose = artifact::find_touched(&mut connection, permit.repository(), digest).await?;
        drop(connection);
        let Some((repository_id, _)) = loose.filter(|(_, touched)| self.is_stale(*touched)) else {
            return Ok(());
        };
        let digest = *digest;
        let touched = self
            .database
            .transaction(move |c| Box::pin(async move { artifact::touch(c, repository_id, &digest).await }));
        if touched.await? {
            return Ok(());
        }
        Err(unknown_manifest(permit.repository(), &Reference::Digest(digest)))
    }
}
