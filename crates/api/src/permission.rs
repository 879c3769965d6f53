//! Permissions: the matrix, what somebody has, and why.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One permission, in Harbor's form.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Permission {
    /// What it is about; for `/users/current/permissions` below its scope.
    pub resource: String,
    /// What may be done.
    pub action: String,
}

/// A row of the permission matrix.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct MatrixRow {
    /// What it is about.
    pub resource: String,
    /// What may be done.
    pub action: String,
    /// The built-in roles that permit it, by Harbor's names.
    pub roles: Vec<String>,
    /// Whether a public project permits it to anybody, and an internal one to whoever has signed in.
    pub visitors: bool,
}

/// The answer to "may they, and why".
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct Explanation {
    /// Whether it is allowed.
    pub allowed: bool,
    /// About whom.
    pub principal: String,
    /// What was asked: `resource:action`.
    pub permission: String,
    /// Where: `/`, a project or a repository.
    pub place: String,
    /// The rule that decided, in words.
    pub rule: String,
}
