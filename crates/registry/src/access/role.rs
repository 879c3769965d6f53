//! Roles: the five of Harbor, and those an administrator made.

use super::permission::{PROJECT_RULES, Permission, project_rule};

/// Harbor's project roles, by Harbor's ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// May do everything in the project.
    ProjectAdmin = 1,
    /// May pull and push.
    Developer = 2,
    /// May pull.
    Guest = 3,
    /// May pull, push and delete.
    Maintainer = 4,
    /// May pull, and does not see the members.
    LimitedGuest = 5,
}

impl BuiltIn {
    /// All roles, in the order in which Harbor numbers them.
    pub const ALL: [BuiltIn; 5] = [
        BuiltIn::ProjectAdmin,
        BuiltIn::Developer,
        BuiltIn::Guest,
        BuiltIn::Maintainer,
        BuiltIn::LimitedGuest,
    ];

    /// The role with this id.
    pub fn from_id(id: i64) -> Option<BuiltIn> {
        BuiltIn::ALL.into_iter().find(|role| role.id() == id)
    }

    /// The id in rows and in Harbor's API.
    pub const fn id(self) -> i64 {
        self as i64
    }

    /// Harbor's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            BuiltIn::ProjectAdmin => "projectAdmin",
            BuiltIn::Developer => "developer",
            BuiltIn::Guest => "guest",
            BuiltIn::Maintainer => "maintainer",
            BuiltIn::LimitedGuest => "limitedGuest",
        }
    }
}

/// A set of built-in roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// No role.
    pub const NONE: Roles = Roles(0);

    /// The set with the role.
    #[must_use]
    pub const fn with(self, role: BuiltIn) -> Roles {
        Roles(self.0 | (1 << role as u8))
    }

    /// Whether the role is in the set.
    pub const fn contains(self, role: BuiltIn) -> bool {
        self.0 & (1 << role as u8) != 0
    }
}

/// Ids of roles that an administrator made begin here.
pub const FIRST_CUSTOM_ID: i64 = 100;

/// A role as it counts in a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// One of Harbor's.
    BuiltIn(BuiltIn),
    /// One that an administrator made.
    Custom {
        /// Its id, at least [`FIRST_CUSTOM_ID`].
        id: i64,
        /// Its name.
        name: String,
        /// What it permits in a project.
        permissions: Vec<Permission>,
    },
}

impl Role {
    /// The id in rows and in the API.
    pub fn id(&self) -> i64 {
        match self {
            Role::BuiltIn(role) => role.id(),
            Role::Custom { id, .. } => *id,
        }
    }

    /// The name that people know.
    pub fn name(&self) -> &str {
        match self {
            Role::BuiltIn(role) => role.name(),
            Role::Custom { name, .. } => name,
        }
    }

    /// Whether it permits this in a project.
    pub fn permits(&self, permission: Permission) -> bool {
        match self {
            Role::BuiltIn(role) => project_rule(permission).is_some_and(|rule| rule.roles.contains(*role)),
            Role::Custom { permissions, .. } => permissions.contains(&permission),
        }
    }

    /// All that it permits, in the order of the table.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        PROJECT_RULES.iter().map(|rule| rule.permission).filter(|permission| self.permits(*permission))
    }
}

impl From<BuiltIn> for Role {
    fn from(role: BuiltIn) -> Role {
        Role::BuiltIn(role)
    }
}
