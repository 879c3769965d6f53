//! Rows of identity sources with their settings open. In the database they are sealed, so everybody comes this way.

use hythe_metadata::Connection;
use hythe_metadata::identity_source::{self, IdentitySource, NewSource};
use hythe_metadata::ids::SourceId;

use super::AT_MOST;
use crate::error::{Error, Result};
use crate::secrets::Secrets;
use crate::secrets::places::of_source;

/// All sources in their order.
pub(crate) async fn list(secrets: &Secrets, c: &mut Connection) -> Result<Vec<IdentitySource>> {
    let rows = identity_source::list(c, AT_MOST).await?;
    let mut opened = Vec::with_capacity(rows.len());
    for row in rows {
        opened.push(open(secrets, c, row).await?);
    }
    Ok(opened)
}

/// The source of this id.
pub(super) async fn find(
    secrets: &Secrets,
    c: &mut Connection,
    id: SourceId,
) -> Result<Option<IdentitySource>> {
    match identity_source::find(c, id).await? {
        Some(row) => open(secrets, c, row).await.map(Some),
        None => Ok(None),
    }
}

/// Makes a source.
pub(super) async fn create(secrets: &Secrets, c: &mut Connection, new: &NewSource) -> Result<IdentitySource> {
    let settings = secrets.seal(c, &of_source(&new.name), new.settings.as_bytes()).await?;
    let made = identity_source::create(c, &NewSource { settings, ..new.clone() }).await;
    let made = made.map_err(|error| taken(error, &new.name))?;
    Ok(IdentitySource { settings: new.settings.clone(), ..made })
}

/// Writes position, enabled, settings and time; false if there is no such source.
pub(super) async fn update(secrets: &Secrets, c: &mut Connection, source: &IdentitySource) -> Result<bool> {
    let settings = secrets.seal(c, &of_source(&source.name), source.settings.as_bytes()).await?;
    Ok(identity_source::update(c, &IdentitySource { settings, ..source.clone() }).await?)
}

async fn open(secrets: &Secrets, c: &mut Connection, row: IdentitySource) -> Result<IdentitySource> {
    let settings = secrets.open_text(c, &of_source(&row.name), &row.settings).await?;
    Ok(IdentitySource { settings, ..row })
}

fn taken(error: hythe_metadata::Error, name: &str) -> Error {
    match error {
        hythe_metadata::Error::Conflict { .. } => {
            Error::conflict(format!("there is a source named {name} already"))
        }
        other => other.into(),
    }
}
