//! Events into jobs: what follows from what happened.

use hythe_metadata::event;

use super::Registry;
use crate::error::Result;

/// Events that are taken in one transaction.
const BATCH: u32 = 100;

impl Registry {
    /// Makes the jobs that follow from events, in the transaction in which the events go.
    pub(super) async fn make_jobs_of_events(&self) -> Result<()> {
        loop {
            let taken = self
                .database
                .transaction(|c| Box::pin(async move { Ok(event::take(c, BATCH).await?.len()) }))
                .await?;
            if taken == 0 {
                return Ok(());
            }
        }
    }
}
