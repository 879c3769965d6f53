//! The janitor: cleans away what nobody will come back for. One node at a time does it, by a lease.

use std::time::Duration;

use hythe_metadata::upload;
use hythe_metadata::{lease, refresh_token};
use hythe_oci::upload_id::UploadId;

use crate::Registry;
use crate::clock;
use crate::error::Result;

/// How often a node looks whether there is something to do.
pub const EVERY: Duration = Duration::from_secs(60);

const LEASE: &str = "janitor";
const LEASE_FOR: Duration = Duration::from_secs(300);
const BATCH: u32 = 100;

/// What one round did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Uploads that had expired and are gone.
    pub uploads: u64,
}

impl Registry {
    /// One round, unless another node is at it.
    pub async fn clean(&self) -> Result<Round> {
        let now = clock::now();
        let Some(fence) = self.take_lease(now).await? else { return Ok(Round::default()) };
        let round = self.clean_expired(now).await;
        self.database
            .transaction(move |c| Box::pin(async move { lease::release(c, LEASE, fence).await }))
            .await?;
        round
    }

    async fn take_lease(&self, now: clock::Micros) -> Result<Option<i64>> {
        let node = self.options.node.clone();
        let until = now.saturating_add(clock::micros(LEASE_FOR));
        let taken = self
            .database
            .transaction(move |c| {
                let node = node.clone();
                Box::pin(async move { lease::take(c, LEASE, &node, until, now).await })
            })
            .await?;
        Ok(taken)
    }

    /// Each step by itself: one that fails keeps none of the others from being done. The first error of all is answered.
    async fn clean_expired(&self, now: clock::Micros) -> Result<Round> {
        let uploads = self.expire_uploads(now).await;
        let steps = [
            self.rotate_keys_if_due().await.map(drop),
            self.forget_refresh_tokens(now).await,
            self.forget_revocations().await.map(drop),
            self.forget_old_failures().await.map(drop),
            self.forget_ended_sessions().await.map(drop),
            self.forget_gone_nodes().await.map(drop),
            self.remove_bytes_if_due().await.map(drop),
            self.forget_old_jobs().await.map(drop),
            self.measure_storage_if_due().await.map(drop),
        ];
        let round = uploads?;
        steps.into_iter().collect::<Result<()>>()?;
        Ok(round)
    }

    async fn forget_refresh_tokens(&self, now: clock::Micros) -> Result<()> {
        self.database
            .transaction(move |c| Box::pin(async move { refresh_token::delete_expired(c, now).await }))
            .await?;
        Ok(())
    }

    async fn expire_uploads(&self, now: clock::Micros) -> Result<Round> {
        let mut round = Round::default();
        let mut after = None;
        loop {
            let mut connection = self.database.connect().await?;
            let expired = upload::expired(&mut connection, now, after, BATCH).await?;
            drop(connection);
            let Some(last) = expired.last() else { return Ok(round) };
            after = Some(last.id);
            for row in &expired {
                round.uploads += u64::from(self.expire(row.id).await);
            }
        }
    }

    /// Closes the upload, so that a client who comes back this very moment finds it gone and not half gone; then
    /// the bytes, then the row: a crash in between leaves a row that a later round finds again.
    async fn expire(&self, id: UploadId) -> bool {
        match self.discard_expired(id).await {
            Ok(discarded) => discarded,
            Err(error) => {
                tracing::warn!(upload = %id, %error, "an expired upload could not be cleaned away; it is tried again");
                false
            }
        }
    }

    /// False if its client came back after it was listed, and was promised that its bytes are safe.
    async fn discard_expired(&self, id: UploadId) -> Result<bool> {
        let (node, now) = (self.options.node.clone(), clock::now());
        let until = now.saturating_add(clock::micros(LEASE_FOR));
        let claimed = self
            .database
            .transaction(move |c| {
                let node = node.clone();
                Box::pin(async move { upload::claim_expired(c, id, &node, now, until).await })
            })
            .await?;
        let Some(row) = claimed else { return Ok(false) };
        self.blobs.discard(id, row.takeovers, &row.parts, row.digest.as_ref()).await?;
        let fence = row.fence;
        Ok(self
            .database
            .transaction(move |c| Box::pin(async move { upload::delete(c, id, fence).await }))
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use hythe_blobs::{Memory, body};
    use hythe_metadata::{Database, Options};
    use hythe_oci::digest::Algorithm;

    use super::*;
    use crate::access::{Caller, Push};
    use crate::uploads::Chunk;

    #[tokio::test]
    async fn a_client_that_comes_back_after_the_list_was_read_keeps_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/hythe.db", folder.path().display());
        let database = Database::open(&Options::new(url)).unwrap();
        database.migrate().await.unwrap();
        let registry = Registry::new(database, Arc::new(Memory::default()), crate::Options::default());
        registry.set_up(Some("correct horse")).await.unwrap();
        let name = "library/app".parse().unwrap();
        let permit = registry.permit::<Push>(&Caller::operator(), &name).await.unwrap();
        let begun = registry.start_upload(&permit, Algorithm::Sha256).await.unwrap();
        let chunk = |bytes: &'static str| Chunk { range: None, length: None, body: body::whole(bytes) };
        let in_a_year = clock::now() + clock::micros(Duration::from_secs(365 * 24 * 60 * 60));
        let mut c = registry.database.connect().await.unwrap();
        let listed = upload::expired(&mut c, in_a_year, None, BATCH).await.unwrap();
        registry.append_upload(permit.clone(), begun.id, chunk("acknowledged")).await.unwrap();
        assert!(!registry.discard_expired(listed[0].id).await.unwrap());
        let status = registry.append_upload(permit, begun.id, chunk(", and more")).await.unwrap();
        assert_eq!(status.offset, 22);
    }
}
