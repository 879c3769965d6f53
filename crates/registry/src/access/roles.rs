//! A role that an administrator made, from its row.

use super::role::Role;

/// The role of a row. Words that this version does not know are left out: a list that a newer node wrote is read by
/// an older one, which can only permit less.
pub(crate) fn custom(id: i64, name: &str, permissions: &str) -> Role {
    let words: Vec<String> = serde_json::from_str(permissions).unwrap_or_default();
    let permissions = words.iter().filter_map(|word| word.parse().ok()).collect();
    Role::Custom { id, name: name.to_owned(), permissions }
}
