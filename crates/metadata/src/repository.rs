//! Repositories: where manifests, tags and links to blobs live.

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;

use crate::charge;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row, Value, list as list_of};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId, RepositoryId, UserId};
use crate::trash::{self, Deletion};

/// Manifests that are deleted together.
const TOGETHER: u32 = 1000;

/// A row of `repository`, with what its project says about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its id.
    pub id: RepositoryId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its whole name, `project/rest`.
    pub name: RepositoryName,
    /// Whether its project is public.
    pub public: bool,
    /// Whether its project has a quota.
    pub limited: bool,
    /// When it was made.
    pub created_at: Micros,
}

/// Which repositories a caller may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Visible {
    /// All of them.
    All,
    /// Those of public projects.
    Public,
    /// Those of public and internal projects, of the projects this user is a member of, and those granted to it.
    Subject(UserId),
    /// Of those only the ones whose name and a space begin with one of these: a limit takes away and never gives.
    SubjectWithin(UserId, Vec<String>),
    /// Those of public and internal projects, and those whose name and a space begin with one of these: `team/`
    /// for a project, `team/app-` for the beginning of a name, `team/app ` for one repository.
    Listed(Vec<String>),
}

/// The repository of this name.
pub async fn find(c: &mut Connection, name: &RepositoryName) -> Result<Option<Repository>> {
    c.query_optional(&FIND, &[name.into()]).await
}

/// The repository of this name, made if it is missing; none if its project does not exist.
pub async fn ensure(c: &mut Connection, name: &RepositoryName, now: Micros) -> Result<Option<Repository>> {
    if let Some(found) = find(c, name).await? {
        return Ok(Some(found));
    }
    c.execute(&CREATE, &[name.into(), (&name.project()).into(), now.into()]).await?;
    find(c, name).await
}

