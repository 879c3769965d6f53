//! Quotas: what a project may hold and what it holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::project::ResourceList;

/// The quota of a project.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Quota {
    /// Its id, the project's own.
    pub id: i64,
    /// Whose it is.
    #[serde(rename = "ref")]
    pub reference: QuotaReference,
    /// What it may hold; -1 for no limit.
    pub hard: ResourceList,
    /// What it holds.
    pub used: ResourceList,
    /// When the project was made.
    pub creation_time: Timestamp,
    /// When the project was changed last.
    pub update_time: Timestamp,
}

/// A change to a quota.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct QuotaUpdateReq {
    /// What the project may hold from now on; -1 for no limit.
    pub hard: ResourceList,
}

/// What a recount of a project found and put right.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct QuotaRecount {
    /// Blobs and manifests that were not counted.
    pub missing: u64,
    /// Blobs and manifests that were counted and are not there.
    pub stale: u64,
    /// Bytes that the sum was too small by; negative where it was too large.
    pub difference: i64,
}

/// The project of a quota.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct QuotaReference {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Who made it.
    pub owner_name: String,
}
