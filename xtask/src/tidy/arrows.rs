//! Holds cargo's view of the workspace against the drawing in ARCHITECTURE.md.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Tree;
use crate::command::{self, Outcome};

/// Who may know whom. The binary may open every store, to hand it to the server that it composes.
const DRAWING: &[(&str, &[&str])] = &[
    ("hythe-oci", &[]),
    ("hythe-blobs", &["hythe-oci"]),
    ("hythe-metadata", &["hythe-oci"]),
    ("hythe-registry", &["hythe-oci", "hythe-blobs", "hythe-metadata"]),
    ("hythe-api", &["hythe-oci"]),
    ("hythe-server", &["hythe-oci", "hythe-blobs", "hythe-metadata", "hythe-registry", "hythe-api"]),
    ("hythe", &["hythe-oci", "hythe-blobs", "hythe-metadata", "hythe-registry", "hythe-api", "hythe-server"]),
    ("hythe-acceptance", &["hythe-oci", "hythe-api"]),
    ("xtask", &[]),
];

/// Dependencies that are not drawn, and crates that nobody drew.
pub(super) fn not_as_drawn(_: &Tree) -> Outcome<Vec<String>> {
    let metadata = command::output(command::cargo().args(["metadata", "--no-deps", "--format-version=1"]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages: Vec<&Value> = metadata["packages"].as_array().into_iter().flatten().collect();
    let ours: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    Ok(packages.iter().flat_map(|package| breaches(package, &ours)).collect())
}

fn breaches(package: &Value, ours: &BTreeSet<&str>) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some((_, allowed)) = DRAWING.iter().find(|(drawn, _)| *drawn == name) else {
        return vec![format!("{name} is not in the drawing")];
    };
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    dependencies
        .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|dependency| ours.contains(dependency) && !allowed.contains(dependency))
        .map(|dependency| format!("{name} depends on {dependency}"))
        .collect()
}
