//! Blobs that neither a repository nor the trash has: their rows go, their bytes become garbage.

use hythe_metadata::blob::{self, Blob};
use hythe_oci::digest::Digest;

use super::links::why;
use super::{BATCH, Collector, PAGE};
use crate::jobs::Halt;

/// Links of one blob that a dry run names.
const LINKS: u32 = 20;

impl Collector<'_> {
    pub(super) async fn condemn(&mut self) -> Result<(), Halt> {
        let mut after: Option<Digest> = None;
        loop {
            self.run.check().await?;
            let mut c = self.registry.database.connect().await?;
            let unlinked = blob::list_unlinked(&mut c, after.as_ref(), PAGE).await?;
            after = blob::find_end(&mut c, after.as_ref(), PAGE).await?;
            drop(c);
            for batch in unlinked.chunks(BATCH) {
                self.condemn_batch(batch).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn condemn_batch(&mut self, batch: &[Blob]) -> Result<(), Halt> {
        let digests: Vec<Digest> = batch.iter().map(|blob| blob.digest).collect();
        self.run.check().await?;
        let condemned = self
            .run
            .transaction(move |c| {
                let digests = digests.clone();
                Box::pin(async move {
                    let now = c.now().await?;
                    Ok(blob::condemn(c, &digests, now).await?)
                })
            })
            .await?;
        self.count(&condemned);
        for blob in &condemned {
            self.report.name(|| format!("blob {} of {} bytes: no repository has it", blob.digest, blob.size));
        }
        Ok(())
    }

    fn count(&mut self, blobs: &[Blob]) {
        self.report.add(|done| {
            done.blobs += blobs.len() as u64;
            done.freed_space += blobs.iter().map(|blob| blob.size).sum::<u64>();
        });
    }

    /// What [`Collector::unlink`] and [`Collector::condemn`] would do now, blob by blob.
    pub(super) async fn say_what_would_go(&mut self) -> Result<(), Halt> {
        let mut after: Option<Digest> = None;
        loop {
            self.run.check().await?;
            let mut c = self.registry.database.connect().await?;
            let would = blob::list_collectable(&mut c, after.as_ref(), PAGE, self.before).await?;
            after = blob::find_end(&mut c, after.as_ref(), PAGE).await?;
            drop(c);
            self.count(&would);
            for blob in &would {
                self.explain(blob).await?;
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn explain(&mut self, blob: &Blob) -> Result<(), Halt> {
        let links = if self.report.is_full() {
            Vec::new()
        } else {
            let mut c = self.registry.database.connect().await?;
            blob::links_of(&mut c, &blob.digest, LINKS).await?
        };
        self.report.add(|done| done.links += links.len() as u64);
        let reasons: Vec<String> = links.iter().map(why).collect();
        let reason = if reasons.is_empty() { "no repository has it".to_owned() } else { reasons.join("; ") };
        self.report.name(|| format!("blob {} of {} bytes: {reason}", blob.digest, blob.size));
        Ok(())
    }
}
