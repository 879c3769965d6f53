//! Robots: accounts of machines, of the system or of a project, with the hashes of their secrets.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId};
use crate::project::Text;
use crate::window::Window;

/// A row of `robot`, with its project's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Robot {
    /// Its id.
    pub id: i64,
    /// Its project; none for a robot of the system.
    pub project_id: Option<ProjectId>,
    /// Its project's name.
    pub project: Option<String>,
    /// Its name, without prefix and project.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// How many days it lives, -1 for ever.
    pub duration_days: i64,
    /// When it stops working; none for never.
    pub expires_at: Option<Micros>,
    /// What it was given, a JSON list.
    pub permissions: String,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was changed last.
    pub updated_at: Micros,
    /// When it was used last, some seconds late.
    pub used_at: Option<Micros>,
}

/// A robot to be made.
#[derive(Clone, Debug)]
pub struct NewRobot {
    /// Its project; none for a robot of the system.
    pub project_id: Option<ProjectId>,
    /// Its name, without prefix and project.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// How many days it lives, -1 for ever.
    pub duration_days: i64,
    /// When it stops working.
    pub expires_at: Option<Micros>,
    /// What it was given, a JSON list.
    pub permissions: String,
    /// Who makes it.
    pub created_by: String,
    /// Now.
    pub created_at: Micros,
}

/// What of a robot can be changed.
#[derive(Clone, Debug)]
pub struct Changes {
    /// What it is for.
    pub description: String,
    /// Whether it is kept from signing in.
    pub disabled: bool,
    /// How many days it lives.
    pub duration_days: i64,
    /// When it stops working.
    pub expires_at: Option<Micros>,
    /// What it was given.
    pub permissions: String,
}

/// Which robots to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Those of this project; none for those of the system.
    pub project_id: Option<ProjectId>,
    /// The name or a part of it.
    pub name: Text,
}

/// Makes a robot and tells its id. [`Error::Conflict`] if the name is taken in its project or the system.
pub async fn create(c: &mut Connection, new: &NewRobot) -> Result<i64> {
    let arguments = [
        new.project_id.into(),
        (&new.name).into(),
        (&new.description).into(),
        new.disabled.into(),
        new.duration_days.into(),
        new.expires_at.into(),
        (&new.permissions).into(),
        (&new.created_by).into(),
        new.created_at.into(),
    ];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("a robot named {} exists already", new.name) })
}

/// The robot of this id.
pub async fn find(c: &mut Connection, id: i64) -> Result<Option<Robot>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// The robot of this name in the project of this name, or of the system.
pub async fn find_by_name(c: &mut Connection, project: Option<&str>, name: &str) -> Result<Option<Robot>> {
    match project {
        Some(project) => c.query_optional(&FIND_IN_PROJECT, &[project.into(), name.into()]).await,
        None => c.query_optional(&FIND_IN_SYSTEM, &[name.into()]).await,
    }
}

/// A page of robots in the order of their ids.
pub async fn list(c: &mut Connection, filter: &Filter, window: Window<i64>) -> Result<Vec<Robot>> {
    let project = filter.project_id.unwrap_or(0);
    let arguments =
        [project.into(), filter.name.pattern(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST, &arguments).await
}

/// How many the filter lets through, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    let project = filter.project_id.unwrap_or(0);
    c.query_one(&COUNT, &[project.into(), filter.name.pattern(), most.into()]).await
}

/// Changes a robot; false if it does not exist.
pub async fn update(c: &mut Connection, id: i64, changes: &Changes, now: Micros) -> Result<bool> {
    let arguments = [
        id.into(),
        (&changes.description).into(),
        changes.disabled.into(),
        changes.duration_days.into(),
        changes.expires_at.into(),
        (&changes.permissions).into(),
        now.into(),
    ];
    c.changes(&UPDATE, &arguments).await
}

/// Notes when a robot was used.
pub async fn update_used(c: &mut Connection, id: i64, at: Micros) -> Result<bool> {
    c.changes(&UPDATE_USED, &[id.into(), at.into()]).await
}

/// Deletes a robot with its secrets; false if it does not exist.
pub async fn delete(c: &mut Connection, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[id.into()]).await
}

