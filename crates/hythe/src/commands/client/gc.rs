//! `hythe gc`

use std::time::Duration;

use serde_json::{Value, json};

use super::{Desk, number, text};
use crate::cli::client::GcCommand;
use crate::failure::Failure;
use crate::output::{self, Format};

/// How often the state of a collection is asked for.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(command: &GcCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        GcCommand::Run { dry_run, delete_untagged } => start(*dry_run, *delete_untagged, desk).await,
        GcCommand::Status { limit } => {
            let columns = [
                ("ID", "/id"),
                ("STATE", "/job_status"),
                ("TRIGGER", "/job_kind"),
                ("MADE", "/creation_time"),
                ("CHANGED", "/update_time"),
                ("RESULT", "/result"),
            ];
            let mut collections = desk.remote.list("system/gc", *limit).await?;
            if desk.is_text() {
                collections.iter_mut().for_each(summarize);
            }
            desk.show_list(&collections, &columns);
            Ok(())
        }
    }
}

/// Puts Harbor's words for a job into those of `hythe job`, and what was done into a line.
fn summarize(collection: &mut Value) {
    collection["job_status"] = state(&text(collection.get("job_status"))).into();
    collection["job_kind"] = text(collection.get("job_kind")).to_lowercase().into();
    let done: Value = serde_json::from_str(&text(collection.get("job_parameters"))).unwrap_or_default();
    collection["result"] = result(&done).into();
}

fn state(harbors: &str) -> String {
    match harbors {
        "Success" => "succeeded".to_owned(),
        "Error" => "failed".to_owned(),
        other => other.to_lowercase(),
    }
}

/// What went, or would go in a dry run; nothing before the collection has begun.
fn result(done: &Value) -> String {
    if done.get("blobs").is_none() {
        return String::new();
    }
    let count = |name: &str| number(done, &format!("/{name}"));
    let verb = if done["dry_run"] == true { "would go" } else { "went" };
    let counts = [
        (count("expired"), "expired in the trash"),
        (count("untagged"), "untagged"),
        (count("links"), "unneeded links"),
    ];
    let named = counts.iter().filter(|(number, _)| *number > 0);
    let mut parts: Vec<String> = named.map(|(number, what)| format!("{number} {what}")).collect();
    if count("blobs") > 0 {
        parts.push(format!("{} blobs of {} bytes", count("blobs"), count("freed_space")));
    }
    if parts.is_empty() { format!("nothing {verb}") } else { format!("{} {verb}", parts.join(", ")) }
}

/// Starts a collection, waits for its end and prints its log.
async fn start(dry_run: bool, delete_untagged: bool, desk: &Desk) -> Result<(), Failure> {
    let parameters = json!({ "dry_run": dry_run, "delete_untagged": delete_untagged });
    let body = json!({ "schedule": { "type": "Manual" }, "parameters": parameters });
    let (_, location) = desk.remote.create("system/gc/schedule", &body).await?;
    let id = location.rsplit('/').next().unwrap_or_default();
    let ended = wait(id, desk).await?;
    let log = desk.remote.stream(&format!("system/gc/{id}/log")).await?;
    let log = log.text().await.map_err(|error| Failure::because("the log broke off", &error))?;
    match desk.format {
        Format::Json => {
            output::print_json(&json!({ "collection": ended, "log": log.lines().collect::<Vec<_>>() }))
        }
        Format::Text => output::print(&log),
    }
    match text(ended.get("job_status")).as_str() {
        "Success" => Ok(()),
        other => Err(Failure::new(format!("collection {id} {}; its log says why", state(other)))),
    }
}

async fn wait(id: &str, desk: &Desk) -> Result<Value, Failure> {
    loop {
        let job = desk.remote.get(&format!("system/gc/{id}")).await?;
        if !matches!(text(job.get("job_status")).as_str(), "Pending" | "Running") {
            return Ok(job);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_is_told_in_words() {
        let mut collection = json!({ "job_status": "Success", "job_kind": "MANUAL",
            "job_parameters": r#"{"dry_run":true,"expired":2,"untagged":0,"links":3,"blobs":4,"freed_space":512}"# });
        summarize(&mut collection);
        assert_eq!(
            (&collection["job_status"], &collection["job_kind"]),
            (&json!("succeeded"), &json!("manual"))
        );
        assert_eq!(
            collection["result"],
            "2 expired in the trash, 3 unneeded links, 4 blobs of 512 bytes would go"
        );
        assert_eq!(result(&json!({ "blobs": 0 })), "nothing went");
        assert_eq!(result(&json!({ "dry_run": false })), "");
        assert_eq!([state("Error"), state("Running")], ["failed", "running"]);
    }
}
