//! What a robot or a personal token was given: lists of permissions, each for some place, in Harbor's JSON.

use hythe_oci::name::{ProjectName, RepositoryName};
use serde::{Deserialize, Serialize};

use super::permission::{Action, Permission, Resource, SYSTEM_PERMISSIONS, project_rule};

/// A list of what was given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PermissionList(pub Vec<PermissionEntry>);

/// What was given in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionEntry {
    /// Whether the place is the system or a project.
    pub kind: EntryKind,
    /// `/` for the system; for projects `*` (all of them), a project's name, or a repository's full name, where a
    /// `*` at the end stands for whatever follows.
    pub namespace: String,
    /// What may be done there.
    pub access: Vec<AccessEntry>,
}

/// What kind of place an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// The whole system.
    System,
    /// Projects or repositories.
    Project,
}

/// One permission in Harbor's form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// The resource's word.
    pub resource: String,
    /// The action's word.
    pub action: String,
    /// `allow`, or absent, which says the same. Harbor's form has it; there is no other effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
}

impl AccessEntry {
    fn permission(&self) -> Result<Permission, String> {
        let word = |error: super::permission::UnknownWord| error.to_string();
        let resource: Resource = self.resource.parse().map_err(word)?;
        let action: Action = self.action.parse().map_err(word)?;
        Ok(Permission { resource, action })
    }

    fn is(&self, permission: Permission) -> bool {
        self.resource == permission.resource.as_str() && self.action == permission.action.as_str()
    }
}

impl PermissionEntry {
    /// What may be done there, as far as its words are known.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        self.access.iter().filter_map(|entry| entry.permission().ok())
    }

    fn has(&self, permission: Permission) -> bool {
        self.access.iter().any(|entry| entry.is(permission))
    }

    fn covers_project(&self, project: &ProjectName) -> bool {
        self.kind == EntryKind::Project && (self.namespace == "*" || self.namespace == project.as_str())
    }

    fn covers_repository(&self, repository: &RepositoryName) -> bool {
        self.kind == EntryKind::Project
            && (self.covers_project(&repository.project()) || covers(&self.namespace, repository.as_str()))
    }

    /// Whether every permission is one that such a place can have, and the place is well formed.
    fn validate(&self) -> Result<(), String> {
        if self.kind == EntryKind::System && self.namespace != "/" {
            return Err(format!("the namespace of a system entry is \"/\", not {:?}", self.namespace));
        }
        if self.kind == EntryKind::Project {
            validate_namespace(&self.namespace)?;
        }
        if self.access.is_empty() {
            return Err(format!(
                "the entry for {:?} permits nothing; list what it shall permit",
                self.namespace
            ));
        }
        self.access.iter().try_for_each(|access| self.validate_access(access))
    }

    fn validate_access(&self, access: &AccessEntry) -> Result<(), String> {
        if access.effect.as_deref().is_some_and(|effect| !effect.is_empty() && effect != "allow") {
            return Err(
                "the effect of a permission is \"allow\" or absent; what is not listed is denied".to_owned()
            );
        }
        let permission = access.permission()?;
        let known = match self.kind {
            EntryKind::System => SYSTEM_PERMISSIONS.contains(&permission),
            EntryKind::Project => project_rule(permission).is_some(),
        };
        let place = if self.kind == EntryKind::System { "the system" } else { "a project" };
        if known { Ok(()) } else { Err(format!("{permission} is no permission of {place}")) }
    }
}

impl PermissionList {
    /// Whether the list permits this in a whole project.
    pub fn allows_in_project(&self, permission: Permission, project: &ProjectName) -> bool {
        self.0.iter().any(|entry| entry.covers_project(project) && entry.has(permission))
    }

    /// Whether the list permits this in a repository.
    pub fn allows_in_repository(&self, permission: Permission, repository: &RepositoryName) -> bool {
        self.0.iter().any(|entry| entry.covers_repository(repository) && entry.has(permission))
    }

    /// Whether the list permits this over the system.
    pub fn allows_everywhere(&self, permission: Permission) -> bool {
        self.0.iter().any(|entry| entry.kind == EntryKind::System && entry.has(permission))
    }

    /// Whether it permits anything in this project or in a repository of it.
    pub fn names_project(&self, project: &ProjectName) -> bool {
        let below = |namespace: &str| {
            namespace.strip_prefix(project.as_str()).is_some_and(|rest| rest.starts_with('/'))
        };
        self.0.iter().any(|entry| entry.covers_project(project) || below(&entry.namespace))
    }