/// Gives a robot a new secret. Those before it die at `old_until`, or when they would have anyway; at most the newest
/// of them lives on.
pub async fn put_secret(
    c: &mut Connection,
    id: i64,
    hash: &[u8],
    now: Micros,
    old_until: Micros,
) -> Result<()> {
    c.execute(&EXPIRE_SECRETS, &[id.into(), old_until.into()]).await?;
    c.execute(&DELETE_OLD_SECRETS, &[id.into(), now.into()]).await?;
    c.execute(&CREATE_SECRET, &[id.into(), hash.into(), now.into()]).await.map(|_| ())
}

/// A secret that lives.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Its id.
    pub id: i64,
    /// What it hashes to.
    pub hash: Vec<u8>,
}

/// The secrets of a robot that live: one, or two while they are changed.
pub async fn list_secrets(c: &mut Connection, id: i64, now: Micros) -> Result<Vec<Secret>> {
    c.query(&LIST_SECRETS, &[id.into(), now.into()]).await
}

impl FromRow for Secret {
    fn from_row(row: &mut Row) -> Result<Secret> {
        Ok(Secret { id: row.take("id")?, hash: row.take("hash")? })
    }
}

impl FromRow for Robot {
    fn from_row(row: &mut Row) -> Result<Robot> {
        Ok(Robot {
            id: row.take("id")?,
            project_id: row.take("project_id")?,
            project: row.take("project")?,
            name: row.take("name")?,
            description: row.take("description")?,
            disabled: row.take("disabled")?,
            duration_days: row.take("duration_days")?,
            expires_at: row.take("expires_at")?,
            permissions: row.take("permissions")?,
            created_by: row.take("created_by")?,
            created_at: row.take("created_at")?,
            updated_at: row.take("updated_at")?,
            used_at: row.take("used_at")?,
        })
    }
}

macro_rules! select {
    () => {
        "SELECT t.id, t.project_id, p.name AS project, t.name, t.description, t.disabled, t.duration_days,
            t.expires_at, t.permissions, t.created_by, t.created_at, t.updated_at, t.used_at
        FROM robot t LEFT JOIN project p ON p.id = t.project_id "
    };
}

statements! { "robot";
    CREATE = "INSERT INTO robot (project_id, name, description, disabled, duration_days, expires_at, permissions,
            created_by, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9) ON CONFLICT DO NOTHING RETURNING id AS value";
    FIND = (select!(), "WHERE t.id = $1");
    FIND_IN_PROJECT = (select!(), "WHERE p.name = $1 AND COALESCE(t.project_id, 0) = p.id AND t.name = $2");
    FIND_IN_SYSTEM = (select!(), "WHERE COALESCE(t.project_id, 0) = 0 AND t.name = $1");
    LIST = (select!(), "WHERE COALESCE(t.project_id, 0) = $1 AND lower(t.name) LIKE $2 ESCAPE '\\' AND t.id > $3
        ORDER BY t.id LIMIT $4 OFFSET $5");
    COUNT = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM robot t
        WHERE COALESCE(t.project_id, 0) = $1 AND lower(t.name) LIKE $2 ESCAPE '\\' LIMIT $3) counted";
    UPDATE = "UPDATE robot SET description = $2, disabled = $3, duration_days = $4, expires_at = $5,
        permissions = $6, updated_at = $7 WHERE id = $1";
    UPDATE_USED = "UPDATE robot SET used_at = $2 WHERE id = $1";
    DELETE = "DELETE FROM robot WHERE id = $1";
    EXPIRE_SECRETS = "UPDATE robot_secret SET expires_at = $2
        WHERE robot_id = $1 AND (expires_at IS NULL OR expires_at > $2)";
    DELETE_OLD_SECRETS = "DELETE FROM robot_secret WHERE robot_id = $1 AND (expires_at <= $2
        OR id < (SELECT MAX(s.id) FROM robot_secret s WHERE s.robot_id = $1))";
    CREATE_SECRET = "INSERT INTO robot_secret (robot_id, hash, created_at) VALUES ($1, $2, $3)
        ON CONFLICT (robot_id, hash) DO UPDATE SET expires_at = NULL";
    LIST_SECRETS = "SELECT id, hash FROM robot_secret
        WHERE robot_id = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER BY id";
}
