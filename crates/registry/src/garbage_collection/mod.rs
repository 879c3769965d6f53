//! Garbage collection while everything goes on: rows say what nobody needs, and every step looks again under a lock before
//! it takes something away.
//!
//! Five kinds of things go, each for a reason of its own and each long after the one before made it possible: what has
//! expired in the [trash](crate::trash); artifacts without a tag, where that is wanted; links to blobs that no manifest of
//! the repository needs ([`links`]); blobs that neither a repository nor the trash has ([`blobs`]); their bytes ([`bytes`]).
//! A lease on the job keeps two nodes from doing the same work. That nothing is lost does not depend on it: each
//! transaction is right whoever runs it, how often and how late.

mod blobs;
mod bytes;
mod links;
mod manage;
mod report;
mod untagged;

use serde::{Deserialize, Serialize};

pub use manage::CollectionChange;
pub use report::Collected;

use crate::Registry;
use crate::clock::{self, Micros};
use crate::configuration::items::READ_ONLY;
use crate::jobs::{Halt, Kind, NewJob, Run};
use report::Report;

/// A told client's promise is renewed when so many parts of the grace are over: not at every request.
const RENEWED_WITHIN: i64 = 24;

/// Rows that one statement looks at.
const PAGE: u32 = 10_000;

/// Rows that one transaction takes away.
const BATCH: usize = 500;

/// What a collection is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collection {
    /// Artifacts without a tag too.
    pub delete_untagged: bool,
    /// Only say what would go, and why.
    pub dry_run: bool,
}

impl Collection {
    /// The job that does it.
    pub fn job(&self) -> NewJob {
        // One that takes things away does not stand in for one that only says what it would take.
        NewJob::new(Kind::GarbageCollection, self).keyed(if self.dry_run { "dry run" } else { "" })
    }
}

/// A collection under way.
struct Collector<'a> {
    registry: &'a Registry,
    run: &'a Run,
    collection: Collection,
    /// What was needed, or told of, since then stays; by the database's clock.
    before: Micros,
    report: Report<'a>,
}

impl Registry {
    /// Whether a client that was told at `since` that something is there has to be noted anew.
    pub(crate) fn is_stale(&self, since: Micros) -> bool {
        let renewed = clock::micros(self.options.collection_grace) / RENEWED_WITHIN;
        clock::now().saturating_sub(since) >= renewed
    }

    /// What is stored stays as it is then, while a backup or a move is made.
    fn is_read_only(&self, run: &Run) -> bool {
        let read_only = self.configuration().truth(&READ_ONLY);
        if read_only {
            run.log("the registry is read only; nothing was done");
        }
        read_only
    }

    pub(crate) async fn run_garbage_collection(&self, run: &Run) -> Result<(), Halt> {
        if self.is_read_only(run) {
            return Ok(());
        }
        let now = self.database.now().await?;
        let grace = clock::micros(self.options.collection_grace);
        let collection = run.payload()?;
        let mut collector = Collector {
            registry: self,
            run,
            collection,
            before: now.saturating_sub(grace),
            report: Report::new(run, collection.dry_run),
        };
        collector.expire_trash(now).await?;
        if collection.delete_untagged {
            collector.untagged().await?;
        }
        if collection.dry_run {
            collector.say_what_would_go().await?;
        } else {
            collector.unlink().await?;
            collector.condemn().await?;
        }
        collector.report.end();
        Ok(())
    }
}

impl Collector<'_> {
    async fn expire_trash(&mut self, now: Micros) -> Result<(), Halt> {
        while !self.collection.dry_run {
            self.run.check().await?;
            let expired = self.registry.expire_trash(now).await?;
            if expired == 0 {
                break;
            }
            self.report.add(|done| done.expired += expired);
        }
        Ok(())
    }
}
