//! Custom roles: what an administrator thought of beside Harbor's five. The permissions are JSON text.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::Micros;

/// A row of `custom_role`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRole {
    /// Its id, at least 100.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it permits, a JSON list.
    pub permissions: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
}

/// Makes a role. [`Error::Conflict`] if the name is taken.
pub async fn create(
    c: &mut Connection,
    name: &str,
    description: &str,
    permissions: &str,
    now: Micros,
) -> Result<CustomRole> {
    c.lock("custom_role").await?;
    let arguments = [name.into(), description.into(), permissions.into(), now.into()];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("a role named {name} exists already") })
}

/// The role of this id.
pub async fn find(c: &mut Connection, id: i64) -> Result<Option<CustomRole>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// The role of this name.
pub async fn find_by_name(c: &mut Connection, name: &str) -> Result<Option<CustomRole>> {
    c.query_optional(&FIND_BY_NAME, &[name.into()]).await
}

/// All roles in the order of their ids; there are a handful.
pub async fn list(c: &mut Connection) -> Result<Vec<CustomRole>> {
    c.query(&LIST, &[]).await
}

/// Changes what a role is for and permits; false if it does not exist.
pub async fn update(
    c: &mut Connection,
    id: i64,
    description: &str,
    permissions: &str,
    now: Micros,
) -> Result<bool> {
    c.changes(&UPDATE, &[id.into(), description.into(), permissions.into(), now.into()]).await
}

/// Deletes a role that nobody holds; false if it does not exist. [`Error::Conflict`] while somebody does.
pub async fn delete(c: &mut Connection, id: i64) -> Result<bool> {
    c.lock("custom_role").await?;
    if c.query_one(&IS_HELD, &[id.into()]).await? {
        return Err(Error::Conflict { what: format!("role {id} is held by members or grants") });
    }
    c.changes(&DELETE, &[id.into()]).await
}

impl FromRow for CustomRole {
    fn from_row(row: &mut Row) -> Result<CustomRole> {
        Ok(CustomRole {
            id: row.take("id")?,
            name: row.take("name")?,
            description: row.take("description")?,
            permissions: row.take("permissions")?,
            created_at: row.take("created_at")?,
            updated_at: row.take("updated_at")?,
        })
    }
}

statements! { "custom_role";
    CREATE = "INSERT INTO custom_role (id, name, description, permissions, created_at, updated_at)
        VALUES ((SELECT COALESCE(MAX(id), 99) + 1 FROM custom_role), $1, $2, $3, $4, $4) ON CONFLICT DO NOTHING
        RETURNING id, name, description, permissions, created_at, updated_at";
    FIND = "SELECT id, name, description, permissions, created_at, updated_at FROM custom_role WHERE id = $1";
    FIND_BY_NAME = "SELECT id, name, description, permissions, created_at, updated_at
        FROM custom_role WHERE name = $1";
    LIST = "SELECT id, name, description, permissions, created_at, updated_at FROM custom_role ORDER BY id";
    UPDATE = "UPDATE custom_role SET description = $2, permissions = $3, updated_at = $4 WHERE id = $1";
    IS_HELD = "SELECT EXISTS (SELECT 1 FROM member WHERE role = $1)
        OR EXISTS (SELECT 1 FROM repository_grant WHERE role = $1) AS value";
    DELETE = "DELETE FROM custom_role WHERE id = $1";
}
