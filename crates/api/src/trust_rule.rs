//! Trust rules of robots. Harbor has no such thing.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A rule to be made, or what one shall say from now on.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct TrustRuleReq {
    /// What it is called, unique among its robot's.
    pub name: String,
    /// The `iss` claim: the address of whoever signs, such as `https://token.actions.githubusercontent.com`.
    pub issuer: String,
    /// What the `aud` claim has to hold.
    pub audience: String,
    /// What further claims have to be, by their names; dots lead into objects, and a `*` stands for any text. At least
    /// one has to tell whose token it is.
    pub claims: BTreeMap<String, String>,
    /// PEM certificates to trust the issuer by, beside the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// The issuer's keys, a JWK set as text, for an issuer that cannot be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq, ToSchema)]
pub struct TrustRule {
    /// Its id.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// The `iss` claim.
    pub issuer: String,
    /// What the `aud` claim has to hold.
    pub audience: String,
    /// What further claims have to be.
    pub claims: BTreeMap<String, String>,
    /// PEM certificates to trust the issuer by, beside the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_certificate: Option<String>,
    /// The issuer's keys, a JWK set as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<String>,
    /// When it let somebody in last, some seconds late.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_time: Option<Timestamp>,
    /// When it was made.
    pub creation_time: Timestamp,
}
