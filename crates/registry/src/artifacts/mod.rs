//! Artifacts: manifests as people see them.

pub mod about;
