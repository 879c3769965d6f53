//! `hythe robot`

use reqwest::Method;
use serde_json::{Value, json};

use super::{ALL, Desk, number, permission_entry, query, text};
use crate::cli::client::RobotCommand;
use crate::client::part;
use crate::failure::Failure;

pub(super) async fn run(command: &RobotCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        RobotCommand::List { project } => list(project.as_deref(), desk).await,
        RobotCommand::Create { name, project, may, days, description } => {
            let level = if project.is_some() { "project" } else { "system" };
            let entry = permission_entry("project", project.as_deref().unwrap_or("*"), may)?;
            let body = json!({
                "name": name, "level": level, "duration": days, "description": description, "permissions": [entry],
            });
            let (made, _) = desk.remote.create("robots", &body).await?;
            show_secret(&format!("Robot {} was made.", text(made.get("name"))), &made, desk);
            Ok(())
        }
        RobotCommand::Refresh { id, keep_old_for } => {
            let body = json!({ "old_secret_expires_in": keep_old_for });
            let answer = desk.remote.update(Method::PATCH, &format!("robots/{id}"), &body).await?;
            show_secret(&format!("Robot {id} has another secret."), &answer, desk);
            Ok(())
        }
        RobotCommand::Delete { id } => {
            desk.remote.delete(&format!("robots/{id}")).await?;
            desk.tell(&format!("Robot {id} was deleted."), &Value::Null);
            Ok(())
        }
    }
}

async fn list(project: Option<&str>, desk: &Desk) -> Result<(), Failure> {
    let filter = match project {
        Some(name) => {
            let found = desk.remote.get(&format!("projects/{}", part(name))).await?;
            let id = number(&found, "/project_id");
            format!("?q={}", query(&format!("Level=project,ProjectID={id}")))
        }
        None => String::new(),
    };
    let columns = [
        ("ID", "/id"),
        ("NAME", "/name"),
        ("DISABLED", "/disable"),
        ("DAYS", "/duration"),
        ("LAST USED", "/last_used_time"),
        ("MADE BY", "/creator"),
    ];
    desk.show_list(&desk.remote.list(&format!("robots{filter}"), ALL).await?, &columns);
    Ok(())
}

/// A secret that was made is shown, this once.
fn show_secret(sentence: &str, answer: &Value, desk: &Desk) {
    let secret = text(answer.get("secret"));
    desk.tell(&format!("{sentence}\nThe secret, shown this once and kept nowhere:\n\n  {secret}\n"), answer);
}
