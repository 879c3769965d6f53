//! The purge of the audit log as a job.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock;
use crate::jobs::{Halt, Run};

/// What is to be removed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Events older than so many hours.
    pub retention_hours: u32,
}

impl Registry {
    pub(crate) async fn run_audit_purge(&self, run: &Run) -> Result<(), Halt> {
        let purge: Purge = run.payload()?;
        let age = Duration::from_secs(u64::from(purge.retention_hours) * 60 * 60);
        let before = clock::now().saturating_sub(clock::micros(age));
        run.check().await?;
        let removed = self.purge_audit(before).await?;
        run.log(format!("removed {removed} events older than {} hours", purge.retention_hours));
        Ok(())
    }
}
