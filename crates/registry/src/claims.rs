//! What a bearer token says.

use hythe_oci::name::RepositoryName;
use hythe_oci::scope::Action;
use serde::{Deserialize, Serialize};

use crate::access::TagLimit;

/// What a token says (RFC 7519, with the `access` claim of the Docker registry token specification).
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Claims {
    /// Who made it.
    pub iss: String,
    /// The user's name; empty for a stranger.
    pub sub: String,
    /// The service it is for.
    pub aud: String,
    /// End of its life, seconds since the epoch.
    pub exp: i64,
    /// Begin of its life.
    pub nbf: i64,
    /// When it was made.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// The user's id; absent for a stranger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<i64>,
    /// The robot's id; absent for anybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rid: Option<i64>,
    /// The newest revocation of its subjects that its maker knew; see `revocations`.
    #[serde(default)]
    pub rev: i64,
    /// The id of the personal token that was shown for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pat: Option<i64>,
    /// The id of the trust rule that let its bearer in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<i64>,
    /// What its bearer may do.
    pub access: Vec<Access>,
}

/// One entry of the `access` claim.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub struct Access {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The repository's full name, or `catalog`.
    pub name: String,
    /// `pull`, `push`, `delete`, or `*`.
    pub actions: Vec<String>,
    /// The tags for which; absent for all. Each is a tag, or a beginning followed by `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

impl Claims {
    /// Whether the bearer may do this here, and for which tags.
    pub(crate) fn find_grant(&self, repository: &RepositoryName, action: Action) -> Option<TagLimit> {
        let granted = self.access.iter().filter(|access| {
            access.kind == "repository"
                && access.name == repository.as_str()
                && access.actions.iter().any(|allowed| allowed == action.as_str())
        });
        let limits: Option<Vec<&Vec<String>>> = granted.clone().map(|access| access.tags.as_ref()).collect();
        match limits {
            Some(limits) if limits.is_empty() => None,
            Some(limits) => Some(TagLimit::Patterns(limits.into_iter().flatten().cloned().collect())),
            None => Some(TagLimit::None),
        }
    }

    /// Whether the bearer may list repositories.
    pub fn allows_catalog(&self) -> bool {
        self.access.iter().any(|access| access.kind == "registry" && access.name == "catalog")
    }
}
