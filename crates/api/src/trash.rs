//! The trash: what was deleted and can come back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An entry of the trash.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Trashed {
    /// Its id; what was deleted later has a higher one.
    pub id: i64,
    /// The act that deleted it; what was deleted together has the same.
    pub deletion: String,
    /// The repository that it was in.
    pub repository: String,
    /// The digest of the manifest.
    pub digest: String,
    /// Tags that pointed to it, the first 100.
    pub tags: Vec<String>,
    /// Whether only a tag was deleted and the artifact was left.
    pub tag_only: bool,
    /// `IMAGE`, `CHART` …
    #[serde(rename = "type")]
    pub kind: String,
    /// What the manifest was served as.
    pub manifest_media_type: String,
    /// Bytes of the manifest and all that it needs.
    pub size: u64,
    /// When it was pushed.
    pub push_time: Timestamp,
    /// When it was deleted.
    pub deletion_time: Timestamp,
    /// Who deleted it.
    pub deleted_by: String,
    /// `tag`, `artifact`, `repository`, `retention` or `untagged`: what was deleted, or what deleted it.
    pub reason: String,
    /// When it goes for good.
    pub expiration_time: Timestamp,
}

/// What to put back: everything that was deleted of a repository, or what a tag or a digest names.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RestoreRequest {
    /// The repository's whole name.
    pub repository: String,
    /// The tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The digest of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Only what this act deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<String>,
    /// Take the tag from what it points to meanwhile.
    #[serde(default)]
    pub overwrite: bool,
}

/// What was put back.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Restored {
    /// Digests of manifests.
    pub manifests: Vec<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Tags that point to something else meanwhile and were left alone.
    pub left: Vec<String>,
    /// Digests that what was put back names, and that are neither in the repository nor in the trash.
    pub missing: Vec<String>,
}

/// What was emptied.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Emptied {
    /// Entries that went for good.
    pub entries: u64,
}