/// A page of the names that `visible` lets through, bytewise sorted, after the name `after`.
pub async fn catalog(
    c: &mut Connection,
    visible: Visible,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>> {
    let (after, limit) = (after.unwrap_or("").into(), limit.into());
    match visible {
        Visible::All => c.query(&CATALOG, &[after, limit]).await,
        Visible::Public => c.query(&CATALOG_PUBLIC, &[after, limit]).await,
        Visible::Subject(user) => c.query(&CATALOG_OF_USER, &[after, limit, user.into(), Value::Null]).await,
        Visible::SubjectWithin(user, beginnings) => {
            c.query(&CATALOG_OF_USER, &[after, limit, user.into(), list_of(&beginnings)]).await
        }
        Visible::Listed(beginnings) => c.query(&CATALOG_LISTED, &[after, limit, list_of(&beginnings)]).await,
    }
}

/// A page of a project's repositories in the order of their names, after the name `after`.
pub async fn list(
    c: &mut Connection,
    project_id: ProjectId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Repository>> {
    c.query(&LIST, &[project_id.into(), after.unwrap_or("").into(), limit.into()]).await
}

/// How many repositories a project has.
pub async fn count(c: &mut Connection, project_id: ProjectId) -> Result<i64> {
    c.query_one(&COUNT, &[project_id.into()]).await
}

/// Moves the manifests and tags of a repository to the trash and deletes it with its history and links; false if it does
/// not exist. The blobs stay until they are collected. [`Error::Conflict`] while uploads into it are open: their rows name
/// bytes. It is locked first: a push that is under way ends before, and is kept, or finds no repository.
pub async fn delete(c: &mut Connection, id: RepositoryId, deletion: &Deletion) -> Result<bool> {
    if c.query_optional::<i64>(&LOCK, &[id.into()]).await?.is_none() {
        return Ok(false);
    }
    if c.query_one(&HAS_UPLOADS, &[id.into()]).await? {
        return Err(Error::Conflict { what: format!("repository {id} still has open uploads") });
    }
    delete_manifests(c, id, deletion).await?;
    let linked = charge::of_links(c, id).await?;
    charge::release(c, id, &linked).await?;
    c.changes(&DELETE, &[id.into()]).await
}

/// Page by page: a statement about all of a large repository takes longer than statements may, and planners know nothing of
/// rows that the same transaction has made.
async fn delete_manifests(c: &mut Connection, id: RepositoryId, deletion: &Deletion) -> Result<()> {
    let mut after = String::new();
    loop {
        let page: Vec<Digest> = c.query(&SOME_MANIFESTS, &[id.into(), after.into(), TOGETHER.into()]).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.to_string();
        trash::put_manifests(c, id, &page, deletion).await?;
        let charged = charge::of_manifests(c, id, &page).await?;
        c.execute(&DELETE_TAGS, &[id.into(), list_of(&page)]).await?;
        c.execute(&DELETE_MANIFESTS, &[id.into(), list_of(&page)]).await?;
        charge::release(c, id, &charged).await?;
    }
}

impl FromRow for Repository {
    fn from_row(row: &mut Row) -> Result<Repository> {
        Ok(Repository {
            id: row.take("id")?,
            project_id: row.take("project_id")?,
            name: row.take("name")?,
            public: row.take("public")?,
            limited: row.take("limited")?,
            created_at: row.take("created_at")?,
        })
    }
}

macro_rules! listed {
    (sqlite) => {
        "digest IN (SELECT value FROM json_each($2))"
    };
    (postgres) => {
        "digest = ANY (ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb)))"
    };
}

statements! { "repository";
    FIND = "SELECT r.id, r.project_id, r.name, p.public, p.storage_limit IS NOT NULL AS limited, r.created_at
        FROM repository r JOIN project p ON p.id = r.project_id WHERE r.name = $1";
    CREATE = "INSERT INTO repository (project_id, name, created_at)
        SELECT id, $1, $3 FROM project WHERE name = $2 ON CONFLICT DO NOTHING";
    CATALOG = "SELECT name AS value FROM repository WHERE name > $1 ORDER BY name LIMIT $2";
    CATALOG_PUBLIC = "SELECT r.name AS value FROM repository r
        WHERE r.name > $1 AND EXISTS (SELECT 1 FROM project p WHERE p.id = r.project_id AND p.public)
        ORDER BY r.name LIMIT $2";
    CATALOG_OF_USER = {
        sqlite: "SELECT r.name AS value FROM repository r
            WHERE r.name > $1
                AND ($4 IS NULL OR EXISTS (SELECT 1 FROM json_each($4) b
                    WHERE substr(r.name || ' ', 1, length(b.value)) = b.value))
                AND (EXISTS (SELECT 1 FROM project p WHERE p.id = r.project_id AND (p.public OR p.internal))
                    OR EXISTS (SELECT 1 FROM member m WHERE m.project_id = r.project_id AND m.user_id = $3)
                    OR EXISTS (SELECT 1 FROM user_group_member u JOIN member m ON m.group_id = u.group_id
                        WHERE m.project_id = r.project_id AND u.user_id = $3)
                    OR EXISTS (SELECT 1 FROM repository_grant t WHERE t.project_id = r.project_id
                        AND (t.user_id = $3
                            OR t.group_id IN (SELECT u.group_id FROM user_group_member u WHERE u.user_id = $3))
                        AND (t.repository = r.name
                            OR (t.and_below AND substr(r.name, 1, length(t.repository)) = t.repository))))
            ORDER BY r.name LIMIT $2",
        postgres: "SELECT r.name AS value FROM repository r
            WHERE r.name > $1
                AND ($4::text IS NULL OR EXISTS (SELECT 1 FROM jsonb_array_elements_text($4::text::jsonb) b (value)
                    WHERE starts_with(r.name || ' ', b.value)))
                AND (EXISTS (SELECT 1 FROM project p WHERE p.id = r.project_id AND (p.public OR p.internal))
                    OR EXISTS (SELECT 1 FROM member m WHERE m.project_id = r.project_id AND m.user_id = $3)
                    OR EXISTS (SELECT 1 FROM user_group_member u JOIN member m ON m.group_id = u.group_id
                        WHERE m.project_id = r.project_id AND u.user_id = $3)
                    OR EXISTS (SELECT 1 FROM repository_grant t WHERE t.project_id = r.project_id
                        AND (t.user_id = $3
                            OR t.group_id IN (SELECT u.group_id FROM user_group_member u WHERE u.user_id = $3))
                        AND (t.repository = r.name OR (t.and_below AND starts_with(r.name, t.repository)))))
            ORDER BY r.name LIMIT $2",
    };
    CATALOG_LISTED = {
        sqlite: "SELECT r.name AS value FROM repository r
            WHERE r.name > $1
                AND (EXISTS (SELECT 1 FROM project p WHERE p.id = r.project_id AND (p.public OR p.internal))
                    OR EXISTS (SELECT 1 FROM json_each($3) b
                        WHERE substr(r.name || ' ', 1, length(b.value)) = b.value))
            ORDER BY r.name LIMIT $2",
        postgres: "SELECT r.name AS value FROM repository r
            WHERE r.name > $1
                AND (EXISTS (SELECT 1 FROM project p WHERE p.id = r.project_id AND (p.public OR p.internal))
                    OR EXISTS (SELECT 1 FROM jsonb_array_elements_text($3::text::jsonb) b (value)
                        WHERE starts_with(r.name || ' ', b.value)))
            ORDER BY r.name LIMIT $2",
    };
    LIST = "SELECT r.id, r.project_id, r.name, p.public, p.storage_limit IS NOT NULL AS limited, r.created_at
        FROM repository r JOIN project p ON p.id = r.project_id
        WHERE r.project_id = $1 AND r.name > $2 ORDER BY r.name LIMIT $3";
    COUNT = "SELECT COUNT(*) AS value FROM repository WHERE project_id = $1";
    HAS_UPLOADS = "SELECT EXISTS (SELECT 1 FROM upload WHERE repository_id = $1) AS value";
    LOCK = {
        sqlite: "SELECT id AS value FROM repository WHERE id = $1",
        postgres: "SELECT id AS value FROM repository WHERE id = $1 FOR UPDATE",
    };
    SOME_MANIFESTS = "SELECT digest AS value FROM manifest WHERE repository_id = $1 AND digest > $2 ORDER BY digest LIMIT $3";
    DELETE_TAGS = {
        sqlite: ("DELETE FROM tag WHERE repository_id = $1 AND ", listed!(sqlite)),
        postgres: ("DELETE FROM tag WHERE repository_id = $1 AND ", listed!(postgres)),
    };
    DELETE_MANIFESTS = {
        sqlite: ("DELETE FROM manifest WHERE repository_id = $1 AND ", listed!(sqlite)),
        postgres: ("DELETE FROM manifest WHERE repository_id = $1 AND ", listed!(postgres)),
    };
    DELETE = "DELETE FROM repository WHERE id = $1";
}
