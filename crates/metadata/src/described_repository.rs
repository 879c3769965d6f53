//! Repositories as people look at them: with what is said about them and how much they hold.

use hythe_oci::name::RepositoryName;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row, Value};
use crate::error::Result;
use crate::ids::{Micros, ProjectId, RepositoryId};
use crate::project::Text;
use crate::window::Window;

/// A row of `repository`, with a count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedRepository {
    /// Its id.
    pub id: RepositoryId,
    /// Its project.
    pub project_id: ProjectId,
    /// Its whole name.
    pub name: RepositoryName,
    /// What people say about it.
    pub description: String,
    /// How often it was pulled from.
    pub pull_count: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When its description was changed last; 0 for never.
    pub updated_at: Micros,
    /// Manifests that stand for themselves: not those that others name as a part or that name another as their subject,
    /// unless they are tagged.
    pub artifacts: i64,
}

/// Which repositories to list.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Of this project.
    pub project_id: ProjectId,
    /// By the whole name.
    pub name: Text,
}

/// The order of a list. Only the first has keys to go on from; the others are paged by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// By name, from the end.
    NameDescending,
    /// The oldest first.
    Oldest,
    /// The newest first.
    Newest,
}

/// The repository of this name.
pub async fn find(c: &mut Connection, name: &RepositoryName) -> Result<Option<DescribedRepository>> {
    c.query_optional(&FIND, &[name.into()]).await
}

/// A page of repositories.
pub async fn list(
    c: &mut Connection,
    filter: &Filter,
    order: Order,
    window: Window<&str>,
) -> Result<Vec<DescribedRepository>> {
    let page = [window.after.into(), window.limit.into(), window.skip.into()];
    let arguments = [&filter.arguments()[..], &page].concat();
    match order {
        Order::Name => c.query(&LIST, &arguments).await,
        Order::NameDescending => c.query(&LIST_NAME_DESCENDING, &arguments).await,
        Order::Oldest => c.query(&LIST_OLDEST, &arguments).await,
        Order::Newest => c.query(&LIST_NEWEST, &arguments).await,
    }
}

/// How many repositories the filter lets through, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    c.query_one(&COUNT, &[&filter.arguments()[..], &[most.into()]].concat()).await
}

/// Says something else about a repository; false if there is none.
pub async fn update_description(
    c: &mut Connection,
    name: &RepositoryName,
    description: &str,
    now: Micros,
) -> Result<bool> {
    c.changes(&UPDATE_DESCRIPTION, &[name.into(), description.into(), now.into()]).await
}

impl Filter {
    fn arguments(&self) -> [Value<'static>; 2] {
        [self.project_id.into(), self.name.pattern()]
    }
}

impl FromRow for DescribedRepository {
    fn from_row(row: &mut Row) -> Result<DescribedRepository> {
        Ok(DescribedRepository {
            id: row.take("id")?,
            project_id: row.take("project_id")?,
            name: row.take("name")?,
            description: row.take("description")?,
            pull_count: row.take("pull_count")?,
            created_at: row.take("created_at")?,
            updated_at: row.take("updated_at")?,
            artifacts: row.take("artifacts")?,
        })
    }
}

macro_rules! select {
    () => {
        "SELECT r.id, r.project_id, r.name, r.description, r.pull_count, r.created_at, r.updated_at,
            (SELECT COUNT(*) FROM manifest m WHERE m.repository_id = r.id
                AND (EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = m.repository_id AND t.digest = m.digest)
                    OR (m.subject IS NULL AND NOT EXISTS (SELECT 1 FROM manifest_reference f
                        WHERE f.repository_id = m.repository_id AND f.digest = m.digest)))) AS artifacts
        FROM repository r "
    };
}

macro_rules! filter {
    () => {
        "WHERE r.project_id = $1 AND lower(r.name) LIKE $2 ESCAPE '\\' "
    };
}

statements! { "described_repository";
    FIND = (select!(), "WHERE r.name = $1");
    LIST = (select!(), filter!(), "AND r.name > $3 ORDER BY r.name LIMIT $4 OFFSET $5");
    LIST_NAME_DESCENDING = (select!(), filter!(), "AND r.name > $3 ORDER BY r.name DESC LIMIT $4 OFFSET $5");
    LIST_OLDEST = (select!(), filter!(), "AND r.name > $3 ORDER BY r.created_at, r.id LIMIT $4 OFFSET $5");
    LIST_NEWEST = (select!(), filter!(), "AND r.name > $3 ORDER BY r.created_at DESC, r.id DESC LIMIT $4 OFFSET $5");
    COUNT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM repository r ", filter!(), "LIMIT $3) counted");
    UPDATE_DESCRIPTION = "UPDATE repository SET description = $2, updated_at = $3 WHERE name = $1";
}
