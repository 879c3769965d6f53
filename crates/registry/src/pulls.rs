//! What was pulled, how often and when: counted in memory, written down together every few seconds, never while a pull
//! waits.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hythe_metadata::{Connection, activity, artifact, described_repository, project, tag};
use hythe_oci::digest::Digest;
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_oci::reference::Reference;
use hythe_oci::tag::Tag;

use crate::Registry;
use crate::access::{Permit, Pull, Through};
use crate::activity::hour_of;
use crate::audit::Entry;
use crate::clock::{self, Micros};
use crate::configuration::items::PULL_AUDIT_LOG_DISABLE;
use crate::error::Result;

/// How often what was counted is written down. What a crash takes is so many seconds of pulls.
const WRITTEN_EVERY: Duration = Duration::from_secs(3);

/// Different manifests that are counted between two writings; further ones are not.
const MOST_KEPT: usize = 100_000;

/// Pulls that wait to be told of in the audit log.
const MOST_TOLD: usize = 20_000;

/// Manifests, and events, that are written in one transaction.
const BATCH: usize = 500;

/// Pulls since the last writing, in an order that is the same on all nodes: two that write at once do not wait for each
/// other in a circle.
#[derive(Default)]
pub(crate) struct Pulls {
    counts: Mutex<BTreeMap<Key, Count>>,
    told: Mutex<Vec<Told>>,
    /// Pulls that there was no place for.
    untold: AtomicU64,
}

/// What the audit log is to say of a pull.
#[derive(Clone)]
struct Told {
    project: ProjectName,
    entry: Entry,
}

type Key = (RepositoryName, Digest, Option<Tag>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    pulls: u64,
    at: Micros,
}

impl Pulls {
    fn add(&self, key: Key, count: Count) {
        let mut counts = self.lock();
        if counts.len() >= MOST_KEPT && !counts.contains_key(&key) {
            return;
        }
        let kept = counts.entry(key).or_default();
        kept.pulls = kept.pulls.saturating_add(count.pulls);
        kept.at = kept.at.max(count.at);
    }

    fn take(&self) -> Vec<(Key, Count)> {
        std::mem::take(&mut *self.lock()).into_iter().collect()
    }

