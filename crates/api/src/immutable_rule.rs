//! Immutable tag rules, in Harbor's shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::selector::{Selector, or_default};

/// Tags that are neither moved nor deleted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct ImmutableRule {
    /// Its id.
    #[serde(default, deserialize_with = "or_default")]
    pub id: i64,
    /// Without meaning.
    #[serde(default, deserialize_with = "or_default")]
    pub priority: i64,
    /// Whether it protects nothing for now.
    #[serde(default, deserialize_with = "or_default")]
    pub disabled: bool,
    /// `immutable`.
    #[serde(default, deserialize_with = "or_default")]
    pub action: String,
    /// `immutable_template`.
    #[serde(default, deserialize_with = "or_default")]
    pub template: String,
    /// Empty.
    #[serde(default, deserialize_with = "or_default")]
    pub params: BTreeMap<String, Value>,
    /// One pattern for tags.
    #[serde(default, deserialize_with = "or_default")]
    pub tag_selectors: Vec<Selector>,
    /// One pattern for repositories, under `repository`.
    #[serde(default, deserialize_with = "or_default")]
    pub scope_selectors: BTreeMap<String, Vec<Selector>>,
}
