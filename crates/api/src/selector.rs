//! Selectors: which repositories and tags a rule is for.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// A pattern for repositories or tags.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Selector {
    /// `doublestar`, `regex`, or for tags `semver`.
    #[serde(default, deserialize_with = "or_default")]
    pub kind: String,
    /// `matches` or `excludes`; for repositories `repoMatches` or `repoExcludes`.
    #[serde(default, deserialize_with = "or_default")]
    pub decoration: String,
    /// The pattern.
    #[serde(default, deserialize_with = "or_default")]
    pub pattern: String,
    /// JSON as text: `{"untagged":true}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extras: Option<String>,
}

/// Clients write null for what they do not set.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
