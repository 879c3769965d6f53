//! Tests of the request layer.
