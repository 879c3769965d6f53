//! Grants: a role on a part of a project, for a user or a group.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::holding;
use crate::ids::{Micros, ProjectId};
use crate::member::Entity;
use crate::window::Window;

/// A row of `repository_grant`, with the entity's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepositoryGrant {
    /// For which part of the project.
    pub part: holding::Grant,
    /// The project.
    pub project_id: ProjectId,
    /// For whom.
    pub entity: Entity,
    /// The entity's name.
    pub name: String,
    /// The role's id.
    pub role: i64,
    /// Since when.
    pub created_at: Micros,
}

/// A grant to be made.
#[derive(Clone, Debug)]
pub struct NewGrant {
    /// The project.
    pub project_id: ProjectId,
    /// For whom.
    pub entity: Entity,
    /// A repository's whole name, or the beginning of names.
    pub repository: String,
    /// Whether names that begin so are meant.
    pub and_below: bool,
    /// Which tags: one, or a beginning followed by `*`.
    pub tag_pattern: String,
    /// The role's id.
    pub role: i64,
    /// Now.
    pub created_at: Micros,
}

/// Makes a grant and tells its id.
pub async fn create(c: &mut Connection, new: &NewGrant) -> Result<i64> {
    let arguments = [
        new.project_id.into(),
        new.entity.user().into(),
        new.entity.group().into(),
        (&new.repository).into(),
        new.and_below.into(),
        (&new.tag_pattern).into(),
        new.role.into(),
        new.created_at.into(),
    ];
    c.query_one(&CREATE, &arguments).await
}

/// The grant of this id in the project.
pub async fn find(c: &mut Connection, project_id: ProjectId, id: i64) -> Result<Option<RepositoryGrant>> {
    c.query_optional(&FIND, &[project_id.into(), id.into()]).await
}

/// A page of the project's grants in the order of their ids.
pub async fn list(
    c: &mut Connection,
    project_id: ProjectId,
    window: Window<i64>,
) -> Result<Vec<RepositoryGrant>> {
    let arguments = [project_id.into(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST, &arguments).await
}

/// How many grants the project has, counted up to `most`.
pub async fn count(c: &mut Connection, project_id: ProjectId, most: i64) -> Result<i64> {
    c.query_one(&COUNT, &[project_id.into(), most.into()]).await
}

/// Takes a grant back; false if there was none.
pub async fn delete(c: &mut Connection, project_id: ProjectId, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[project_id.into(), id.into()]).await
}

impl FromRow for RepositoryGrant {
    fn from_row(row: &mut Row) -> Result<RepositoryGrant> {
        Ok(RepositoryGrant {
            part: holding::Grant {
                id: row.take("id")?,
                repository: row.take("repository")?,
                and_below: row.take("and_below")?,
                tag_pattern: row.take("tag_pattern")?,
            },
            project_id: row.take("project_id")?,
            entity: Entity::take(row)?,
            name: row.take("name")?,
            role: row.take("role")?,
            created_at: row.take("created_at")?,
        })
    }
}

statements! { "grant";
    CREATE = "INSERT INTO repository_grant
            (project_id, user_id, group_id, repository, and_below, tag_pattern, role, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id AS value";
    FIND = "SELECT t.id, t.repository, t.and_below, t.tag_pattern, t.project_id, t.user_id, t.group_id,
            COALESCE(u.name, g.name) AS name, t.role, t.created_at
        FROM repository_grant t LEFT JOIN user_account u ON u.id = t.user_id
            LEFT JOIN user_group g ON g.id = t.group_id
        WHERE t.project_id = $1 AND t.id = $2";
    LIST = "SELECT t.id, t.repository, t.and_below, t.tag_pattern, t.project_id, t.user_id, t.group_id,
            COALESCE(u.name, g.name) AS name, t.role, t.created_at
        FROM repository_grant t LEFT JOIN user_account u ON u.id = t.user_id
            LEFT JOIN user_group g ON g.id = t.group_id
        WHERE t.project_id = $1 AND t.id > $2 ORDER BY t.id LIMIT $3 OFFSET $4";
    COUNT = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM repository_grant WHERE project_id = $1 LIMIT $2) counted";
    DELETE = "DELETE FROM repository_grant WHERE project_id = $1 AND id = $2";
}
