//! Blobs of a repository: found through its links, opened whole or not at all.

use std::time::Duration;

use hythe_blobs::{Blob, Location};
use hythe_metadata::{blob, repository};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;

use crate::Registry;
use crate::access::{Delete, Permit, Pull};
use crate::error::{Error, Kind, Result};
use crate::manifests::tag_limit::{check_blob, may_use_blob};

impl Registry {
    /// The row of a blob that the repository has. The caller is told that it is there, and that holds for a while: where
    /// no manifest keeps the blob, garbage collection is told to wait.
    pub async fn get_blob(&self, permit: &Permit<Pull>, digest: &Digest) -> Result<blob::Blob> {
        let mut connection = self.database.connect().await?;
        let found = blob::find_to_tell(&mut connection, permit.repository(), digest).await?;
        let unknown = || unknown_blob(permit.repository(), digest);
        let linked = found.ok_or_else(unknown)?;
        check_blob(&mut connection, permit, linked.repository_id, digest).await?;
        drop(connection);
        if linked.loose_since.is_some_and(|since| self.is_stale(since))
            && !self.touch_blob(linked.repository_id, *digest).await?
        {
            return Err(unknown());
        }
        Ok(linked.blob)
    }

    /// False if it was collected meanwhile.
    async fn touch_blob(&self, repository_id: i64, digest: Digest) -> Result<bool> {
        let touched = self
            .database
            .transaction(move |c| Box::pin(async move { blob::touch(c, repository_id, &digest).await }));
        Ok(touched.await?)
    }

    /// Whether the repository has the blob, for one who may pull it there.
    pub(crate) async fn has_blob(&self, permit: &Permit<Pull>, digest: &Digest) -> Result<bool> {
        let mut connection = self.database.connect().await?;
        let Some(repository) = repository::find(&mut connection, permit.repository()).await? else {
            return Ok(false);
        };
        let linked = blob::find_linked(&mut connection, repository.id, digest).await?.is_some();
        Ok(linked && may_use_blob(&mut connection, permit, repository.id, digest).await?)
    }

    /// The bytes of a blob, after a look that they are there and as many as they should be. A damaged one is unknown to
    /// whoever asks for it, so that a client that asks before it pushes pushes it again, which mends it.
    pub async fn open_blob(&self, row: &blob::Blob) -> Result<Blob> {
        let opened = self.blobs.open(&Location::new(row.location.as_str()), row.size).await;
        opened.map_err(|error| {
            tracing::error!(digest = %row.digest, location = %row.location, %error, "a stored blob cannot be served");
            error.into()
        })
    }

    /// The row of a blob whose bytes are damaged, if this is one. Where storage cannot tell, it is not.
    pub(crate) async fn find_damaged(&self, digest: &Digest) -> Result<Option<blob::Blob>> {
        let mut connection = self.database.connect().await?;
        let found = blob::find(&mut connection, digest).await?;
        drop(connection);
        let Some(row) = found else { return Ok(None) };
        match self.blobs.open(&Location::new(row.location.as_str()), row.size).await {
            Err(error @ hythe_blobs::Error::Damaged { .. }) => {
                tracing::warn!(digest = %row.digest, location = %row.location, %error, "a stored blob has to be pushed again");
                Ok(Some(row))
            }
            _ => Ok(None),
        }
    }

    /// A link from which the bytes can be read until it expires, where the storage signs such links.
    pub async fn sign_blob(&self, row: &blob::Blob, expires: Duration) -> Result<Option<String>> {
        Ok(self.blobs.sign(&Location::new(row.location.as_str()), expires).await?)
    }

    /// Takes a blob out of the repository. Its bytes stay until garbage collection finds that nobody else has it.
    pub async fn delete_blob(&self, permit: &Permit<Delete>, digest: &Digest) -> Result<()> {
        let (name, digest) = (permit.repository().clone(), *digest);
        let unlinked = self
            .database
            .transaction(move |c| {
                let name = name.clone();
                Box::pin(async move {
                    let Some(repository) = repository::find(c, &name).await? else {
                        return Ok(Unlinked::Unknown);
                    };
                    if blob::is_referenced(c, repository.id, &digest).await? {
                        return Ok(Unlinked::InUse);
                    }
                    let unlinked = blob::unlink(c, repository.id, &digest).await?;
                    Ok(if unlinked { Unlinked::Done } else { Unlinked::Unknown })
                })
            })
            .await?;
        match unlinked {
            Unlinked::Done => Ok(()),
            Unlinked::Unknown => Err(unknown_blob(permit.repository(), &digest)),
            Unlinked::InUse => Err(Error::new(
                Kind::Unsupported,
                ErrorCode::Unsupported,
                format!(
                    "a manifest in {} still needs blob {digest}; delete the manifest first",
                    permit.repository()
                ),
            )),
        }
    }
}

enum Unlinked {
    Done,
    Unknown,
    InUse,
}

fn unknown_blob(repository: &RepositoryName, digest: &Digest) -> Error {
    Error::unknown(ErrorCode::BlobUnknown, format!("repository {repository} has no blob {digest}"))
}
