//! Audits of the storage, which Harbor does not have; in the shapes of its garbage collection.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an audit is to do.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(default)]
pub struct StorageAuditReq {
    /// Repair what can be repaired.
    pub repair: bool,
    /// Read every byte and hold it against its digest.
    pub rehash: bool,
    /// MiB a second to read at most; 0 for as fast as it goes.
    pub rate: u32,
}

/// An audit.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct StorageAudit {
    /// Its number, which is that of its job.
    pub id: i64,
    /// `pending`, `running`, `stopping`, `succeeded`, `failed`, `stopped`. One that leaves faults has failed.
    pub state: String,
    /// One line about how it ended.
    pub message: String,
    /// What it was asked to do.
    pub parameters: StorageAuditReq,
    /// Who asked for it.
    pub created_by: String,
    /// When.
    pub creation_time: Timestamp,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_time: Option<Timestamp>,
    /// What it has counted so far.
    pub counts: StorageAuditCounts,
}

/// What an audit has counted.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
#[serde(default)]
pub struct StorageAuditCounts {
    /// Objects or files that were listed.
    pub stored: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Bytes that were read and hashed.
    pub read_bytes: u64,
    /// Bytes in storage that no row names, each object once.
    pub orphans: u64,
    /// Uploads in storage that no row knows.
    pub leftovers: u64,
    /// Blobs whose bytes are not there.
    pub missing: u64,
    /// Blobs of which there are more or fewer bytes than there should be.
    pub wrong_size: u64,
    /// Blobs whose bytes are not those of their digest.
    pub rotten: u64,
    /// Of all these, those that were repaired.
    pub repaired: u64,
}
