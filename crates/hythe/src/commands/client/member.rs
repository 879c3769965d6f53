//! `hythe member`

use reqwest::Method;
use serde_json::{Value, json};

use super::{ALL, Desk, number, query};
use crate::cli::client::MemberCommand;
use crate::client::part;
use crate::failure::{Code, Failure};

/// What one types for Harbor's roles.
const ROLES: [(&str, i64); 5] =
    [("project-admin", 1), ("developer", 2), ("guest", 3), ("maintainer", 4), ("limited-guest", 5)];

pub(super) async fn run(command: &MemberCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        MemberCommand::List { project } => {
            let columns =
                [("NAME", "/entity_name"), ("KIND", "/entity_type"), ("ROLE", "/role_name"), ("ID", "/id")];
            let mut members = desk.remote.list(&path(project), ALL).await?;
            if desk.is_text() {
                members.iter_mut().for_each(name_kind);
            }
            desk.show_list(&members, &columns);
            Ok(())
        }
        MemberCommand::Set { project, user, role } => set(project, user, role, desk).await,
        MemberCommand::Remove { project, user } => {
            let Some(member) = find(project, user, desk).await? else {
                let failure = Failure::new(format!("user {user} is no member of project {project}"));
                return Err(failure.with_code(Code::Missing));
            };
            desk.remote.delete(&format!("{}/{}", path(project), number(&member, "/id"))).await?;
            desk.tell(&format!("User {user} is no member of project {project} any more."), &Value::Null);
            Ok(())
        }
    }
}

/// Writes out the letter that the API has.
fn name_kind(member: &mut Value) {
    let kind = match member["entity_type"].as_str() {
        Some("u") => "user",
        Some("g") => "group",
        _ => return,
    };
    member["entity_type"] = kind.into();
}

async fn set(project: &str, user: &str, role: &str, desk: &Desk) -> Result<(), Failure> {
    let (role_id, role) = role_of(role)?;
    let answer = match find(project, user, desk).await? {
        Some(member) => {
            let path = format!("{}/{}", path(project), number(&member, "/id"));
            desk.remote.update(Method::PUT, &path, &json!({ "role_id": role_id })).await?
        }
        None => {
            let body = json!({ "role_id": role_id, "member_user": { "username": user } });
            desk.remote.create(&path(project), &body).await?.0
        }
    };
    desk.tell(&format!("User {user} is {role} of project {project}."), &answer);
    Ok(())
}

async fn find(project: &str, user: &str, desk: &Desk) -> Result<Option<Value>, Failure> {
    let path = format!("{}?entityname={}", path(project), query(user));
    let members = desk.remote.list(&path, ALL).await?;
    let is_user = |member: &Value| member["entity_name"] == user && member["entity_type"] == "u";
    Ok(members.into_iter().find(is_user))
}

fn path(project: &str) -> String {
    format!("projects/{}/members", part(project))
}

/// The id and the name of a role that was typed, in these words or in Harbor's: `projectAdmin`.
fn role_of(typed: &str) -> Result<(i64, String), Failure> {
    let known =
        ROLES.iter().find(|(name, _)| *name == typed || name.replace('-', "") == typed.to_lowercase());
    if let Some((name, id)) = known {
        return Ok((*id, (*name).to_owned()));
    }
    typed.parse().map(|id| (id, typed.to_owned())).map_err(|_| {
        let names = ROLES.map(|(name, _)| name).join(", ");
        Failure::usage(format!("{typed} is no role; write {names}, or a custom role's id"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_known_by_harbors_names_too() {
        assert_eq!(role_of("projectAdmin").unwrap(), (1, "project-admin".to_owned()));
        assert_eq!(role_of("limited-guest").unwrap(), (5, "limited-guest".to_owned()));
        assert_eq!(role_of("12").unwrap(), (12, "12".to_owned()));
        assert!(role_of("master").is_err());
    }
}
