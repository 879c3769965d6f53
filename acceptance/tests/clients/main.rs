//! Real clients against a real server: each signs in, pushes, pulls, lists and deletes as its users do.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod buildah;
mod cosign;
mod crane;
mod ctr;
mod docker;
mod engine;
mod helm;
mod oras;
mod podman;
mod regctl;
mod skopeo;
mod skopeo_transport;
