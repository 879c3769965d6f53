//! Tags and their history.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A tag of an artifact.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Tag {
    /// Names the tag in its repository as long as it is there.
    pub id: i64,
    /// Its repository's id.
    pub repository_id: i64,
    /// The artifact it points to.
    pub artifact_id: i64,
    /// The tag.
    pub name: String,
    /// When it was made to point there.
    pub push_time: Timestamp,
    /// When it was pulled last; the first day of year 1 for never.
    pub pull_time: Timestamp,
    /// Whether a rule keeps it as it is.
    pub immutable: bool,
}

/// A tag to be made.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct TagReq {
    /// The tag.
    pub name: String,
}

/// One change of what a tag points to.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct TagEvent {
    /// Names the event; the next page begins before it.
    pub id: i64,
    /// When.
    pub time: Timestamp,
    /// Who.
    pub operator: String,
    /// `push` or `delete`.
    pub operation: String,
    /// What the tag pointed to after a push, or before a delete.
    pub digest: String,
}
