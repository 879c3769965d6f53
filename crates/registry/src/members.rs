//! Members: which user or group has which role in which project.

use hythe_metadata::member::{self, Entity, Member};
use hythe_metadata::project::Project;
use hythe_metadata::{Connection, Window, user};
use hythe_oci::error_code::ErrorCode;
use serde_json::json;

use crate::Registry;
use crate::access::Permit;
use crate::access::rights::member as right;
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::roles::check_role;

impl Registry {
    /// Makes somebody a member and tells the membership's id. A conflict if they are one already.
    pub async fn create_member(
        &self,
        permit: &Permit<right::Create, Project>,
        entity: Entity,
        role: i64,
    ) -> Result<i64> {
        let (project, now) = (permit.project().clone(), clock::now());
        let entry = entry(permit, "create", &describe(entity)).after(json!({ "role": role }));
        self.database
            .try_transaction(move |c| {
                let (project, entry) = (project.clone(), entry.clone());
                Box::pin(async move {
                    check_role(c, role).await?;
                    let made = member::create(c, project.id, entity, role, now).await;
                    let id = made.map_err(|error| match error {
                        hythe_metadata::Error::Conflict { .. } => Error::conflict(format!(
                            "that user or group is a member of project {} already",
                            project.name
                        )),
                        hythe_metadata::Error::Missing { .. } => unknown_entity(entity),
                        other => other.into(),
                    })?;
                    entry.write(c).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// The member of this id.
    pub async fn get_member(&self, permit: &Permit<right::Read, Project>, id: i64) -> Result<Member> {
        let mut c = self.database.connect().await?;
        member::find(&mut c, permit.project().id, id)
            .await?
            .ok_or_else(|| unknown_member(permit.project(), id))
    }

    /// The member that this user or group is, if it is one.
    pub async fn find_member(
        &self,
        permit: &Permit<right::Read, Project>,
        entity: Entity,
    ) -> Result<Option<Member>> {
        let mut c = self.database.connect().await?;
        Ok(member::find_by_entity(&mut c, permit.project().id, entity).await?)
    }

    /// Gives a member another role.
    pub async fn update_member(
        &self,
        permit: &Permit<right::Update, Project>,
        id: i64,
        role: i64,
    ) -> Result<()> {
        let project = permit.project().clone();
        let caller = permit.caller().clone();
        self.database
            .try_transaction(move |c| {
                let (project, caller) = (project.clone(), caller.clone());
                Box::pin(async move {
                    check_role(c, role).await?;
                    let found = member::find(c, project.id, id).await?;
                    let found = found.ok_or_else(|| unknown_member(&project, id))?;
                    member::update_role(c, project.id, id, role).await?;
                    let entry = Entry::new(&caller, "update", "member", &found.name).in_project(project.id);
                    let (was, is) = (json!({ "role": found.role }), json!({ "role": role }));
                    Ok(entry.before(was).after(is).write(c).await?)
                })
            })
            .await
    }

    /// Takes a member out of a project.
    pub async fn delete_member(&self, permit: &Permit<right::Delete, Project>, id: i64) -> Result<()> {
        let project = permit.project().clone();
        let caller = permit.caller().clone();
        self.database
            .try_transaction(move |c| {
                let (project, caller) = (project.clone(), caller.clone());
                Box::pin(async move {
                    let found = member::find(c, project.id, id).await?;
                    let found = found.ok_or_else(|| unknown_member(&project, id))?;
                    member::delete(c, project.id, id).await?;
                    let entry = Entry::new(&caller, "delete", "member", &found.name).in_project(project.id);
                    Ok(entry.before(json!({ "role": found.role })).write(c).await?)
                })
            })
            .await
    }

    /// Members whose names contain `part`, in the order of names and ids, and how many there are.
    pub async fn list_members(
        &self,
        permit: &Permit<right::List, Project>,
        part: &str,
        window: Window<(&str, i64)>,
    ) -> Result<(Vec<Member>, i64)> {
        let id = permit.project().id;
        let mut c = self.database.connect().await?;
        let members = member::list(&mut c, id, part, window).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(member::count(&mut c, id, part, most).await?)
        };
        Ok((members, self.total(format!("member {id} {part}"), count).await?))
    }

    /// The user of this name, as somebody that rights can be given to.
    pub async fn get_entity_of_user(&self, name: &str) -> Result<Entity> {
        let mut c = self.database.connect().await?;
        entity_of_user(&mut c, name).await
    }
}

fn entry(permit: &Permit<right::Create, Project>, operation: &str, who: &str) -> Entry {
    Entry::new(permit.caller(), operation, "member", who).in_project(permit.project().id)
}

fn describe(entity: Entity) -> String {
    match entity {
        Entity::User(id) => format!("user {id}"),
        Entity::Group(id) => format!("group {id}"),
    }
}

pub(crate) async fn entity_of_user(c: &mut Connection, name: &str) -> Result<Entity> {
    let found = user::find_by_name(c, name).await?.ok_or_else(|| crate::users::unknown_user(name))?;
    Ok(Entity::User(found.id))
}

pub(crate) fn unknown_entity(entity: Entity) -> Error {
    let (kind, id) = match entity {
        Entity::User(id) => ("user", id),
        Entity::Group(id) => ("group", id),
    };
    Error::unknown(ErrorCode::NameUnknown, format!("there is no {kind} with the id {id}"))
}

fn unknown_member(project: &Project, id: i64) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("project {} has no member with the id {id}", project.name))
}