    /// The beginnings of the names (each with a space behind it) of the repositories in which it permits this; none
    /// if it permits it in all of them.
    pub fn beginnings(&self, permission: Permission) -> Option<Vec<String>> {
        let entries = self.0.iter().filter(|entry| entry.kind == EntryKind::Project && entry.has(permission));
        entries.map(|entry| beginning(&entry.namespace)).collect()
    }

    /// Whether the list permits this wherever another entry would.
    pub fn includes(&self, other: &PermissionEntry, permission: Permission) -> bool {
        let wide_enough = |own: &PermissionEntry| {
            own.kind == other.kind
                && (own.namespace == "*"
                    || own.namespace == other.namespace
                    || covers(&own.namespace, other.namespace.trim_end_matches('*'))
                    || other.namespace.strip_prefix(&own.namespace).is_some_and(|rest| rest.starts_with('/')))
        };
        self.0.iter().any(|own| wide_enough(own) && own.has(permission))
    }

    /// Whether everything in the list makes sense; the words say what does not.
    pub fn validate(&self) -> Result<(), String> {
        self.0.iter().try_for_each(PermissionEntry::validate)
    }
}

fn beginning(namespace: &str) -> Option<String> {
    match namespace.strip_suffix('*') {
        Some("") => None,
        Some(beginning) => Some(beginning.to_owned()),
        None if namespace.contains('/') => Some(format!("{namespace} ")),
        None => Some(format!("{namespace}/")),
    }
}

/// Whether a pattern covers a name: itself, or what begins with it where it ends in `*`.
pub(crate) fn covers(pattern: &str, name: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == name, |beginning| name.starts_with(beginning))
}

fn validate_namespace(namespace: &str) -> Result<(), String> {
    if namespace == "*" {
        return Ok(());
    }
    let plain = namespace.strip_suffix('*').unwrap_or(namespace).trim_end_matches(['/', '-', '_', '.']);
    let valid = if plain.contains('/') {
        plain.parse::<RepositoryName>().is_ok()
    } else {
        plain.parse::<ProjectName>().is_ok() && (!namespace.ends_with('*') || namespace.contains('/'))
    };
    if valid {
        return Ok(());
    }
    Err(format!(
        "{namespace:?} names no place: write \"*\", a project, or a repository, which may end in * (team/app-*)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(namespace: &str, permission: &str) -> PermissionList {
        let (resource, action) = permission.split_once(':').unwrap_or_default();
        let access =
            vec![AccessEntry { resource: resource.to_owned(), action: action.to_owned(), effect: None }];
        PermissionList(vec![PermissionEntry {
            kind: EntryKind::Project,
            namespace: namespace.to_owned(),
            access,
        }])
    }

    fn pulls(namespace: &str, repository: &str) -> bool {
        let pull = Permission { resource: Resource::Repository, action: Action::Pull };
        repository
            .parse()
            .is_ok_and(|name| list(namespace, "repository:pull").allows_in_repository(pull, &name))
    }

    #[test]
    fn a_place_covers_what_lies_below_it_and_nothing_beside_it() {
        for (namespace, repository, covered) in [
            ("*", "team/app", true),
            ("team", "team/app", true),
            ("team", "team2/app", false),
            ("team/app", "team/app", true),
            ("team/app", "team/app2", false),
            ("team/app-*", "team/app-x/y", true),
            ("team/app-*", "team/app", false),
            ("team/*", "team2/app", false),
        ] {
            assert_eq!(pulls(namespace, repository), covered, "{namespace} {repository}");
        }
    }

    #[test]
    fn a_repository_is_no_project() {
        let read = Permission { resource: Resource::Project, action: Action::Read };
        let team = "team".parse();
        assert!(team.is_ok_and(|team| !list("team/app", "project:read").allows_in_project(read, &team)));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (namespace, permission) in [
            ("Team", "repository:pull"),
            ("te*", "repository:pull"),
            ("team", "user:create"),
            ("team", "repository:fly"),
        ] {
            assert!(list(namespace, permission).validate().is_err(), "{namespace} {permission}");
        }
        for (namespace, permission) in
            [("*", "repository:pull"), ("team", "tag:delete"), ("team/app-*", "artifact:read")]
        {
            assert_eq!(list(namespace, permission).validate(), Ok(()), "{namespace} {permission}");
        }
    }
}
