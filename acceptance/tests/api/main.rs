//! The REST API asked directly: what repositories hold, as people see it, and what projects may hold.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod activity;
mod artifacts;
mod copies;
mod events;
mod immutable_rules;
mod paging;
mod pulls;
mod quotas;
mod repositories;
mod retention;
mod rights;
mod storage_audits;
mod tags;

use hythe_acceptance::shared::Shared;

/// All tests of this binary share one server; each has a project of its own.
static SHARED: Shared = Shared::new();
