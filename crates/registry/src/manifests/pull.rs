//! Pulling a manifest: one indexed read.

use hythe_metadata::manifest;
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
}
