//! What the outside sees of a running node: logs, metrics, traces and the state of the runtime itself.
//!
//! `runtime::build` first, then [`init`] with its handle; the returned [`Guard`] is given back to
//! [`Guard::shutdown`] from the main thread, before the runtime ends.

pub mod fields;
pub mod load;
pub mod logs;
pub mod metrics;
mod panics;
pub mod request;
pub mod runtime;
pub mod traces;

pub use request::{RequestContext, RequestLayer};

use tokio::runtime::Handle;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// What a node shows of itself.
#[derive(Debug, Clone)]
pub struct Options {
    pub logs: logs::Options,
    /// Absent: no span is made for a collector and no layer is there to pay for.
    pub traces: Option<traces::Options>,
}

/// Why a node could not be made visible.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Filter(#[from] logs::FilterError),
    #[error(transparent)]
    Traces(#[from] traces::Error),
    #[error("cannot start the log writer: {0}")]
    Writer(#[from] std::io::Error),
    #[error("logs are already set up in this process")]
    LogsTwice,
    #[error("metrics are already set up in this process")]
    MetricsTwice,
}

/// Keeps the writers alive. Dropping it writes what is left of the logs; [`Guard::shutdown`] also sends the last spans.
#[must_use = "dropping the guard ends logging"]
pub struct Guard {
    /// What `GET /metrics` renders.
    pub metrics: metrics::Metrics,
    traces: Option<traces::Guard>,
    logs: logs::Guard,
}

impl Guard {
    /// Sends the last spans, then writes the last log lines. Blocks up to seconds when a collector does not
    /// answer, so it belongs on the main thread, while the runtime still lives.
    pub fn shutdown(self) {
        if let Some(traces) = self.traces {
            traces.shutdown();
        }
        self.logs.shutdown();
    }
}

/// Sets up logs, metrics and, where configured, traces for this process, and makes panics log lines. Once only.
pub fn init(options: &Options, runtime: &Handle) -> Result<Guard, Error> {
    let metrics = metrics::Metrics::install(runtime)?;
    let filter = logs::Filter::parse(&options.logs.filter)?;
    let (log_layer, logs) = logs::layer(&options.logs)?;
    let (trace_layer, traces) = match &options.traces {
        Some(options) => traces::layer(options, runtime).map(|(layer, guard)| (Some(layer), Some(guard)))?,
        None => (None, None),
    };
    tracing_subscriber::registry()
        .with(trace_layer)
        .with(log_layer.with_filter(filter.targets()))
        .try_init()
        .map_err(|_| Error::LogsTwice)?;
    panics::install();
    Ok(Guard { metrics, traces, logs })
}
