//! Harbor's own clients, unchanged, against the API; and the API held against its own document.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod additions;
mod api;
mod examiner;
mod harbor_cli;
mod harborapi;
mod jobs;
mod leaks;
mod pusher;
mod storm;
mod terraform;
