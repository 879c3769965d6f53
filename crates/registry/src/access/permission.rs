//! What can be permitted, and which role permits it: the one table that code, API, console and documents print.
//!
//! The words and the roles are Harbor's (`src/common/rbac/const.go`, `src/common/rbac/project/rbac_role.go`). Where
//! the table departs from Harbor's, the row says why.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::role::{BuiltIn, Roles};

/// Makes an enum whose variants have one word each.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $(#[doc = concat!("`", $word, "`")] $variant,)+ }

        impl $name {
            /// All of them, in the order of the table.
            pub const ALL: &[$name] = &[$($name::$variant,)+];

            /// Its word in the API.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word).ok_or_else(|| UnknownWord {
                    kind: stringify!($name),
                    word: word.chars().take(64).collect(),
                    known: Self::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

/// A word that names no resource or no action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no {}; known are {known}", kind.to_ascii_lowercase())]
pub struct UnknownWord {
    kind: &'static str,
    word: String,
    known: String,
}

words! {
    /// What a permission is about.
    Resource {
        Project = "project",
        Member = "member",
        Metadata = "metadata",
        Log = "log",
        Label = "label",
        Quota = "quota",
        Repository = "repository",
        TagRetention = "tag-retention",
        ImmutableTag = "immutable-tag",
        Trash = "trash",
        Configuration = "configuration",
        Robot = "robot",
        NotificationPolicy = "notification-policy",
        Scan = "scan",
        Sbom = "sbom",
        Scanner = "scanner",
        Artifact = "artifact",
        ArtifactAddition = "artifact-addition",
        Accessory = "accessory",
        Tag = "tag",
        ArtifactLabel = "artifact-label",
        PreheatPolicy = "preheat-policy",
        ExportCve = "export-cve",
        Grant = "grant",
        AuditLog = "audit-log",
        Catalog = "catalog",
        User = "user",
        UserGroup = "user-group",
        Role = "role",
        IdentitySource = "identity-source",
        LdapUser = "ldap-user",
        Registry = "registry",
        Replication = "replication",
        ReplicationPolicy = "replication-policy",
        ReplicationAdapter = "replication-adapter",
        GarbageCollection = "garbage-collection",
        PurgeAudit = "purge-audit",
        ScanAll = "scan-all",
        SystemVolumes = "system-volumes",
        PreheatInstance = "preheat-instance",
        JobServiceMonitor = "jobservice-monitor",
        SecurityHub = "security-hub",
        SigningKey = "signing-key",
        Node = "node",
    }
}

words! {
    /// What is done to it.
    Action {
        Create = "create",
        Read = "read",
        Update = "update",
        Delete = "delete",
        List = "list",
        Pull = "pull",
        Push = "push",
        Operate = "operate",
        Stop = "stop",
    }
}

/// One thing that can be permitted: an action on a resource. Its text is `resource:action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission {
    /// What it is about.
    pub resource: Resource,
    /// What may be done to it.
    pub action: Action,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.resource, self.action)
    }
}

