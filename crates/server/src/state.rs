//! What every handler shares.

use std::sync::Arc;

use hythe_registry::Registry;
use tokio_util::sync::CancellationToken;

use crate::health::Health;
use crate::options::Options;
use crate::telemetry::metrics::Metrics;

/// The state behind every route; one a process.
pub(crate) struct App {
    /// What the product does.
    pub(crate) registry: Arc<Registry>,
    /// What the operator set.
    pub(crate) options: Options,
    /// Whether the node can do its work.
    pub(crate) health: Health,
    /// Cancelled when the node is told to end, which it does after a notice.
    pub(crate) leaving: CancellationToken,
    /// Cancelled when the node begins to end: what would go on for ever ends then.
    pub(crate) ending: CancellationToken,
    /// What `/metrics` prints; nothing without it.
    pub(crate) metrics: Option<Metrics>,
}
