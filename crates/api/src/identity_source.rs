//! Identity sources: the directories and OpenID providers that people come from.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A source to be made.
#[derive(Clone, Deserialize, Serialize, ToSchema)]
pub struct IdentitySourceReq {
    /// Its name, for ever: 1 to 64 of `a-z 0-9 - _ .`.
    pub name: String,
    /// `ldap` or `oidc`.
    pub kind: String,
    /// Its place in the order; the last where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// Whether it is asked.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Its settings; those left out have their defaults.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// A change to a source; what is left out stays.
#[derive(Clone, Default, Deserialize, Serialize, ToSchema)]
pub struct IdentitySourceUpdate {
    /// Its place in the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// Whether it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Settings to change.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// A source.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, ToSchema)]
pub struct IdentitySource {
    /// Its id.
    pub id: i64,
    /// Its name, which its users carry.
    pub name: String,
    /// `ldap` or `oidc`.
    pub kind: String,
    /// Its place in the order.
    pub position: i64,
    /// Whether it is asked.
    pub enabled: bool,
    /// Its settings, without secrets.
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
    /// The names of the secrets that are set.
    pub secrets_set: Vec<String>,
    /// When it was made.
    pub creation_time: Timestamp,
    /// When it was changed last.
    pub update_time: Timestamp,
}

fn yes() -> bool {
    true
}