impl FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Permission, String> {
        let (resource, action) = text.split_once(':').ok_or_else(|| {
            format!("{:?} is no permission; write resource:action", text.get(..64).unwrap_or(text))
        })?;
        let word = |error: UnknownWord| error.to_string();
        Ok(Permission { resource: resource.parse().map_err(word)?, action: action.parse().map_err(word)? })
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Permission, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A row of the table of project permissions: who holds it.
#[derive(Clone, Copy, Debug)]
pub struct ProjectRule {
    /// What is permitted.
    pub permission: Permission,
    /// The built-in roles that permit it.
    pub roles: Roles,
    /// Whether a public project permits it to anybody, and an internal one to whoever is signed in.
    pub visitors: bool,
}

/// A right as a type, so that a function can ask for exactly the one it needs.
pub trait Right {
    /// The permission that gives it.
    const PERMISSION: Permission;
}

/// A right that is asked for in a project or a repository of it.
pub trait ProjectRight: Right {}

/// A right over the whole system.
pub trait SystemRight: Right {}

macro_rules! right {
    ($marker:ident, $kind:ident, $resource:ident, $action:ident) => {
        #[doc = concat!("The right to `", stringify!($action), "`.")]
        #[derive(Clone, Copy, Debug)]
        pub enum $marker {}

        impl super::super::Right for $marker {
            const PERMISSION: super::super::Permission = super::super::Permission {
                resource: super::super::Resource::$resource,
                action: super::super::Action::$action,
            };
        }

        impl super::super::$kind for $marker {}
    };
}

/// Declares the table of project permissions, and a type for each row in [`rights`].
macro_rules! project_rules {
    ($($module:ident $resource:ident { $($action:ident: $($role:ident)+;)+ })+) => {
        /// A type for every right in a project: `rights::label::Create`.
        pub mod rights {
            $(
                #[doc = concat!("Rights over a project's `", stringify!($module), "`.")]
                pub mod $module { $(right! { $action, ProjectRight, $resource, $action })+ }
            )+
        }

        /// Who may do what in a project.
        pub const PROJECT_RULES: &[ProjectRule] = &[$($(
            ProjectRule {
                permission: Permission { resource: Resource::$resource, action: Action::$action },
                roles: Roles::NONE$(.with_letter(stringify!($role)))+,
                visitors: false $(|| is_visitor(stringify!($role)))+,
            },
        )+)+];
    };
}

/// Declares the system's permissions, and a type for each in [`system_rights`]. An administrator holds them all,
/// robots of the system those they were given.
macro_rules! system_permissions {
    ($($module:ident $resource:ident { $($action:ident)+ })+) => {
        /// A type for every right over the system: `system_rights::user::Create`.
        pub mod system_rights {
            $(
                #[doc = concat!("Rights over the system's `", stringify!($module), "`.")]
                pub mod $module { $(right! { $action, SystemRight, $resource, $action })+ }
            )+
        }

        /// What can be permitted for the whole system.
        pub const SYSTEM_PERMISSIONS: &[Permission] = &[$($(
            Permission { resource: Resource::$resource, action: Action::$action },
        )+)+];
    };
}

/// The letter of visitors in the table.
const fn is_visitor(letter: &str) -> bool {
    matches!(letter.as_bytes(), b"V")
}

impl Roles {
    /// The set with the role that a letter of the table stands for: A project administrator, M maintainer,
    /// D developer, G guest, L limited guest. V is no role but stands for visitors.
    const fn with_letter(self, letter: &str) -> Roles {
        match letter.as_bytes() {
            b"A" => self.with(BuiltIn::ProjectAdmin),
            b"M" => self.with(BuiltIn::Maintainer),
            b"D" => self.with(BuiltIn::Developer),
            b"G" => self.with(BuiltIn::Guest),
            b"L" => self.with(BuiltIn::LimitedGuest),
            _ => self,
        }
    }
}

project_rules! {
    project Project { Read: A M D G L V; Update: A; Delete: A; }
    member Member { Create: A; Read: A M D G; Update: A; Delete: A; List: A M D G; }
    metadata Metadata { Create: A; Read: A M; Update: A; Delete: A; }
    // Harbor keeps the log from maintainers, who may delete what the log would then tell them about.
    log Log { List: A M; }
    label Label { Create: A M; Read: A M D G V; Update: A M; Delete: A M; List: A M D G V; }
    quota Quota { Read: A M D G L; }
    // Visitors may read a repository that they may list and pull from; Harbor refuses that one.
    repository Repository {
        Create: A M D; Read: A M D G L V; Update: A M D; Delete: A M; List: A M D G L V; Pull: A M D G L V; Push: A M D;
    }
    // Harbor lets developers change retention, which deletes what they may not delete themselves.
    tag_retention TagRetention { Create: A M; Read: A M D; Update: A M; Delete: A M; List: A M D; Operate: A M; }
    immutable_tag ImmutableTag { Create: A M; Update: A M; Delete: A M; List: A M D G; }
    // Whoever may delete may undo it; what goes for good is the project administrator's.
    trash Trash { Delete: A; List: A M; Operate: A M; }
    configuration Configuration { Read: A M D G L; Update: A; }
    robot Robot { Create: A; Read: A M D G; Update: A; Delete: A; List: A M D G; }
    notification_policy NotificationPolicy { Create: A; Read: A M; Update: A; Delete: A; List: A M; }
    scan Scan { Create: A M; Read: A M D G L V; Stop: A M; }
    sbom Sbom { Create: A M; Read: A M D G L; Stop: A M; }
    scanner Scanner { Create: A; Read: A M D G L V; }
    artifact Artifact { Create: A M D; Read: A M D G L V; Delete: A M; List: A M D G L V; }
    artifact_addition ArtifactAddition { Read: A M D G L V; }
    accessory Accessory { List: A M D G L V; }
    tag Tag { Create: A M D; Delete: A M; List: A M D G L V; }
    artifact_label ArtifactLabel { Create: A M D; Delete: A M D; }
    preheat_policy PreheatPolicy { Create: A; Read: A; Update: A; Delete: A; List: A; }
    export_cve ExportCve { Create: A M D; Read: A M D; List: A M D; }
    grant Grant { Create: A; Read: A M; Update: A; Delete: A; List: A M; }
}

system_permissions! {
    audit_log AuditLog { List Read }
    catalog Catalog { Read }
    configuration Configuration { Read Update }
    garbage_collection GarbageCollection { Create Read Update Delete List Stop }
    grant Grant { Read }
    identity_source IdentitySource { Create Read Update Delete List }
    job_service_monitor JobServiceMonitor { List Stop }
    label Label { Create Read Update Delete List }
    ldap_user LdapUser { Create List }
    node Node { Read List }
    preheat_instance PreheatInstance { Create Read Update Delete List }
    project Project { Create List }
    purge_audit PurgeAudit { Create Read Update Delete List Stop }
    quota Quota { Read Update List }
    registry Registry { Create Read Update Delete List }
    replication Replication { Create Read List }
    replication_adapter ReplicationAdapter { List }
    replication_policy ReplicationPolicy { Create Read Update Delete List }
    robot Robot { Create Read Update Delete List }
    role Role { Create Read Update Delete List }
    scan_all ScanAll { Create Read Update Delete List Stop }
    scanner Scanner { Create Read Update Delete List }
    security_hub SecurityHub { Read List }
    signing_key SigningKey { Create List }
    system_volumes SystemVolumes { Read }
    trash Trash { Delete List Operate }
    user User { Create Read Update Delete List }
    user_group UserGroup { Create Read Update Delete List }
}

/// The row of a permission; none for one that no project has.
pub fn project_rule(permission: Permission) -> Option<&'static ProjectRule> {
    PROJECT_RULES.iter().find(|rule| rule.permission == permission)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for permission in
            PROJECT_RULES.iter().map(|rule| rule.permission).chain(SYSTEM_PERMISSIONS.iter().copied())
        {
            assert_eq!(permission.to_string().parse(), Ok(permission));
        }
    }

    #[test]
    fn no_permission_stands_twice() {
        for (index, rule) in PROJECT_RULES.iter().enumerate() {
            assert!(
                PROJECT_RULES[..index].iter().all(|other| other.permission != rule.permission),
                "{}",
                rule.permission
            );
        }
        for (index, permission) in SYSTEM_PERMISSIONS.iter().enumerate() {
            assert!(!SYSTEM_PERMISSIONS[..index].contains(permission), "{permission}");
        }
    }

    #[test]
    fn a_project_administrator_may_do_everything_in_the_project() {
        assert!(PROJECT_RULES.iter().all(|rule| rule.roles.contains(BuiltIn::ProjectAdmin)));
    }

    #[test]
    fn whoever_may_push_may_pull() {
        let roles = |action| {
            project_rule(Permission { resource: Resource::Repository, action }).map(|rule| rule.roles)
        };
        let (pull, push) =
            (roles(Action::Pull).unwrap_or(Roles::NONE), roles(Action::Push).unwrap_or(Roles::NONE));
        assert!(BuiltIn::ALL.iter().all(|role| !push.contains(*role) || pull.contains(*role)));
    }

    #[test]
    fn unknown_words_name_the_known_ones() {
        let error = "tga:push".parse::<Permission>().unwrap_err();
        assert!(error.contains("\"tga\" is no resource; known are project, member"), "{error}");
    }
}
