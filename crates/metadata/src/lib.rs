//! Rows, the only truth: SQLite and PostgreSQL behind one set of statements.
//!
//! One file a noun, each with plain functions that take a [`Connection`] first. Reads go through
//! [`Database::connect`], writes through [`Database::transaction`]. Lists are paged by key: the caller passes the
//! last key it saw. Times are microseconds since the epoch and come from the caller. Only this crate knows SQL.

mod database;
mod error;
#[cfg(test)]
mod suite;

pub mod activity;
pub mod artifact;
pub mod audit;
pub mod blob;
pub mod charge;
pub mod custom_role;
pub mod data_key;
pub mod described_repository;
pub mod event;
pub mod garbage;
pub mod grant;
pub mod holding;
pub mod identity_source;
pub mod ids;
pub mod immutable_rule;
pub mod job;
pub mod journal;
pub mod label;
pub mod lease;
pub mod manifest;
pub mod member;
pub mod node;
pub mod personal_token;
pub mod portable;
pub mod project;
pub mod project_metadata;
pub mod refresh_token;
pub mod repository;
pub mod retention;
pub mod revocation;
pub mod robot;
pub mod schedule;
pub mod session;
pub mod setting;
pub mod sign_in_throttle;
pub mod signing_key;
pub mod sourced_user;
pub mod tag;
pub mod trash;
pub mod trust_rule;
pub mod upload;
pub mod usage;
pub mod user;
pub mod user_group;
pub mod window;

pub use database::connection::Connection;
pub use database::migration::{Migrated, Plan, Schema, Step};
#[cfg(debug_assertions)]
pub use database::mutant;
pub use database::{Database, Engine, Options, Work};
pub use error::{Error, Result};
pub use ids::{GroupId, UserId};
pub use window::Window;
