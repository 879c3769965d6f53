//! What is known of a request from its head to the last byte of its answer: id, span, access line, metrics.

mod access;
mod body;
mod context;
mod id;
mod service;

pub use context::RequestContext;
pub use id::RequestId;
pub use service::{AfterPanic, PeerOf, RequestLayer, RequestService};

#[cfg(test)]
mod tests;
