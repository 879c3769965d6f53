//! Names for the ids of rows, so that a signature says which row it means.
//!
//! The engines number these rows themselves (`AUTOINCREMENT`, `GENERATED … AS IDENTITY`), from 1 and never twice.
//! Ids made by the application (64 bits, ordered by time) were rejected: Harbor's clients read `project_id` and
//! `user_id` as 32-bit integers, and a browser reads no integer above 2⁵³ exactly.

/// A row of `project`.
pub type ProjectId = i64;
/// A row of `repository`.
pub type RepositoryId = i64;
/// A row of `identity_source`.
pub type SourceId = i64;
/// A row of `user_group`.
pub type GroupId = i64;
/// A row of `user_account`.
pub type UserId = i64;
/// Microseconds since the epoch.
pub type Micros = i64;
