//! The decision: may this caller do this here, and which rule says so.

use std::fmt;

use hythe_metadata::Connection;
use hythe_metadata::holding::{self, Holding};
use hythe_metadata::project::Project;
use hythe_oci::name::RepositoryName;

use super::caller::{Caller, Principal};
use super::permission::{Permission, project_rule};
use super::permissions::PermissionList;
use super::permit::TagLimit;
use super::role::{BuiltIn, Role};
use crate::error::Result;

/// Where something is to be done.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// In the whole system.
    Everywhere,
    /// In a project.
    Project(&'a Project),
    /// In a repository of a project.
    Repository(&'a Project, &'a RepositoryName),
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// For which tags.
    pub tags: TagLimit,
    /// Which rule says so.
    pub rule: Rule,
}

/// The rule that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The principal may do everything.
    Administrator,
    /// A role in the project, held by oneself or through a group.
    Role {
        /// The role's name.
        role: String,
        /// The project.
        project: String,
        /// The group, if it is held through one.
        group: Option<String>,
    },
    /// A role on a part of the project.
    Grant {
        /// The grant.
        id: i64,
        /// The role's name.
        role: String,
        /// Its repositories.
        repository: String,
        /// Its tags.
        tags: String,
        /// The group, if it is held through one.
        group: Option<String>,
    },
    /// The project is public.
    Public(String),
    /// The project is internal, and somebody has signed in.
    Internal(String),
    /// The robot was given it.
    RobotPermissions,
    /// The registry token says so, or does not.
    TokenScope,
    /// Something would allow it, and the credential does not include it.
    CredentialLimit,
    /// Nothing allows it. The roles are those that would.
    Nothing {
        /// Names of built-in roles that permit it.
        roles: Vec<&'static str>,
    },
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let through = |group: &Option<String>| match group {
            Some(group) => format!(" through group {group}"),
            None => String::new(),
        };
        match self {
            Rule::Administrator => f.write_str("an administrator may do everything"),
            Rule::Role { role, project, group } => {
                write!(f, "role {role} in project {project}{}", through(group))
            }
            Rule::Grant { id, role, repository, tags, group } => {
                write!(f, "grant {id}: role {role} on {repository}, tags {tags}{}", through(group))
            }
            Rule::Public(project) => write!(f, "project {project} is public"),
            Rule::Internal(project) => write!(f, "project {project} is internal: whoever has signed in may"),
            Rule::RobotPermissions => f.write_str("the robot's own list of permissions"),
            Rule::TokenScope => f.write_str("the scope of the registry token"),
            Rule::CredentialLimit => {
                f.write_str("the personal token's list of permissions does not include it")
            }
            Rule::Nothing { roles } if roles.is_empty() => f.write_str("only an administrator may"),
            Rule::Nothing { roles } => {
                write!(f, "no role, grant or visibility permits it; roles that would: {}", roles.join(", "))
            }
        }
    }
}

impl Decision {
    fn yes(rule: Rule) -> Decision {
        Decision { allowed: true, tags: TagLimit::None, rule }
    }

    fn no(rule: Rule) -> Decision {
        Decision { allowed: false, tags: TagLimit::None, rule }
    }

    fn no_rule(permission: Permission) -> Decision {
        let holders = |rule: &super::permission::ProjectRule| {
            BuiltIn::ALL.into_iter().filter(|role| rule.roles.contains(*role)).map(BuiltIn::name).collect()
        };
        Decision::no(Rule::Nothing { roles: project_rule(permission).map(holders).unwrap_or_default() })
    }
}

/// Decides. One read at most; none for administrators, robots, tokens and the whole system.
pub(super) async fn decide(
    c: &mut Connection,
    caller: &Caller,
    permission: Permission,
    place: Place<'_>,
) -> Result<Decision> {
    let decision = match &caller.principal {
        Principal::Token(claims) => return Ok(by_token(claims, permission, place)),
        _ if caller.is_administrator() => Decision::yes(Rule::Administrator),
        Principal::Robot(robot) if list_allows(&robot.permissions, permission, place) => {
            Decision::yes(Rule::RobotPermissions)
        }
        Principal::User(user) => {
            let held = match place {
                Place::Everywhere => Vec::new(),
                Place::Project(project) | Place::Repository(project, _) => {
                    holding::list(c, project.id, user.id).await?
                }
            };
            by_holdings(&held, permission, place)
                .or_else(|| by_visibility(caller, permission, place))
                .unwrap_or_else(|| Decision::no_rule(permission))
        }
        Principal::Anonymous | Principal::Robot(_) | Principal::Operator => {
            by_visibility(caller, permission, place).unwrap_or_else(|| Decision::no_rule(permission))
        }
    };
    Ok(within_limit(decision, caller, permission, place))
}

