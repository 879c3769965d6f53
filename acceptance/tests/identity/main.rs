//! Signing in through directories and providers, real ones that each test starts for itself.

#![allow(clippy::panic, clippy::unwrap_used, reason = "what goes wrong fails the test")]

mod browser;
mod configuration;
mod directories;
mod domain;
mod keyless;
mod providers;
mod support;
