//! `hythe robot`

use reqwest::Method;
use serde_json::{Value, json};

use super::{ALL, Desk, number, permission_entry, query, text, words};
use crate::cli::client::{RobotCommand, TrustCommand};
use crate::client::part;
use crate::failure::{Code, Failure};

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
            let sentence = format!("Robot {} was made; {}.", text(made.get("name")), words::expiry(&made));
            show_secret(&sentence, &made, desk);
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
        RobotCommand::Trust(command) => trust(command, desk).await,
    }
}

async fn trust(command: &TrustCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        TrustCommand::Add { robot, name, issuer, audience, claims, ca_file, keys } => {
            let body = json!({
                "name": name, "issuer": issuer, "audience": audience, "claims": parse_claims(claims)?,
                "ca_certificate": read(ca_file.as_deref())?, "keys": read(keys.as_deref())?,
            });
            let (_, place) = desk.remote.create(&format!("robots/{robot}/trust-rules"), &body).await?;
            let made = desk.remote.get(place.trim_start_matches("/api/v2.0/")).await?;
            desk.tell(&format!("Robot {robot} can sign in by the rule {name}."), &made);
            Ok(())
        }
        TrustCommand::List { robot } => {
            let rules = desk.remote.get(&format!("robots/{robot}/trust-rules")).await?;
            show_rules(rules.as_array().map_or(&[], Vec::as_slice), desk);
            Ok(())
        }
        TrustCommand::Delete { robot, rule } => {
            desk.remote.delete(&format!("robots/{robot}/trust-rules/{rule}")).await?;
            desk.tell(&format!("Rule {rule} of robot {robot} was deleted."), &Value::Null);
            Ok(())
        }
    }
}

fn show_rules(rules: &[Value], desk: &Desk) {
    let columns = [
        ("ID", "/id"),
        ("NAME", "/name"),
        ("ISSUER", "/issuer"),
        ("AUDIENCE", "/audience"),
        ("CLAIMS", "/claims"),
        ("LAST USED", "/last_used_time"),
    ];
    desk.show_list(rules, &columns);
}

/// `claim=pattern` words as an object.
fn parse_claims(words: &[String]) -> Result<Value, Failure> {
    let parse = |word: &String| {
        let parts = word.split_once('=').filter(|(claim, _)| !claim.is_empty());
        let (claim, pattern) = parts.ok_or_else(|| {
            Failure::usage(format!("{word} is no claim; write claim=pattern, such as sub=job-*"))
        })?;
        Ok((claim.to_owned(), Value::from(pattern)))
    };
    words.iter().map(parse).collect::<Result<serde_json::Map<_, _>, Failure>>().map(Value::Object)
}

fn read(file: Option<&str>) -> Result<Option<String>, Failure> {
    let read = |path: &str| {
        std::fs::read_to_string(path)
            .map_err(|error| Failure::of_file("cannot read", path.as_ref(), &error).with_code(Code::Usage))
    };
    file.map(read).transpose()
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
        ("EXPIRES", "/expires_at"),
        ("LAST USED", "/last_used_time"),
        ("MADE BY", "/creator"),
    ];
    let mut robots = desk.remote.list(&format!("robots{filter}"), ALL).await?;
    if desk.is_text() {
        words::name_absent(&mut robots, &["last_used_time"]);
    }
    desk.show_list(&robots, &columns);
    Ok(())
}

/// A secret that was made is shown, this once.
fn show_secret(sentence: &str, answer: &Value, desk: &Desk) {
    let secret = text(answer.get("secret"));
    desk.tell(&format!("{sentence}\nThe secret, shown this once and kept nowhere:\n\n  {secret}\n"), answer);
}
