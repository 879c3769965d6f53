//! `hythe gc`

use std::time::Duration;

use serde_json::{Value, json};

use super::{Desk, text};
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
                ("BEGUN BY", "/job_kind"),
                ("STATE", "/job_status"),
                ("MADE", "/creation_time"),
                ("CHANGED", "/update_time"),
                ("PARAMETERS", "/job_parameters"),
            ];
            desk.show_list(&desk.remote.list("system/gc", *limit).await?, &columns);
            Ok(())
        }
    }
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
        other => Err(Failure::new(format!("collection {id} ended as {other}; its log says why"))),
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
