//! `hythe admin member`

use clap::ValueEnum;
use hythe_api::member::ProjectMemberEntity;
use hythe_metadata::Window;
use hythe_metadata::member::{Entity, Member};
use hythe_oci::name::ProjectName;
use hythe_registry::access::BuiltIn;

use super::project::parse_name;
use super::{Desk, PAGE, refused, shown};
use crate::cli::admin::{self, MemberCommand};
use crate::failure::{Code, Failure};
use crate::output::{self, Format, Table, terminal_width};

pub(super) async fn run(command: &MemberCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        MemberCommand::Set { project, user, role } => set(project, user, *role, desk).await,
        MemberCommand::Remove { project, user } => remove(project, user, desk).await,
        MemberCommand::List { project, output } => list(project, *output, desk).await,
    }
}

async fn set(project: &str, user: &str, role: admin::Role, desk: &Desk) -> Result<(), Failure> {
    let name = parse_name(project)?;
    let registry = &desk.registry;
    let entity = registry.get_entity_of_user(user).await.map_err(refused)?;
    let wanted = as_in_registry(role).id();
    match find(desk, &name, entity).await? {
        Some(member) => {
            let permit = registry.permit_in_project(&desk.caller, &name).await.map_err(refused)?;
            registry.update_member(&permit, member.id, wanted).await.map_err(refused)?;
        }
        None => {
            let permit = registry.permit_in_project(&desk.caller, &name).await.map_err(refused)?;
            registry.create_member(&permit, entity, wanted).await.map_err(refused)?;
        }
    }
    output::print(&format!("User {user} is {} of project {project}.\n", typed(role)));
    Ok(())
}

async fn remove(project: &str, user: &str, desk: &Desk) -> Result<(), Failure> {
    let name = parse_name(project)?;
    let entity = desk.registry.get_entity_of_user(user).await.map_err(refused)?;
    let Some(member) = find(desk, &name, entity).await? else {
        let failure = Failure::new(format!("user {user} is no member of project {project}"));
        return Err(failure.with_code(Code::Missing));
    };
    let permit = desk.registry.permit_in_project(&desk.caller, &name).await.map_err(refused)?;
    desk.registry.delete_member(&permit, member.id).await.map_err(refused)?;
    output::print(&format!("User {user} is no member of project {project} any more.\n"));
    Ok(())
}

async fn find(desk: &Desk, project: &ProjectName, entity: Entity) -> Result<Option<Member>, Failure> {
    let permit = desk.registry.permit_in_project(&desk.caller, project).await.map_err(refused)?;
    desk.registry.find_member(&permit, entity).await.map_err(refused)
}

async fn list(project: &str, format: Format, desk: &Desk) -> Result<(), Failure> {
    let members = all(project, desk).await?;
    match format {
        Format::Json => output::print_json(&members.iter().map(as_in_api).collect::<Vec<_>>()),
        Format::Text => output::print(&table(&members).render(terminal_width())),
    }
    Ok(())
}

async fn all(project: &str, desk: &Desk) -> Result<Vec<Member>, Failure> {
    let permit =
        desk.registry.permit_in_project(&desk.caller, &parse_name(project)?).await.map_err(refused)?;
    let mut members: Vec<Member> = Vec::new();
    loop {
        let after = members.last().map_or(("", 0), |member| (member.name.as_str(), member.id));
        let window = Window::behind(after, PAGE);
        let (page, _) = desk.registry.list_members(&permit, "", window).await.map_err(refused)?;
        let is_last = page.len() < PAGE as usize;
        members.extend(page);
        if is_last {
            return Ok(members);
        }
    }
}

fn table(members: &[Member]) -> Table {
    let mut table = Table::new(&["NAME", "KIND", "ROLE", "SINCE"]);
    for member in members {
        table.row([member.name.clone(), kind(member).to_owned(), role_of(member), shown(member.created_at)]);
    }
    table
}

/// The role as one would type it.
fn role_of(member: &Member) -> String {
    let known = admin::Role::value_variants().iter().find(|role| as_in_registry(**role).id() == member.role);
    known.map_or_else(|| format!("custom role {}", member.role), |role| typed(*role))
}

fn typed(role: admin::Role) -> String {
    role.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn as_in_registry(role: admin::Role) -> BuiltIn {
    match role {
        admin::Role::ProjectAdmin => BuiltIn::ProjectAdmin,
        admin::Role::Maintainer => BuiltIn::Maintainer,
        admin::Role::Developer => BuiltIn::Developer,
        admin::Role::Guest => BuiltIn::Guest,
        admin::Role::LimitedGuest => BuiltIn::LimitedGuest,
    }
}

fn kind(member: &Member) -> &'static str {
    match member.entity {
        Entity::User(_) => "user",
        Entity::Group(_) => "group",
    }
}

fn as_in_api(member: &Member) -> ProjectMemberEntity {
    let (entity_type, entity_id) = match member.entity {
        Entity::User(id) => ("u", id),
        Entity::Group(id) => ("g", id),
    };
    ProjectMemberEntity {
        id: member.id,
        project_id: member.project_id,
        entity_name: member.name.clone(),
        entity_type: entity_type.to_owned(),
        entity_id,
        role_id: member.role,
        role_name: BuiltIn::from_id(member.role).map_or("custom", BuiltIn::name).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_can_be_typed() {
        let typed: Vec<i64> =
            admin::Role::value_variants().iter().map(|role| as_in_registry(*role).id()).collect();
        assert!(BuiltIn::ALL.iter().all(|role| typed.contains(&role.id())));
    }
}
