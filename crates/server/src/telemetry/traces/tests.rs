//! Traces against a small collector.
