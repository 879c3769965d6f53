//! Nodes: every running `hythe serve`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::system::ComponentHealthStatus;

/// A node, as it last showed itself. Times are the database's.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct Node {
    /// One run of one process.
    pub id: String,
    /// What its operator calls it.
    pub name: String,
    /// The version it runs.
    pub version: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// `serving`; `troubled`, if it cannot reach something; `lost`, if nothing is heard of it; `stopped`.
    pub state: String,
    /// When it began to serve.
    pub started_at: Timestamp,
    /// When it showed itself last.
    pub seen_at: Timestamp,
    /// How far its clock is ahead of the database's, in milliseconds; less than a second counts as none.
    pub clock_offset_ms: i64,
    /// What it had under way.
    pub load: NodeLoad,
    /// What it stands on, and since when that is as it is.
    pub components: Vec<ComponentHealthStatus>,
    /// Whether it is the one that answers.
    pub here: bool,
}

/// What a node has under way.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct NodeLoad {
    /// Requests whose answers have not gone out whole.
    pub requests: u32,
    /// Among them, bodies of 64 KiB and more, or of unknown size.
    pub transfers: u32,
}
