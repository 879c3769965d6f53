//! `hythe admin member`

use clap::ValueEnum;
use hythe_api::member::ProjectMemberEntity;
use hythe_metadata::member::Member;
use hythe_registry::access::Role;

use super::project::parse_name;
use super::{Desk, PAGE, refused, shown};
use crate::cli::{self, MemberCommand};
use crate::failure::Failure;
use crate::output::{self, Format, Table, terminal_width};

pub(super) async fn run(command: &MemberCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        MemberCommand::Set { project, user, role } => set(project, user, *role, desk).await,
        MemberCommand::Remove { project, user } => remove(project, user, desk).await,
        MemberCommand::List { project, output } => list(project, *output, desk).await,
    }
}

async fn set(project: &str, user: &str, role: cli::Role, desk: &Desk) -> Result<(), Failure> {
    desk.registry
        .set_member(&desk.permit, &parse_name(project)?, user, as_in_registry(role))
        .await
        .map_err(refused)?;
    output::print(&format!("User {user} is {} of project {project}.\n", typed(role)));
    Ok(())
}

async fn remove(project: &str, user: &str, desk: &Desk) -> Result<(), Failure> {
    desk.registry.remove_member(&desk.permit, &parse_name(project)?, user).await.map_err(refused)?;
    output::print(&format!("User {user} is no member of project {project} any more.\n"));
    Ok(())
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
    let project = parse_name(project)?;
    let mut members: Vec<Member> = Vec::new();
    loop {
        let after = members.last().map(|member| member.user_name.as_str());
        let page = desk.registry.list_members(&desk.permit, &project, after, PAGE).await.map_err(refused)?;
        let is_last = page.len() < PAGE as usize;
        members.extend(page);
        if is_last {
            return Ok(members);
        }
    }
}

fn table(members: &[Member]) -> Table {
    let mut table = Table::new(&["USER", "ROLE", "SINCE"]);
    for member in members {
        table.row([member.user_name.clone(), role_of(member), shown(member.created_at)]);
    }
    table
}

/// The role as one would type it.
fn role_of(member: &Member) -> String {
    let known = cli::Role::value_variants().iter().find(|role| as_in_registry(**role).id() == member.role);
    known.map_or_else(|| format!("unknown role {}", member.role), |role| typed(*role))
}

fn typed(role: cli::Role) -> String {
    role.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn as_in_registry(role: cli::Role) -> Role {
    match role {
        cli::Role::ProjectAdmin => Role::ProjectAdmin,
        cli::Role::Maintainer => Role::Maintainer,
        cli::Role::Developer => Role::Developer,
        cli::Role::Guest => Role::Guest,
        cli::Role::LimitedGuest => Role::LimitedGuest,
    }
}

fn as_in_api(member: &Member) -> ProjectMemberEntity {
    ProjectMemberEntity {
        id: member.user_id,
        project_id: member.project_id,
        entity_name: member.user_name.clone(),
        entity_type: "u".to_owned(),
        entity_id: member.user_id,
        role_id: member.role,
        role_name: Role::from_id(member.role).map(Role::name).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_can_be_typed() {
        let typed: Vec<i16> =
            cli::Role::value_variants().iter().map(|role| as_in_registry(*role).id()).collect();
        assert!(Role::ALL.iter().all(|role| typed.contains(&role.id())));
    }
}
