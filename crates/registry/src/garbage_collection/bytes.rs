//! The bytes of blobs that are gone: removed from storage in batches, in parallel, by whichever nodes are free.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use hythe_blobs::Location;
use hythe_metadata::garbage::{self, Garbage};
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock::{self, Micros};
use crate::error::Result;
use crate::jobs::{Halt, Kind, NewJob, Run};

/// Places that a node takes at once, and how many of them it removes at the same time.
const BATCH: u32 = 200;
const AT_ONCE: usize = 8;

/// Jobs that share the work where there is much of it.
const SHARES: usize = 4;
const MUCH: u64 = 1000;

/// How long a place is this node's. Removing it twice is harmless, and only a waste.
const LEASE: Duration = Duration::from_secs(300);

/// What a removal did, as its job's progress.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Removed {
    /// Places in storage.
    removed: u64,
    /// Their bytes.
    freed_space: u64,
    /// Places that could not be removed; they are tried again later.
    failed: u64,
}

impl Registry {
    /// Makes jobs of bytes that are due, if there are any. To be called now and then by any node.
    pub(crate) async fn remove_bytes_if_due(&self) -> Result<()> {
        let mut c = self.database.connect().await?;
        let now = c.now().await?;
        let due = garbage::count_due(&mut c, self.bytes_due(now), now, MUCH).await?;
        drop(c);
        let shares = if due >= MUCH { SHARES } else { usize::from(due > 0) };
        for share in 0..shares {
            self.enqueue(NewJob::new(Kind::BytesRemoval, &()).keyed(share)).await?;
        }
        Ok(())
    }

    /// Bytes that are garbage since before this may go.
    fn bytes_due(&self, now: Micros) -> Micros {
        now.saturating_sub(clock::micros(self.options.bytes_delay))
    }

    pub(crate) async fn run_bytes_removal(&self, run: &Run) -> Result<(), Halt> {
        let mut done = Removed::default();
        while !self.is_read_only(run) {
            run.check().await?;
            let batch = self.claim_garbage(run).await?;
            if batch.is_empty() {
                break;
            }
            let outcomes: Vec<(Garbage, bool)> = stream::iter(batch)
                .map(|place| async move { (self.remove_bytes(run, &place).await, place) })
                .buffer_unordered(AT_ONCE)
                .map(|(gone, place)| (place, gone))
                .collect()
                .await;
            self.forget_garbage(run, &outcomes, &mut done).await?;
            run.progress(&done);
        }
        let Removed { removed, freed_space, failed } = done;
        run.log(format!("removed {removed} places of {freed_space} bytes from storage; {failed} failed"));
        Ok(())
    }

    async fn claim_garbage(&self, run: &Run) -> Result<Vec<Garbage>, Halt> {
        let delay = clock::micros(self.options.bytes_delay);
        run.transaction(move |c| {
            Box::pin(async move {
                let now = c.now().await?;
                let until = now.saturating_add(clock::micros(LEASE));
                Ok(garbage::claim(c, now.saturating_sub(delay), now, until, BATCH).await?)
            })
        })
        .await
    }

    async fn remove_bytes(&self, run: &Run, place: &Garbage) -> bool {
        match self.blobs.remove(&Location::new(place.location.as_str())).await {
            Ok(()) => true,
            Err(error) => {
                run.log(format!("{} could not be removed and is tried again later: {error}", place.location));
                tracing::warn!(location = %place.location, %error, "bytes that nobody needs could not be removed");
                false
            }
        }
    }

    async fn forget_garbage(
        &self,
        run: &Run,
        outcomes: &[(Garbage, bool)],
        done: &mut Removed,
    ) -> Result<(), Halt> {
        let gone: Vec<&Garbage> = outcomes.iter().filter(|(_, gone)| *gone).map(|(place, _)| place).collect();
        let locations: Vec<String> = gone.iter().map(|place| place.location.clone()).collect();
        done.removed += gone.len() as u64;
        done.freed_space += gone.iter().map(|place| place.size).sum::<u64>();
        done.failed += (outcomes.len() - gone.len()) as u64;
        run.transaction(move |c| {
            let locations = locations.clone();
            Box::pin(async move { Ok(garbage::delete(c, &locations).await?) })
        })
        .await?;
        Ok(())
    }
}