/// A personal token may not do what its list leaves out, whoever its owner is.
fn within_limit(decision: Decision, caller: &Caller, permission: Permission, place: Place<'_>) -> Decision {
    match &caller.limit {
        Some(limit) if decision.allowed && !list_allows(limit, permission, place) => {
            Decision::no(Rule::CredentialLimit)
        }
        _ => decision,
    }
}

fn list_allows(list: &PermissionList, permission: Permission, place: Place<'_>) -> bool {
    match place {
        Place::Everywhere => list.allows_everywhere(permission),
        Place::Project(project) => list.allows_in_project(permission, &project.name),
        Place::Repository(_, repository) => list.allows_in_repository(permission, repository),
    }
}

/// A registry token is for the registry's protocol; the API wants another credential.
fn by_token(claims: &crate::claims::Claims, permission: Permission, place: Place<'_>) -> Decision {
    let granted = match (place, permission.as_scope_action()) {
        (Place::Repository(_, repository), Some(action)) => claims.find_grant(repository, action),
        _ => None,
    };
    match granted {
        Some(tags) => Decision { allowed: true, tags, rule: Rule::TokenScope },
        None => Decision::no(Rule::TokenScope),
    }
}

/// The first role that permits it; else all grants that permit it, for their tags together.
fn by_holdings(held: &[Holding], permission: Permission, place: Place<'_>) -> Option<Decision> {
    let mut patterns = Vec::new();
    let mut granted = None;
    for holding in held {
        let Some(role) = role_of(holding) else { continue };
        match &holding.grant {
            None if role.permits(permission) => {
                let project = place.project_name();
                let rule = Rule::Role { role: role.name().to_owned(), project, group: holding.group.clone() };
                return Some(Decision::yes(rule));
            }
            Some(grant) if grant_permits(grant, &role, permission, place) => {
                patterns.push(grant.tag_pattern.clone());
                granted.get_or_insert_with(|| rule_of_grant(grant, &role, holding));
            }
            None | Some(_) => {}
        }
    }
    let rule = granted?;
    let limited = matches!(place, Place::Repository(..)) && !patterns.iter().any(|pattern| pattern == "*");
    let tags = if limited { TagLimit::Patterns(patterns.into()) } else { TagLimit::None };
    Some(Decision { allowed: true, tags, rule })
}

/// Whoever holds a grant may see that its project is there, so that clients can walk down to the repository.
fn grant_permits(grant: &holding::Grant, role: &Role, permission: Permission, place: Place<'_>) -> bool {
    match place {
        Place::Everywhere => false,
        Place::Project(_) => permission == <super::rights::project::Read as super::Right>::PERMISSION,
        Place::Repository(_, repository) => grant.covers(repository) && role.permits(permission),
    }
}

fn rule_of_grant(grant: &holding::Grant, role: &Role, holding: &Holding) -> Rule {
    Rule::Grant {
        id: grant.id,
        role: role.name().to_owned(),
        repository: grant.pattern(),
        tags: grant.tag_pattern.clone(),
        group: holding.group.clone(),
    }
}

/// A role that an administrator made and deleted since permits nothing.
pub(super) fn role_of(holding: &Holding) -> Option<Role> {
    if let Some(built_in) = BuiltIn::from_id(holding.role) {
        return Some(Role::BuiltIn(built_in));
    }
    let custom = holding.custom_role.as_ref()?;
    Some(super::roles::custom(holding.role, &custom.name, &custom.permissions))
}

/// What a public project permits to anybody, and an internal one to whoever has signed in.
fn by_visibility(caller: &Caller, permission: Permission, place: Place<'_>) -> Option<Decision> {
    let project = match place {
        Place::Everywhere => return None,
        Place::Project(project) | Place::Repository(project, _) => project,
    };
    let name = project.name.to_string();
    project_rule(permission).filter(|rule| rule.visitors)?;
    if project.public {
        return Some(Decision::yes(Rule::Public(name)));
    }
    (project.internal && !caller.is_anonymous()).then(|| Decision::yes(Rule::Internal(name)))
}

impl Place<'_> {
    fn project_name(&self) -> String {
        match self {
            Place::Everywhere => String::new(),
            Place::Project(project) | Place::Repository(project, _) => project.name.to_string(),
        }
    }
}
