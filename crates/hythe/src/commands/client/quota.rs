//! `hythe quota`

use reqwest::Method;
use serde_json::{Value, json};

use super::{ALL, Desk, number};
use crate::cli::client::QuotaCommand;
use crate::client::part;
use crate::config::types::Bytes;
use crate::failure::Failure;
use crate::output::Format;

pub(super) async fn run(command: &QuotaCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        QuotaCommand::List => list(desk).await,
        QuotaCommand::Set { project, size } => set(project, size, desk).await,
        QuotaCommand::Recount { project } => recount(project, desk).await,
    }
}

async fn list(desk: &Desk) -> Result<(), Failure> {
    let mut quotas = desk.remote.list("quotas", ALL).await?;
    if desk.format == Format::Text {
        for quota in &mut quotas {
            let (used, hard) = (number(quota, "/used/storage"), number(quota, "/hard/storage"));
            quota["used"] = in_units(used).into();
            quota["hard"] = if hard < 0 { "no limit".into() } else { in_units(hard).into() };
        }
    }
    desk.show_list(&quotas, &[("PROJECT", "/ref/name"), ("USED", "/used"), ("LIMIT", "/hard")]);
    Ok(())
}

async fn set(project: &str, size: &str, desk: &Desk) -> Result<(), Failure> {
    let limit = read_size(size)?;
    let body = json!({ "hard": { "storage": limit } });
    desk.remote.update(Method::PUT, &path(project, desk).await?, &body).await?;
    let told = if limit < 0 {
        format!("Project {project} has no limit.")
    } else {
        format!("Project {project} may hold {}.", in_units(limit))
    };
    desk.tell(&told, &body);
    Ok(())
}

async fn recount(project: &str, desk: &Desk) -> Result<(), Failure> {
    let path = format!("{}/recount", path(project, desk).await?);
    let (found, _) = desk.remote.create(&path, &Value::Null).await?;
    let (missing, stale) = (number(&found, "/missing"), number(&found, "/stale"));
    let difference = number(&found, "/difference");
    let told = if (missing, stale, difference) == (0, 0, 0) {
        format!("Project {project} was counted rightly.")
    } else {
        format!(
            "Project {project} was counted wrongly by {difference} bytes ({missing} things missing, {stale} too many); \
             it is right now."
        )
    };
    desk.tell(&told, &found);
    Ok(())
}

/// A quota has its project's id.
async fn path(project: &str, desk: &Desk) -> Result<String, Failure> {
    let found = desk.remote.get(&format!("projects/{}", part(project))).await?;
    Ok(format!("quotas/{}", number(&found, "/project_id")))
}

fn read_size(size: &str) -> Result<i64, Failure> {
    if size == "none" {
        return Ok(-1);
    }
    let bytes = Bytes::parse(size).ok().and_then(|bytes| i64::try_from(bytes.0).ok());
    bytes.ok_or_else(|| {
        Failure::usage(format!("{size} is no size; write 50GiB, 500MiB, a number of bytes, or none"))
    })
}

/// Bytes in the unit that suits them.
fn in_units(bytes: i64) -> String {
    let (mut value, mut unit) = (bytes as f64, "B");
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 1024.0 {
            break;
        }
        (value, unit) = (value / 1024.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}
