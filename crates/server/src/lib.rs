//! HTTP in, HTTP out: the listener and every route.

pub mod listener;
pub mod telemetry;
