//! The runtime, watched.
