//! Tests of the text that Prometheus reads.
