//! Immutable tag rules: which tags of a project stay as they are. The selectors are JSON that the registry reads.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId};
use crate::window::Window;

/// A row of `immutable_rule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImmutableRule {
    /// Its id.
    pub id: i64,
    /// Whether it protects nothing now.
    pub disabled: bool,
    /// Which tags of which repositories, JSON.
    pub selectors: String,
}

/// Makes a rule and tells its id. [`Error::Conflict`] if the project has one with the same selectors.
pub async fn create(
    c: &mut Connection,
    project_id: ProjectId,
    disabled: bool,
    selectors: &str,
    now: Micros,
) -> Result<i64> {
    let arguments = [project_id.into(), disabled.into(), selectors.into(), now.into()];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("project {project_id} has this immutable tag rule") })
}

/// The rule of this id in the project.
pub async fn find(c: &mut Connection, project_id: ProjectId, id: i64) -> Result<Option<ImmutableRule>> {
    c.query_optional(&FIND, &[project_id.into(), id.into()]).await
}

/// Those that protect something, in the order of their ids.
pub async fn list_enabled(c: &mut Connection, project_id: ProjectId) -> Result<Vec<ImmutableRule>> {
    let mut rules: Vec<ImmutableRule> = c.query(&LIST_ENABLED, &[project_id.into()]).await?;
    rules.sort_unstable_by_key(|rule| rule.id);
    Ok(rules)
}

/// A page of a project's rules in the order of their ids.
pub async fn list(
    c: &mut Connection,
    project_id: ProjectId,
    window: Window<i64>,
) -> Result<Vec<ImmutableRule>> {
    let arguments = [project_id.into(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST, &arguments).await
}

/// How many rules a project has.
pub async fn count(c: &mut Connection, project_id: ProjectId) -> Result<i64> {
    c.query_one(&COUNT, &[project_id.into()]).await
}

/// Changes a rule; false if it does not exist. [`Error::Conflict`] if it would be the same as another.
pub async fn update(
    c: &mut Connection,
    project_id: ProjectId,
    id: i64,
    disabled: bool,
    selectors: &str,
    now: Micros,
) -> Result<bool> {
    let arguments = [project_id.into(), id.into(), disabled.into(), selectors.into(), now.into()];
    c.changes(&UPDATE, &arguments).await
}

/// Deletes a rule; false if it does not exist.
pub async fn delete(c: &mut Connection, project_id: ProjectId, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[project_id.into(), id.into()]).await
}

impl FromRow for ImmutableRule {
    fn from_row(row: &mut Row) -> Result<ImmutableRule> {
        Ok(ImmutableRule {
            id: row.take("id")?,
            disabled: row.take("disabled")?,
            selectors: row.take("selectors")?,
        })
    }
}

statements! { "immutable_rule";
    CREATE = "INSERT INTO immutable_rule (project_id, disabled, selectors, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING RETURNING id AS value";
    FIND = "SELECT id, disabled, selectors FROM immutable_rule WHERE project_id = $1 AND id = $2";
    LIST_ENABLED = "SELECT id, disabled, selectors FROM immutable_rule
        WHERE project_id = $1 AND NOT disabled LIMIT 1000";
    LIST = "SELECT id, disabled, selectors FROM immutable_rule
        WHERE project_id = $1 AND id > $2 ORDER BY id LIMIT $3 OFFSET $4";
    COUNT = "SELECT COUNT(*) AS value FROM immutable_rule WHERE project_id = $1";
    UPDATE = "UPDATE immutable_rule SET disabled = $3, selectors = $4, updated_at = $5
        WHERE project_id = $1 AND id = $2";
    DELETE = "DELETE FROM immutable_rule WHERE project_id = $1 AND id = $2";
}
