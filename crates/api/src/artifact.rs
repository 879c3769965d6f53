//! Artifacts: manifests as people see them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::label::Label;
use crate::tag::Tag;

/// An artifact.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct Artifact {
    /// Its id.
    pub id: i64,
    /// `IMAGE`, `CHART`, `CNAB`, `WASM`, `CNAI`, or a word from its config's media type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The media type of its config, or of the index.
    pub media_type: String,
    /// The media type of the manifest.
    pub manifest_media_type: String,
    /// The manifest's own type, else its config's.
    pub artifact_type: String,
    /// Its project's id.
    pub project_id: i64,
    /// Its repository's id.
    pub repository_id: i64,
    /// Its repository's whole name.
    pub repository_name: String,
    /// The digest of the manifest.
    pub digest: String,
    /// Bytes of the manifest and all that it needs.
    pub size: u64,
    /// The digest of its icon, where it has one.
    pub icon: String,
    /// When it was pushed.
    pub push_time: Timestamp,
    /// When it was pulled last; the first day of year 1 for never.
    pub pull_time: Timestamp,
    /// What its config says.
    pub extra_attrs: BTreeMap<String, Value>,
    /// The manifest's annotations.
    pub annotations: BTreeMap<String, String>,
    /// The parts of an index.
    pub references: Vec<Reference>,
    /// Its tags, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// What can be read beside it, by name.
    pub addition_links: BTreeMap<String, AdditionLink>,
    /// Its labels, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Label>>,
    /// Signatures and the like that belong to it, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accessories: Option<Vec<Accessory>>,
}

/// A part of an index.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Reference {
    /// The index.
    pub parent_id: i64,
    /// The part; 0 where the repository does not have it.
    pub child_id: i64,
    /// The part's digest.
    pub child_digest: String,
    /// What the part is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The annotations that the index gives to the part.
    pub annotations: BTreeMap<String, String>,
    /// Other places where the part is.
    pub urls: Vec<String>,
}

/// What an image runs on. Harbor's two odd names are those of its own document, apostrophes included.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Platform {
    /// The processor.
    #[serde(default)]
    pub architecture: String,
    /// The operating system.
    #[serde(default)]
    pub os: String,
    /// What the operating system must offer.
    #[serde(rename = "'os.features'", default, skip_serializing_if = "Vec::is_empty")]
    pub os_features: Vec<String>,
    /// The version of the operating system.
    #[serde(rename = "'os.version'", default, skip_serializing_if = "String::is_empty")]
    pub os_version: String,
    /// The processor's variant.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
}

/// Where something beside an artifact can be read.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct AdditionLink {
    /// The path.
    pub href: String,
    /// Whether it names a host.
    pub absolute: bool,
}

/// An artifact that belongs to another.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Accessory {
    /// Its id.
    pub id: i64,
    /// Its id as an artifact.
    pub artifact_id: i64,
    /// What it belongs to.
    pub subject_artifact_id: i64,
    /// The digest of that.
    pub subject_artifact_digest: String,
    /// The repository of both.
    pub subject_artifact_repo: String,
    /// Bytes.
    pub size: u64,
    /// Its digest.
    pub digest: String,
    /// `signature.cosign`, `signature.notation`, `sbom.harbor`, `accelerator.nydus` or `subject.accessory`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The digest of its icon; it has none.
    pub icon: String,
    /// When it was pushed.
    pub creation_time: Timestamp,
}
