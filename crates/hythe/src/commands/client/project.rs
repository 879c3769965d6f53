//! `hythe project`

use reqwest::Method;
use serde_json::{Value, json};

use super::{ALL, Desk, number, query, text};
use crate::cli::client::ProjectCommand;
use crate::client::part;
use crate::failure::Failure;

/// What a project may hold, in bytes; -1 for any number.
const LIMIT: &str = "/summary/quota/hard/storage";

pub(super) async fn run(command: &ProjectCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        ProjectCommand::List { name } => list(name.as_deref(), desk).await,
        ProjectCommand::Show { project } => show(project, desk).await,
        ProjectCommand::Create { project, visibility } => create(project, visibility, desk).await,
        ProjectCommand::Visibility { project, visibility } => {
            let body = json!({ "metadata": { "visibility": visibility } });
            let answer = desk.remote.update(Method::PUT, &path(project), &body).await?;
            desk.tell(&format!("Project {project} is {visibility}."), &answer);
            Ok(())
        }
        ProjectCommand::Delete { project } => {
            desk.remote.delete(&path(project)).await?;
            desk.tell(&format!("Project {project} was deleted."), &Value::Null);
            Ok(())
        }
        ProjectCommand::Explain { project, who, permission, repository } => {
            explain(project, who, permission, repository.as_deref(), desk).await
        }
    }
}

fn path(project: &str) -> String {
    format!("projects/{}", part(project))
}

async fn list(name: Option<&str>, desk: &Desk) -> Result<(), Failure> {
    let filter = name.map(|name| format!("?q={}", query(&format!("name=~{name}")))).unwrap_or_default();
    let projects = desk.remote.list(&format!("projects{filter}"), ALL).await?;
    let columns = [
        ("NAME", "/name"),
        ("VISIBILITY", "/metadata/visibility"),
        ("REPOSITORIES", "/repo_count"),
        ("OWNER", "/owner_name"),
        ("MADE", "/creation_time"),
    ];
    desk.show_list(&projects, &columns);
    Ok(())
}

async fn show(project: &str, desk: &Desk) -> Result<(), Failure> {
    let mut found = desk.remote.get(&path(project)).await?;
    found["summary"] = desk.remote.get(&format!("{}/summary", path(project))).await?;
    if desk.is_text() && number(&found, LIMIT) < 0 {
        found["summary"]["quota"]["hard"]["storage"] = "no limit".into();
    }
    let facts = [
        ("name", "/name"),
        ("id", "/project_id"),
        ("visibility", "/metadata/visibility"),
        ("owner", "/owner_name"),
        ("repositories", "/repo_count"),
        ("bytes used", "/summary/quota/used/storage"),
        ("bytes allowed", LIMIT),
        ("made", "/creation_time"),
    ];
    desk.show(&found, &facts);
    Ok(())
}

async fn create(project: &str, visibility: &str, desk: &Desk) -> Result<(), Failure> {
    let body = json!({ "project_name": project, "metadata": { "visibility": visibility } });
    let (_, location) = desk.remote.create("projects", &body).await?;
    desk.tell(&format!("Project {project} was made; it is {visibility}."), &json!({ "location": location }));
    Ok(())
}

async fn explain(
    project: &str,
    who: &str,
    permission: &str,
    repository: Option<&str>,
    desk: &Desk,
) -> Result<(), Failure> {
    let (resource, action) = permission
        .split_once(':')
        .ok_or_else(|| Failure::usage(format!("{permission} is no permission; write resource:action")))?;
    let repository = repository.map(|name| format!("&repository={}", query(name))).unwrap_or_default();
    let asked = format!("resource={}&action={}&principal={}", query(resource), query(action), query(who));
    let answer =
        desk.remote.get(&format!("{}/permissions/explain?{asked}{repository}", path(project))).await?;
    let may = if answer["allowed"] == true { "may" } else { "may not" };
    let (place, rule) = (text(answer.get("place")), text(answer.get("rule")));
    desk.tell(&format!("{who} {may} {permission} in {place}: {rule}."), &answer);
    Ok(())
}
