//! What is wrong with a registry that serves, as one of its nodes sees it: every finding in one line, and what to do.

mod belonging;
mod database;
mod finding;
mod link;
mod nodes;
mod storage;

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

impl Registry {
    /// Looks at everything at once and changes nothing; within a few seconds.
    pub async fn diagnose(&self, _permit: &Permit<right::List, Everywhere>) -> Vec<Finding> {
        let (nodes, database, storage, belonging) = tokio::join!(
            within(nodes::CHECK, self.check_nodes()),
            within(database::CHECK, database::check(&self.database)),
            within(storage::CHECK, storage::check(&*self.blobs)),
            within(belonging::CHECK, self.check_belonging()),
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
        let found = belonging::check(&self.database, &*self.blobs, "the storage of this node").await;
        found.into_iter().collect()
    }
}

async fn within(check: &'static str, look: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| {
        vec![Finding::fail(
            check,
            format!("no answer within {} s", PATIENCE.as_secs()),
            "see whether its server is overloaded or its mount hangs; `hythe doctor` on the node looks without haste",
        )]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_a_finding_and_holds_nobody_up() {
        let findings = within("storage", std::future::pending()).await;
        assert_eq!(findings[0].finding, "no answer within 3 s");
        assert_eq!((findings.len(), findings[0].status), (1, Status::Fail));
    }
}
