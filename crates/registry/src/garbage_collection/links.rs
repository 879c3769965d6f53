//! Links to blobs that no manifest of their repository needs, and that nobody was told of for a while.

use hythe_metadata::blob::{self, Link, LooseLink};
use hythe_oci::digest::Digest;

use super::report::time;
use super::{BATCH, Collector, PAGE};
use crate::jobs::Halt;

impl Collector<'_> {
    /// Page by page along all links. Whatever one statement reads is bounded, however many links there are.
    pub(super) async fn unlink(&mut self) -> Result<(), Halt> {
        let mut after: Option<Link> = None;
        loop {
            self.run.check().await?;
            let mut c = self.registry.database.connect().await?;
            let loose = blob::list_loose(&mut c, after, PAGE, self.before).await?;
            after = blob::find_end_of_links(&mut c, after, PAGE).await?;
            drop(c);
            for of_one in loose.chunk_by(|one, other| one.repository_id == other.repository_id) {
                for batch in of_one.chunks(BATCH) {
                    self.unlink_batch(batch).await?;
                }
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }

    async fn unlink_batch(&mut self, batch: &[LooseLink]) -> Result<(), Halt> {
        let Some(first) = batch.first() else { return Ok(()) };
        let (repository_id, before) = (first.repository_id, self.before);
        let digests: Vec<Digest> = batch.iter().map(|link| link.digest).collect();
        self.run.check().await?;
        let unlinked = self
            .run
            .transaction(move |c| {
                let digests = digests.clone();
                Box::pin(async move { Ok(blob::unlink_loose(c, repository_id, &digests, before).await?) })
            })
            .await?;
        self.report.add(|done| done.links += unlinked.len() as u64);
        for link in batch.iter().filter(|link| unlinked.contains(&link.digest)) {
            self.report.name(|| format!("link {}@{}: {}", link.repository, link.digest, why(link)));
        }
        Ok(())
    }
}

/// Why a loose link goes.
pub(super) fn why(link: &LooseLink) -> String {
    format!("no manifest of {} needs it, and nobody asked for it since {}", link.repository, time(link.since))
}
