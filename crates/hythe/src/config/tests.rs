//! Tests of the whole configuration: layers, origins, and every error text.
