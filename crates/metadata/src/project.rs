//! Projects: the tenants, the first part of every repository's name.

use hythe_oci::name::ProjectName;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId, UserId};

/// A row of `project`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its id.
    pub id: ProjectId,
    /// Its name, unique.
    pub name: ProjectName,
    /// Whether anybody may pull from it.
    pub public: bool,
    /// Whether anybody who is signed in may pull from it.
    pub internal: bool,
    /// When it was made.
    pub created_at: Micros,
    /// Who made it; none if that user is gone or nobody in particular did.
    pub created_by: Option<UserId>,
    /// When it was changed last; 0 for never.
    pub updated_at: Micros,
    /// How many bytes it may hold; none for no limit.
    pub storage_limit: Option<i64>,
}

/// A project to be made.
#[derive(Clone, Debug)]
pub struct NewProject {
    /// Its name.
    pub name: ProjectName,
    /// Whether anybody may pull from it.
    pub public: bool,
    /// Whether anybody who is signed in may pull from it.
    pub internal: bool,
    /// Now.
    pub created_at: Micros,
    /// Who makes it.
    pub created_by: Option<UserId>,
}

/// Which projects to list; the default is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the name, in any case.
    pub name_contains: Option<String>,
    /// Only public or only private ones.
    pub public: Option<bool>,
}

/// Makes a project. [`Error::Conflict`] if the name is taken.
pub async fn create(c: &mut Connection, new: &NewProject) -> Result<Project> {
    let arguments = [
        (&new.name).into(),
        new.public.into(),
        new.internal.into(),
        new.created_at.into(),
        new.created_by.into(),
    ];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("project {} exists already", new.name) })
}

/// The project of this name.
pub async fn find(c: &mut Connection, name: &ProjectName) -> Result<Option<Project>> {
    c.query_optional(&FIND, &[name.into()]).await
}

/// The project of this id.
pub async fn find_by_id(c: &mut Connection, id: ProjectId) -> Result<Option<Project>> {
    c.query_optional(&FIND_BY_ID, &[id.into()]).await
}

/// A page of projects in the order of their names, after the name `after`.
pub async fn list(
    c: &mut Connection,
    filter: &Filter,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Project>> {
    let part = filter.name_contains.as_deref().unwrap_or("").to_ascii_lowercase();
    let arguments = [after.unwrap_or("").into(), part.into(), filter.public.into(), limit.into()];
    c.query(&LIST, &arguments).await
}

/// How many projects the filter lets through.
pub async fn count(c: &mut Connection, filter: &Filter) -> Result<i64> {
    let part = filter.name_contains.as_deref().unwrap_or("").to_ascii_lowercase();
    c.query_one(&COUNT, &[part.into(), filter.public.into()]).await
}

/// Says who may pull without being a member; false if the project does not exist.
pub async fn update_visibility(
    c: &mut Connection,
    id: ProjectId,
    public: bool,
    internal: bool,
    now: Micros,
) -> Result<bool> {
    c.changes(&UPDATE_VISIBILITY, &[id.into(), public.into(), internal.into(), now.into()]).await
}

/// Deletes a project and its members; false if it does not exist. [`Error::Conflict`] while it has repositories.
pub async fn delete(c: &mut Connection, id: ProjectId) -> Result<bool> {
    if c.query_one(&HAS_REPOSITORIES, &[id.into()]).await? {
        return Err(Error::Conflict { what: format!("project {id} still has repositories") });
    }
    c.changes(&DELETE, &[id.into()]).await
}

impl FromRow for Project {
    fn from_row(row: &mut Row) -> Result<Project> {
        Ok(Project {
            id: row.take("id")?,
            name: row.take("name")?,
            public: row.take("public")?,
            internal: row.take("internal")?,
            created_at: row.take("created_at")?,
            created_by: row.take("created_by")?,
            updated_at: row.take("updated_at")?,
            storage_limit: row.take("storage_limit")?,
        })
    }
}

statements! { "project";
    CREATE = "INSERT INTO project (name, public, internal, created_at, created_by, updated_at) VALUES ($1, $2, $3, $4, $5, $4)
        ON CONFLICT DO NOTHING RETURNING id, name, public, internal, created_at, created_by, updated_at, storage_limit";
    FIND = "SELECT id, name, public, internal, created_at, created_by, updated_at, storage_limit FROM project WHERE name = $1";
    FIND_BY_ID = "SELECT id, name, public, internal, created_at, created_by, updated_at, storage_limit FROM project WHERE id = $1";
    LIST = {
        sqlite: "SELECT id, name, public, internal, created_at, created_by, updated_at, storage_limit FROM project
            WHERE name > $1 AND instr(name, $2) > 0 AND ($3 IS NULL OR public = $3) ORDER BY name LIMIT $4",
        postgres: "SELECT id, name, public, internal, created_at, created_by, updated_at, storage_limit FROM project
            WHERE name > $1 AND strpos(name, $2) > 0 AND ($3::boolean IS NULL OR public = $3)
            ORDER BY name LIMIT $4",
    };
    COUNT = {
        sqlite: "SELECT COUNT(*) AS value FROM project WHERE instr(name, $1) > 0 AND ($2 IS NULL OR public = $2)",
        postgres: "SELECT COUNT(*) AS value FROM project
            WHERE strpos(name, $1) > 0 AND ($2::boolean IS NULL OR public = $2)",
    };
    UPDATE_VISIBILITY = "UPDATE project SET public = $2, internal = $3, updated_at = $4 WHERE id = $1";
    HAS_REPOSITORIES = "SELECT EXISTS (SELECT 1 FROM repository WHERE project_id = $1) AS value";
    DELETE = "DELETE FROM project WHERE id = $1";
}
