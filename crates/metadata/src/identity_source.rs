//! Identity sources: the directories and providers that people come from, asked in the order of their positions.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, SourceId};

/// A row of `identity_source`.
#[derive(Clone, PartialEq, Eq)]
pub struct IdentitySource {
    /// Its id.
    pub id: SourceId,
    /// Its name, unique; the users who come from it carry it, so that it never changes.
    pub name: String,
    /// `ldap` or `oidc`.
    pub kind: String,
    /// Its place in the order.
    pub position: i64,
    /// Whether it is asked.
    pub enabled: bool,
    /// Its settings as JSON; they hold secrets.
    pub settings: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

/// Leaves the settings out: they hold secrets.
impl std::fmt::Debug for IdentitySource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentitySource")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("position", &self.position)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A source to be made.
#[derive(Clone)]
pub struct NewSource {
    /// Its name.
    pub name: String,
    /// `ldap` or `oidc`.
    pub kind: String,
    /// Its place in the order.
    pub position: i64,
    /// Whether it is asked.
    pub enabled: bool,
    /// Its settings as JSON.
    pub settings: String,
    /// Now.
    pub created_at: Micros,
}

/// Makes a source. [`Error::Conflict`] if the name is taken.
pub async fn create(c: &mut Connection, new: &NewSource) -> Result<IdentitySource> {
    let arguments = [
        (&new.name).into(),
        (&new.kind).into(),
        new.position.into(),
        new.enabled.into(),
        (&new.settings).into(),
        new.created_at.into(),
    ];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("identity source {} exists already", new.name) })
}

/// The source of this id.
pub async fn find(c: &mut Connection, id: SourceId) -> Result<Option<IdentitySource>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// All sources in their order; `limit` at most.
pub async fn list(c: &mut Connection, limit: u32) -> Result<Vec<IdentitySource>> {
    c.query(&LIST, &[limit.into()]).await
}

/// Writes position, enabled, settings and time; false if there is no such source.
pub async fn update(c: &mut Connection, source: &IdentitySource) -> Result<bool> {
    let arguments = [
        source.id.into(),
        source.position.into(),
        source.enabled.into(),
        (&source.settings).into(),
        source.updated_at.into(),
    ];
    c.changes(&UPDATE, &arguments).await
}

/// Deletes a source; its users stay and cannot sign in. False if there is no such source.
pub async fn delete(c: &mut Connection, id: SourceId) -> Result<bool> {
    c.changes(&DELETE, &[id.into()]).await
}

impl FromRow for IdentitySource {
    fn from_row(row: &mut Row) -> Result<IdentitySource> {
        Ok(IdentitySource {
            id: row.take("id")?,
            name: row.take("name")?,
            kind: row.take("kind")?,
            position: row.take("position")?,
            enabled: row.take("enabled")?,
            settings: row.take("settings")?,
            created_at: row.take("created_at")?,
            updated_at: row.take("updated_at")?,
        })
    }
}

statements! { "identity_source";
    CREATE = "INSERT INTO identity_source (name, kind, position, enabled, settings, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING
        RETURNING id, name, kind, position, enabled, settings, created_at, updated_at";
    FIND = "SELECT id, name, kind, position, enabled, settings, created_at, updated_at
        FROM identity_source WHERE id = $1";
    LIST = "SELECT id, name, kind, position, enabled, settings, created_at, updated_at
        FROM identity_source ORDER BY position, id LIMIT $1";
    UPDATE = "UPDATE identity_source SET position = $2, enabled = $3, settings = $4, updated_at = $5 WHERE id = $1";
    DELETE = "DELETE FROM identity_source WHERE id = $1";
}
