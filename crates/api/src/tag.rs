//! The history of a tag.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
