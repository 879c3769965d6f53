//! What a source says of a person.

use serde::{Deserialize, Serialize};

/// A person as a directory or a provider describes them, after it has vouched for them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// What never changes about them: an entry's UUID (else its distinguished name), or the `sub` claim.
    pub subject: String,
    /// The name they sign in with.
    pub name: String,
    /// Their address, or nothing.
    pub email: String,
    /// The name people know, or nothing.
    pub full_name: String,
    /// The groups they are in, nested ones too.
    pub groups: Vec<Group>,
    /// Whether one of these groups makes them an administrator.
    pub administrator: bool,
}

/// A group as a source names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The name to show; for a provider also what identifies it.
    pub name: String,
    /// A directory's group: its distinguished name.
    pub dn: String,
}
