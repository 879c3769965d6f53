//! The protocol from outside, over HTTP: every row of the protocol's list of traps has a test of its number.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod addresses;
mod bad_input;
mod blobs;
mod challenge;
mod conditions;
mod house;
mod listing;
mod manifests;
mod mounts;
mod names;
mod referrers;
mod rights;
mod support;
mod tags;
mod tokens;
mod transport;
mod uploads;
mod uploads_disturbed;
