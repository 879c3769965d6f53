//! `hythe admin secrets`

use std::io::ErrorKind;
use std::path::Path;

use hythe_registry::secrets::Opener;
use jiff::Timestamp;
use serde::Serialize;

use super::{Desk, refused, shown, timestamp};
use crate::cli::admin::SecretsCommand;
use crate::failure::Failure;
use crate::output::{self, Format, Table, terminal_width};
use crate::secrets_key;

pub(super) async fn run(command: &SecretsCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        SecretsCommand::NewKey { file } => new_key(file),
        SecretsCommand::List { output } => list(*output, desk).await,
        SecretsCommand::AddKey { file } => add(file, desk).await,
        SecretsCommand::RetireKeys => retire(desk).await,
    }
}

/// Makes a file with a new key; no database is needed for that.
pub(super) fn new_key(file: &Path) -> Result<(), Failure> {
    let key = secrets_key::make(file)?;
    output::print(&format!(
        "Made key {} in {}. Give the same file to every node as secrets.key_file, and keep a copy apart from backups of the \
         database: without it the secrets in the database are lost.\n",
        key.id(),
        file.display()
    ));
    Ok(())
}

async fn add(file: &Path, desk: &Desk) -> Result<(), Failure> {
    let key = secrets_key::read(file)?
        .ok_or_else(|| Failure::of_file("cannot read the key in", file, &ErrorKind::NotFound.into()))?;
    desk.registry.add_opener(&desk.permit().await?, &key).await.map_err(refused)?;
    output::print(&format!(
        "Key {} opens the secrets too. Give it to every node as secrets.key_file and restart them one after the other; then \
         `hythe admin secrets retire-keys` with that key takes the others away.\n",
        key.id()
    ));
    Ok(())
}

async fn retire(desk: &Desk) -> Result<(), Failure> {
    let retired = desk.registry.retire_openers(&desk.permit().await?).await.map_err(refused)?;
    let keys = desk.registry.list_openers(&desk.permit().await?).await.map_err(refused)?;
    let left: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    output::print(&format!(
        "Everything is sealed anew, and key {} alone opens it; {retired} other keys were retired.\n",
        left.join(", ")
    ));
    Ok(())
}

async fn list(format: Format, desk: &Desk) -> Result<(), Failure> {
    let keys = desk.registry.list_openers(&desk.permit().await?).await.map_err(refused)?;
    match format {
        Format::Json => output::print_json(&keys.iter().map(KeyLine::from).collect::<Vec<_>>()),
        Format::Text => {
            let mut table = Table::new(&["KEY", "OPENS SINCE", "HERE"]);
            for key in &keys {
                let here = if key.here { "yes" } else { "no" };
                table.row([key.id.clone(), shown(key.since), here.to_owned()]);
            }
            output::print(&table.render(terminal_width()));
        }
    }
    Ok(())
}

/// A key as JSON.
#[derive(Serialize)]
struct KeyLine<'a> {
    id: &'a str,
    since: Timestamp,
    here: bool,
}

impl<'a> From<&'a Opener> for KeyLine<'a> {
    fn from(key: &'a Opener) -> Self {
        Self { id: &key.id, since: timestamp(key.since), here: key.here }
    }
}
