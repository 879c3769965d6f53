//! What is wrong with a registry that serves, as one of its nodes sees it: every finding in one line, and what to do.

mod belonging;
mod database;
mod finding;
mod link;
mod nodes;
mod storage;
pub mod words;

use std::time::Duration;

use crate::Registry;
use crate::access::system_rights::node as right;
use crate::access::{Everywhere, Permit};
use crate::clock;

pub use belonging::check as check_belonging;
pub use database::{failed as failed_database, judge_schema};
pub use finding::{Finding, Status};
pub use link::Link;
pub use storage::describe as describe_probe;

/// No check may take longer: who asks is looking for what hangs.
const PATIENCE: Duration = Duration::from_secs(3);

/// The storage by a name that tells strangers nothing.
const STORAGE: &str = "the storage of this node";

impl Registry {
    /// Looks at everything at once and changes nothing; within a few seconds.
    pub async fn diagnose(&self, _permit: &Permit<right::List, Everywhere>) -> Vec<Finding> {
        let (nodes, database, storage, belonging) = tokio::join!(
            within(self.check_nodes(), words::nodes_silent),
            within(database::check(&self.database), words::database_silent),
            within(storage::check(&*self.blobs, STORAGE), words::storage_silent),
            within(self.check_belonging(), words::belonging_silent),
        );
        [nodes, database, storage, belonging].concat()
    }

    /// A database that does not answer is another check's matter.
    async fn check_nodes(&self) -> Vec<Finding> {
        match self.read_nodes().await {
            Ok(nodes) => nodes::judge(&nodes, clock::now()),
            Err(_) => Vec::new(),
        }
    }

    async fn check_belonging(&self) -> Vec<Finding> {
        let found = belonging::check(&self.database, &*self.blobs, STORAGE).await;
        found.into_iter().collect()
    }
}

async fn within(look: impl Future<Output = Vec<Finding>>, silent: fn(u64) -> Finding) -> Vec<Finding> {
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| vec![silent(PATIENCE.as_secs())])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_a_finding_and_holds_nobody_up() {
        let findings = within(std::future::pending(), words::storage_silent).await;
        assert_eq!(findings[0].finding, "no answer within 3 s");
        assert_eq!((findings.len(), findings[0].status), (1, Status::Fail));
    }
}
