//! This node among the nodes: says every few seconds that it lives, and at the end that it has gone.

use std::sync::Arc;
use std::time::Duration;

use hythe_registry::Registry;
use hythe_registry::nodes::Identity;

use crate::health::Health;

/// An end is not held up for longer by a database that is away.
const FAREWELL: Duration = Duration::from_secs(2);

/// Writes the node's row for as long as it serves. An error is said once; the node serves on.
pub(crate) async fn keep_showing(registry: Arc<Registry>, identity: Identity, health: Health) {
    let mut failing = false;
    loop {
        let report = registry.report(health.report());
        let shown = registry.beat(&identity, &report).await;
        if let Err(error) = &shown
            && !failing
        {
            tracing::warn!(%error, "this node cannot write that it lives; `hythe nodes` will call it lost");
        }
        failing = shown.is_err();
        tokio::time::sleep(registry.beats_every()).await;
    }
}

/// The last word, so that nobody looks for a node that was stopped on purpose.
pub(crate) async fn leave(registry: &Registry) {
    let left = tokio::time::timeout(FAREWELL, registry.leave()).await;
    if !matches!(left, Ok(Ok(()))) {
        tracing::warn!("this node could not write that it ends; `hythe nodes` will call it lost");
    }
}
