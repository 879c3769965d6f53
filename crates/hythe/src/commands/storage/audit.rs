//! `hythe storage audit`

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use hythe_registry::access::system_rights::garbage_collection::Create;
use hythe_registry::access::{Everywhere, Permit};
use hythe_registry::clock;
use hythe_registry::jobs::schedules::{Wanted, When};
use hythe_registry::storage_audit::{Audit, Counts, Finding, Options, Position};
use serde::Serialize;

use super::{Desk, refused};
use crate::cli::AuditArguments;
use crate::failure::Failure;
use crate::output::{self, Format};

/// Findings and counts of one run as JSON.
#[derive(Serialize)]
struct Report {
    counts: Counts,
    findings: Vec<Finding>,
}

pub(super) async fn run(arguments: &AuditArguments, desk: &Desk) -> Result<(), Failure> {
    let options = Options {
        repair: arguments.repair,
        rehash: arguments.rehash,
        rate: arguments.rate,
        min_age: arguments.min_age_hours * 60 * 60,
    };
    let permit = desk.registry.permit_everywhere::<Create>(&desk.caller).await.map_err(refused)?;
    if let Some(cron) = &arguments.schedule {
        return schedule(cron, arguments.time_zone.as_deref().unwrap_or(""), options, desk, &permit).await;
    }
    let mut audit = desk.registry.resume_storage_audit(&permit, options).await.map_err(refused)?;
    if audit.goes_on() {
        eprintln!("going on behind {} where an audit was broken off", audit.position().after);
    }
    let findings = look(&mut audit, arguments.output).await?;
    let counts = audit.position().counts.clone();
    let left = counts.faults() - counts.repaired;
    match arguments.output {
        Format::Text => output::print(&summary(&counts)),
        Format::Json => output::print_json(&Report { counts, findings }),
    }
    if left == 0 { Ok(()) } else { Err(Failure::found()) }
}

/// Has nodes do it by themselves.
async fn schedule(
    cron: &str,
    zone: &str,
    options: Options,
    desk: &Desk,
    permit: &Permit<Create, Everywhere>,
) -> Result<(), Failure> {
    let (wanted, told) = match cron {
        "none" => (Wanted::Never, "Nodes audit the storage no more by themselves.\n".to_owned()),
        cron => {
            let when = When::parse(cron, zone).map_err(refused)?;
            let next = when.next(clock::now()).and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
            let next = next.map_or_else(|| "never".to_owned(), |at| format!("{at:.0}"));
            (Wanted::At(when), format!("Nodes audit the storage by themselves, next at {next}.\n"))
        }
    };
    desk.registry.schedule_storage_audits(permit, wanted, options).await.map_err(refused)?;
    output::print(&told);
    Ok(())
}

/// Goes through all pages; findings are printed as they come, and kept for JSON alone.
async fn look(audit: &mut Audit, format: Format) -> Result<Vec<Finding>, Failure> {
    let (mut all, mut told) = (Vec::new(), Instant::now());
    while let Some(findings) = audit.step().await.map_err(refused)? {
        audit.keep().await.map_err(refused)?;
        match format {
            Format::Text => findings.iter().for_each(|finding| output::print(&format!("{finding}\n"))),
            Format::Json => all.extend(findings),
        }
        if told.elapsed() > Duration::from_secs(if stderr().is_terminal() { 1 } else { 10 }) {
            told = Instant::now();
            tell(audit.position());
        }
    }
    Ok(all)
}

fn tell(position: &Position) {
    let Position { after, counts, .. } = position;
    eprintln!(
        "looked at {} objects of {} bytes, read {} bytes, {} faults, now behind {after}",
        counts.stored,
        counts.stored_bytes,
        counts.read_bytes,
        counts.faults()
    );
}

fn summary(counts: &Counts) -> String {
    let Counts { stored, stored_bytes, orphans, leftovers, missing, wrong_size, rotten, repaired, .. } =
        counts;
    let read =
        if counts.read_bytes > 0 { format!(", {} bytes read", counts.read_bytes) } else { String::new() };
    format!(
        "{stored} objects of {stored_bytes} bytes{read}: {orphans} orphans, {leftovers} leftovers, {missing} missing, \
         {wrong_size} of the wrong size, {rotten} rotten; {repaired} repaired\n"
    )
}
