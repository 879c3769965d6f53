//! Artifacts that no tag, no index and no subject leads to: they go to the trash, as if somebody had deleted them.

use hythe_metadata::artifact::{self, Untagged};
use hythe_metadata::trash::{Deletion, Why};
use hythe_metadata::{Connection, manifest};

use super::report::time;
use super::{Collector, PAGE};
use crate::clock::Micros;
use crate::jobs::Halt;

/// Who it was, in the trash.
const BY: &str = "garbage collection";

/// When an index goes its parts are found on the next way through, when these go their signatures on the one after.
const WAYS: usize = 5;

impl Collector<'_> {
    pub(super) async fn untagged(&mut self) -> Result<(), Halt> {
        let deletion = self.registry.deletion(BY.to_owned(), Why::Untagged);
        for _ in 0..WAYS {
            if self.go_through(&deletion).await? == 0 || self.collection.dry_run {
                break;
            }
        }
        Ok(())
    }

    /// The number of artifacts that went.
    async fn go_through(&mut self, deletion: &Deletion) -> Result<u64, Halt> {
        let (mut after, mut went) = (0, 0);
        loop {
            self.run.check().await?;
            let mut c = self.registry.database.connect().await?;
            let untagged = artifact::list_untagged(&mut c, after, PAGE, self.before).await?;
            let end = artifact::find_end(&mut c, after, PAGE).await?;
            drop(c);
            for artifact in &untagged {
                went += u64::from(self.delete_untagged(artifact, deletion).await?);
            }
            match end {
                Some(end) => after = end,
                None => return Ok(went),
            }
        }
    }

    async fn delete_untagged(&mut self, artifact: &Untagged, deletion: &Deletion) -> Result<bool, Halt> {
        if !self.collection.dry_run {
            let (wanted, deletion, before) = (artifact.clone(), deletion.clone(), self.before);
            self.run.check().await?;
            let deleted = self
                .run
                .transaction(move |c| {
                    let (wanted, deletion) = (wanted.clone(), deletion.clone());
                    Box::pin(async move { Ok(delete(c, &wanted, before, &deletion).await?) })
                })
                .await?;
            if !deleted {
                return Ok(false);
            }
        }
        self.report.add(|done| done.untagged += 1);
        self.report
            .name(|| format!("artifact {}@{}: {}", artifact.repository, artifact.digest, why(artifact)));
        Ok(true)
    }
}

/// Looks again once the manifest is locked, when neither a tag nor an index can come to it any more. False if something
/// leads to it by now.
async fn delete(
    c: &mut Connection,
    wanted: &Untagged,
    before: Micros,
    deletion: &Deletion,
) -> Result<bool, hythe_metadata::Error> {
    if !manifest::lock(c, wanted.repository_id, &wanted.digest).await? {
        return Ok(false);
    }
    let again = artifact::list_untagged(c, wanted.id - 1, 1, before).await?;
    if again.iter().all(|artifact| artifact.id != wanted.id) {
        return Ok(false);
    }
    manifest::delete(c, wanted.repository_id, &wanted.digest, deletion).await
}

fn why(artifact: &Untagged) -> String {
    let since = time(artifact.since);
    match artifact.subject {
        Some(subject) => format!("it has no tag, and its subject {subject} is gone; untouched since {since}"),
        None => format!("it has no tag and is no part of an index; untouched since {since}"),
    }
}
