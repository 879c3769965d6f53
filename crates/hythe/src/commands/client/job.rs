//! `hythe job`

use std::io::Write;

use reqwest::Method;
use serde_json::Value;

use super::{Desk, query, text};
use crate::cli::client::JobCommand;
use crate::failure::Failure;

pub(super) async fn run(command: &JobCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        JobCommand::List { kind, state, limit } => {
            let columns = [
                ("ID", "/id"),
                ("KIND", "/kind"),
                ("KEY", "/key"),
                ("STATE", "/state"),
                ("NODE", "/node"),
                ("TRIGGER", "/trigger"),
                ("MADE", "/creation_time"),
                ("ENDED", "/end_time"),
                ("MESSAGE", "/message"),
            ];
            let path = format!("jobs{}", filter(kind.as_deref(), state));
            desk.show_list(&desk.remote.list(&path, *limit).await?, &columns);
            Ok(())
        }
        JobCommand::Show { id } => show(*id, desk).await,
        JobCommand::Log { id } => log(*id, desk).await,
        JobCommand::Cancel { id } => cancel(*id, desk).await,
    }
}

async fn cancel(id: i64, desk: &Desk) -> Result<(), Failure> {
    let before = desk.remote.get(&format!("jobs/{id}")).await?;
    let state = text(before.get("state"));
    if matches!(state.as_str(), "succeeded" | "failed" | "stopped") {
        let sentence = format!("Job {id} had ended already: it {}.", ended(&state));
        desk.tell(&sentence, &before);
        return Ok(());
    }
    let job = desk.remote.update(Method::PUT, &format!("jobs/{id}/stop"), &Value::Null).await?;
    desk.tell(&format!("Job {id} is {} now.", text(job.get("state"))), &job);
    Ok(())
}

/// The state of a job that has ended, after "it".
fn ended(state: &str) -> String {
    if state == "stopped" { "was stopped".to_owned() } else { state.to_owned() }
}

fn filter(kind: Option<&str>, states: &[String]) -> String {
    let kind = kind.map(|kind| format!("kind={kind}"));
    let states = (!states.is_empty()).then(|| format!("state={{{}}}", states.join(" ")));
    let filters: Vec<String> = kind.into_iter().chain(states).collect();
    if filters.is_empty() { String::new() } else { format!("?q={}", query(&filters.join(","))) }
}

async fn show(id: i64, desk: &Desk) -> Result<(), Failure> {
    let facts = [
        ("kind", "/kind"),
        ("key", "/key"),
        ("state", "/state"),
        ("progress", "/progress"),
        ("message", "/message"),
        ("parameters", "/parameters"),
        ("priority", "/priority"),
        ("attempts", "/attempts"),
        ("attempts at most", "/max_attempts"),
        ("node", "/node"),
        ("trigger", "/trigger"),
        ("asked for by", "/created_by"),
        ("made", "/creation_time"),
        ("not before", "/run_after"),
        ("began", "/start_time"),
        ("ended", "/end_time"),
    ];
    desk.show(&desk.remote.get(&format!("jobs/{id}")).await?, &facts);
    Ok(())
}

async fn log(id: i64, desk: &Desk) -> Result<(), Failure> {
    let mut response = desk.remote.stream(&format!("jobs/{id}/log")).await?;
    let mut out = std::io::stdout().lock();
    loop {
        let piece = response.chunk().await;
        match piece.map_err(|error| Failure::because("the log broke off", &error))? {
            Some(piece) => {
                let written = out.write_all(&piece);
                written.map_err(|error| Failure::because("cannot write the log", &error))?;
            }
            None => return Ok(()),
        }
    }
}
