//! The product seen from outside: a server of its own for each test, people, images and real clients.
//!
//! Everything here panics when something is wrong: a harness that fails is a test that fails, with the text of
//! what happened. Nothing here knows how Hythe works inside; it starts the binary as a user would.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test harness: what goes wrong fails the test")]

pub mod actor;
pub mod answer;
pub mod balancer;
pub mod certificates;
pub mod client;
pub mod clock;
pub mod desk;
pub mod directory;
pub mod disk;
pub mod domain;
pub mod images;
pub mod issuer;
pub mod mount;
pub mod postgres;
pub mod provider;
pub mod raw;
pub mod relay;
pub mod server;
pub mod shared;
pub mod stores;
pub mod things;
pub mod workbench;

mod places;
