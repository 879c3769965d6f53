//! Tests of the logs, read as an operator would.
