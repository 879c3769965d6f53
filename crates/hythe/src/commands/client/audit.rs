//! `hythe audit`

use std::io::Write;

use super::{Desk, query};
use crate::cli::client::AuditCommand;
use crate::client::part;
use crate::failure::Failure;

pub(super) async fn run(command: &AuditCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        AuditCommand::List { project, query, limit } => {
            let base = match project {
                Some(project) => format!("projects/{}/auditlog-exts", part(project)),
                None => "auditlog-exts".to_owned(),
            };
            let columns = [
                ("TIME", "/op_time"),
                ("WHO", "/username"),
                ("THROUGH", "/through"),
                ("FROM", "/client_address"),
                ("DONE", "/operation_result"),
                ("WHAT", "/operation_description"),
            ];
            desk.show_list(
                &desk.remote.list(&format!("{base}{}", filter(query.as_deref())), *limit).await?,
                &columns,
            );
            Ok(())
        }
        AuditCommand::Export { query } => export(query.as_deref(), desk).await,
    }
}

fn filter(text: Option<&str>) -> String {
    text.map(|text| format!("?q={}", query(text))).unwrap_or_default()
}

/// As it comes, so that a log of any length fits into memory.
async fn export(query: Option<&str>, desk: &Desk) -> Result<(), Failure> {
    let mut response = desk.remote.stream(&format!("auditlog-exts/export{}", filter(query))).await?;
    let mut out = std::io::stdout().lock();
    loop {
        let piece = response.chunk().await;
        match piece.map_err(|error| Failure::because("the export broke off", &error))? {
            Some(piece) => {
                let written = out.write_all(&piece);
                written.map_err(|error| Failure::because("cannot write the export", &error))?;
            }
            None => return Ok(()),
        }
    }
}
