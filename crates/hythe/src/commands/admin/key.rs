//! `hythe admin key`

use hythe_registry::clock;
use hythe_registry::keys::PublicKey;
use jiff::Timestamp;
use serde::Serialize;

use super::{Desk, refused, shown, timestamp};
use crate::cli::admin::KeyCommand;
use crate::failure::Failure;
use crate::output::{self, Format, Table, terminal_width};

pub(super) async fn run(command: &KeyCommand, desk: &Desk) -> Result<(), Failure> {
    match command {
        KeyCommand::Rotate => rotate(desk).await,
        KeyCommand::List { output } => list(*output, desk).await,
    }
}

async fn rotate(desk: &Desk) -> Result<(), Failure> {
    let id = desk.registry.rotate_keys(&desk.permit().await?).await.map_err(refused)?;
    let keys = desk.registry.list_keys(&desk.permit().await?).await.map_err(refused)?;
    let from = keys.iter().find(|key| key.id == id).map(|key| shown(key.sign_from)).unwrap_or_default();
    output::print(&format!("Key {id} was made; it signs from {from}, when every node knows it.\n"));
    Ok(())
}

async fn list(format: Format, desk: &Desk) -> Result<(), Failure> {
    let keys = desk.registry.list_keys(&desk.permit().await?).await.map_err(refused)?;
    match format {
        Format::Json => output::print_json(&keys.iter().map(KeyLine::from).collect::<Vec<_>>()),
        Format::Text => output::print(&table(&keys).render(terminal_width())),
    }
    Ok(())
}

fn table(keys: &[PublicKey]) -> Table {
    let signer = signer(keys, clock::now());
    let mut table = Table::new(&["KEY", "STATE", "SIGNS FROM", "SIGNS UNTIL"]);
    for key in keys {
        let state = match signer {
            Some(signer) if signer.id == key.id => "signs",
            Some(signer) if signer.sign_from < key.sign_from => "is next",
            _ => "checks only",
        };
        table.row([key.id.clone(), state.to_owned(), shown(key.sign_from), shown(key.sign_until)]);
    }
    table
}

/// The key that signs now: the youngest that has begun.
fn signer(keys: &[PublicKey], now: i64) -> Option<&PublicKey> {
    keys.iter().filter(|key| key.sign_from <= now).max_by_key(|key| key.sign_from)
}

/// A key as JSON.
#[derive(Serialize)]
struct KeyLine<'a> {
    id: &'a str,
    sign_from: Timestamp,
    sign_until: Timestamp,
}

impl<'a> From<&'a PublicKey> for KeyLine<'a> {
    fn from(key: &'a PublicKey) -> Self {
        Self { id: &key.id, sign_from: timestamp(key.sign_from), sign_until: timestamp(key.sign_until) }
    }
}
