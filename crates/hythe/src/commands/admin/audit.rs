//! `hythe admin audit`

use hythe_metadata::audit::Filter;

use super::{Desk, refused, shown};
use crate::cli::admin::AuditCommand;
use crate::failure::Failure;
use crate::output::{self, Table, terminal_width};

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

pub(super) async fn run(command: &AuditCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        AuditCommand::List { limit } => list(*limit, desk).await,
        AuditCommand::Verify => verify(desk).await,
        AuditCommand::Purge { days } => purge(*days, desk).await,
    }
}

async fn list(limit: u32, desk: &Desk) -> Result<(), Failure> {
    let permit = desk.permit().await?;
    let listed = desk.registry.list_audit(&permit, &Filter::default(), None, 0, limit).await;
    let (events, _) = listed.map_err(refused)?;
    let mut table = Table::new(&["TIME", "WHO", "THROUGH", "FROM", "RESULT", "WHAT"]);
    for row in events {
        let event = row.event;
        let result = if event.succeeded { "done" } else { "refused" }.to_owned();
        table.row([shown(event.at), event.actor, event.through, event.address, result, event.description]);
    }
    output::print(&table.render(terminal_width()));
    Ok(())
}

/// Recomputes the chain; a flaw ends with exit code 1, so that a timer can run it.
async fn verify(desk: &Desk) -> Result<(), Failure> {
    let found = desk.registry.verify_audit().await.map_err(refused)?;
    if let Some(flaw) = found.flaw {
        return Err(Failure::new(format!(
            "the audit log was changed: {flaw}; {} events under {} seals before it are whole",
            found.events, found.seals
        )));
    }
    output::print(&format!(
        "The audit log is whole: {} events under {} seals, {} events purged by age.\n\
         The newest seal is {}; keep it elsewhere to notice a chain that was made anew.\n",
        found.events, found.seals, found.purged, found.newest
    ));
    Ok(())
}

async fn purge(days: u32, desk: &Desk) -> Result<(), Failure> {
    let before = hythe_registry::clock::now() - i64::from(days) * DAY;
    let purged = desk.registry.purge_audit(before).await.map_err(refused)?;
    output::print(&format!("{purged} events older than {days} days were removed; their seals stay.\n"));
    Ok(())
}
