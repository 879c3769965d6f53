//! Settings of projects by name, as Harbor's clients write them. What a decision needs has columns of its own in
//! `project`.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::ProjectId;

/// A row of `project_metadata`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The project.
    pub project_id: ProjectId,
    /// The setting's name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Sets a value, whatever it was before.
pub async fn put(c: &mut Connection, project_id: ProjectId, name: &str, value: &str) -> Result<()> {
    c.execute(&PUT, &[project_id.into(), name.into(), value.into()]).await.map(|_| ())
}

/// All settings of a project, by name.
pub async fn list(c: &mut Connection, project_id: ProjectId) -> Result<Vec<Entry>> {
    c.query(&LIST, &[project_id.into()]).await
}

/// Takes a value away; false if there was none.
pub async fn delete(c: &mut Connection, project_id: ProjectId, name: &str) -> Result<bool> {
    c.changes(&DELETE, &[project_id.into(), name.into()]).await
}

impl FromRow for Entry {
    fn from_row(row: &mut Row) -> Result<Entry> {
        Ok(Entry { project_id: row.take("project_id")?, name: row.take("name")?, value: row.take("value")? })
    }
}

statements! { "project_metadata";
    PUT = "INSERT INTO project_metadata (project_id, name, value) VALUES ($1, $2, $3)
        ON CONFLICT (project_id, name) DO UPDATE SET value = excluded.value";
    LIST = "SELECT project_id, name, value FROM project_metadata WHERE project_id = $1 ORDER BY name";
    DELETE = "DELETE FROM project_metadata WHERE project_id = $1 AND name = $2";
}
