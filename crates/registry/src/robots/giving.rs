//! What a robot can be given, and by whom.

use hythe_metadata::robot::Robot;
use hythe_oci::name::ProjectName;

use super::invalid;
use crate::access::permission::{Action, PROJECT_RULES, Permission, Resource, SYSTEM_PERMISSIONS};
use crate::access::permissions::{EntryKind, PermissionEntry, PermissionList};
use crate::access::{Caller, Principal};
use crate::error::{Error, Result};

const MOST_ENTRIES: usize = 1000;

/// What a robot of a project can be given: everything a project has but what only people should hold.
pub fn grantable_in_project() -> impl Iterator<Item = Permission> {
    const PEOPLE_ONLY: &[Resource] = &[Resource::Grant];
    PROJECT_RULES
        .iter()
        .map(|rule| rule.permission)
        .filter(|permission| !PEOPLE_ONLY.contains(&permission.resource))
}

/// What a robot of the system can be given beside permissions in projects.
pub fn grantable_in_system() -> impl Iterator<Item = Permission> {
    const PEOPLE_ONLY: &[Resource] = &[Resource::SigningKey, Resource::IdentitySource, Resource::Role];
    SYSTEM_PERMISSIONS
        .iter()
        .copied()
        .filter(|permission| !PEOPLE_ONLY.contains(&permission.resource))
        .filter(|permission| {
            (permission.resource, permission.action) != (Resource::Configuration, Action::Update)
        })
}

/// Whether this maker can give a robot this.
pub(super) fn validate_permissions(
    list: &PermissionList,
    project: Option<&ProjectName>,
    maker: &Caller,
) -> Result<()> {
    if list.0.len() > MOST_ENTRIES {
        return Err(invalid(format!("a robot has at most {MOST_ENTRIES} permission entries")));
    }
    list.validate().map_err(invalid)?;
    if let Some(project) = project
        && !(list.0.len() == 1 && list.0.iter().all(|entry| is_inside(entry, project)))
    {
        return Err(invalid(format!(
            "a robot of project {project} has exactly one permission entry, for that project"
        )));
    }
    for entry in &list.0 {
        validate_grantable(entry, maker)?;
    }
    Ok(())
}

fn is_inside(entry: &PermissionEntry, project: &ProjectName) -> bool {
    let below = entry.namespace.strip_prefix(project.as_str()).is_some_and(|rest| rest.starts_with('/'));
    entry.kind == EntryKind::Project && (entry.namespace == project.as_str() || below)
}

/// A robot, or somebody with a limited token, gives no more than it has.
fn validate_grantable(entry: &PermissionEntry, maker: &Caller) -> Result<()> {
    for permission in entry.permissions() {
        let grantable = match entry.kind {
            EntryKind::Project => grantable_in_project().any(|known| known == permission),
            EntryKind::System => grantable_in_system().any(|known| known == permission),
        };
        if !grantable {
            return Err(invalid(format!("{permission} cannot be given to a robot")));
        }
    }
    refuse_more_than_own(entry, maker)
}

fn refuse_more_than_own(entry: &PermissionEntry, maker: &Caller) -> Result<()> {
    let own = match &maker.principal {
        Principal::Robot(robot) => Some(&robot.permissions),
        _ => maker.limit.as_deref(),
    };
    for permission in entry.permissions() {
        if own.is_some_and(|own| !own.includes(entry, permission)) {
            return Err(Error::forbidden(format!(
                "{} cannot give {permission} in {}, which it does not have itself",
                maker.described(),
                entry.namespace
            )));
        }
    }
    Ok(())
}

/// Whoever makes a way in for a robot can use it: a robot, or somebody with a limited token, gets no more than it has.
pub(crate) fn may_act_as(robot: &Robot, maker: &Caller) -> Result<()> {
    let list: PermissionList = serde_json::from_str(&robot.permissions)
        .map_err(|error| Error::internal("the robot's permissions cannot be read", error))?;
    list.0.iter().try_for_each(|entry| refuse_more_than_own(entry, maker))
}