    fn tell(&self, told: Told) {
        let mut waiting = self.waiting();
        if waiting.len() < MOST_TOLD {
            waiting.push(told);
        } else {
            self.untold.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<Key, Count>> {
        self.counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Told>> {
        self.told.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Registry {
    /// Counts the pull of a manifest that was asked for by `reference` and is `digest`.
    pub fn count_pull(&self, permit: &Permit<Pull>, reference: &Reference, digest: &Digest) {
        // Somebody looks at it in the console and fetches nothing.
        if matches!(permit.caller().through, Through::Session(_)) {
            return;
        }
        let tag = match reference {
            Reference::Tag(tag) => Some(tag.clone()),
            Reference::Digest(_) => None,
        };
        let count = Count { pulls: 1, at: clock::now() };
        self.pulls.add((permit.repository().clone(), *digest, tag), count);
        if !self.configuration().truth(&PULL_AUDIT_LOG_DISABLE) {
            let repository = permit.repository();
            let name = match reference {
                Reference::Tag(tag) => format!("{repository}:{tag}"),
                Reference::Digest(digest) => format!("{repository}@{digest}"),
            };
            let entry = Entry::new(permit.caller(), "pull", "artifact", name);
            self.pulls.tell(Told { project: repository.project(), entry });
        }
    }

    /// Writes pulls down for as long as the node runs.
    pub async fn write_pulls_regularly(&self) {
        loop {
            tokio::time::sleep(WRITTEN_EVERY).await;
            if let Err(error) = self.write_pulls().await {
                tracing::debug!(%error, "pulls could not be written down; they are kept and tried again");
            }
        }
    }

    /// Writes down what was counted. What cannot be written is counted on.
    pub async fn write_pulls(&self) -> Result<()> {
        let counted = self.pulls.take();
        let mut outcome = Ok(());
        for batch in counted.chunks(BATCH) {
            if outcome.is_ok() {
                outcome = self.write_batch(batch.to_vec()).await;
            }
            if outcome.is_err() {
                batch.iter().for_each(|(key, count)| self.pulls.add(key.clone(), *count));
            }
        }
        outcome.and(self.tell_pulls().await).and(self.write_pushes().await)
    }

    /// Writes down what the audit log is to say, a batch at a time; what cannot be written waits.
    async fn tell_pulls(&self) -> Result<()> {
        let told = std::mem::take(&mut *self.pulls.waiting());
        let untold = self.pulls.untold.swap(0, Ordering::Relaxed);
        if untold > 0 {
            tracing::warn!(untold, "pulls come faster than the audit log takes them; some are not told of");
        }
        for (index, batch) in told.chunks(BATCH).enumerate() {
            if let Err(error) = self.tell_batch(batch.to_vec()).await {
                let mut waiting = self.pulls.waiting();
                let since = std::mem::replace(&mut *waiting, told[index * BATCH..].to_vec());
                waiting.extend(since);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn tell_batch(&self, batch: Vec<Told>) -> Result<()> {
        self.database
            .transaction(move |c| {
                let batch = batch.clone();
                Box::pin(async move {
                    let mut ids = BTreeMap::new();
                    for Told { project, entry } in batch {
                        if !ids.contains_key(&project) {
                            let found = project::find(c, &project).await?;
                            ids.insert(project.clone(), found.map(|found| found.id));
                        }
                        entry.in_project_if(ids.get(&project).copied().flatten()).write(c).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(())
    }

    async fn write_batch(&self, batch: Vec<(Key, Count)>) -> Result<()> {
        let hour = hour_of(clock::now());
        self.database
            .transaction(move |c| {
                let batch = batch.clone();
                Box::pin(async move {
                    for (repository, count) in by_repository(&batch) {
                        described_repository::add_pulls(c, repository, count.pulls, count.at).await?;
                    }
                    let pulls = batch.iter().map(|(_, count)| count.pulls).sum();
                    activity::add(c, hour, pulls, 0).await?;
                    for ((repository, digest, tag), count) in &batch {
                        write_one(c, repository, digest, tag.as_ref(), *count).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(())
    }
}

async fn write_one(
    c: &mut Connection,
    repository: &RepositoryName,
    digest: &Digest,
    tag: Option<&Tag>,
    count: Count,
) -> Result<(), hythe_metadata::Error> {
    artifact::add_pulls(c, repository, digest, count.pulls, count.at).await?;
    match tag {
        Some(tag) => tag::update_pulled(c, repository, tag, count.at).await,
        None => Ok(()),
    }
}

fn by_repository(batch: &[(Key, Count)]) -> BTreeMap<&RepositoryName, Count> {
    let mut counts: BTreeMap<&RepositoryName, Count> = BTreeMap::new();
    for ((repository, _, _), count) in batch {
        let sum = counts.entry(repository).or_default();
        sum.pulls = sum.pulls.saturating_add(count.pulls);
        sum.at = sum.at.max(count.at);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(repository: &str, tag: Option<&str>) -> Key {
        let digest = hythe_blobs::hash::digest_of(hythe_oci::digest::Algorithm::Sha256, b"a");
        (repository.parse().unwrap(), digest, tag.map(|tag| tag.parse().unwrap()))
    }

    #[test]
    fn pulls_add_up_until_they_are_taken() {
        let pulls = Pulls::default();
        pulls.add(key("team/app", Some("v1")), Count { pulls: 1, at: 5 });
        pulls.add(key("team/app", Some("v1")), Count { pulls: 2, at: 3 });
        pulls.add(key("team/app", None), Count { pulls: 1, at: 9 });
        let taken = pulls.take();
        assert_eq!(taken.len(), 2);
        let sum = by_repository(&taken).into_values().next();
        assert_eq!(sum, Some(Count { pulls: 4, at: 9 }));
        assert!(pulls.take().is_empty());
    }
}
