//! Repositories as people look at them: with what is said about them.

use hythe_oci::digest::Digest;
use hythe_oci::name::{ProjectName, RepositoryName};

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row, Value, list as list_of};
use crate::error::Result;
use crate::ids::{Micros, ProjectId, RepositoryId};
use crate::project::Text;
use crate::repository::Visible;
use crate::window::Window;

/// A row of `repository`, with what its people say about it.
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
    /// How often manifests were pulled from it.
    pub pull_count: i64,
    /// When it was made.
    pub created_at: Micros,
    /// When its description was changed last; 0 for never.
    pub updated_at: Micros,
}

/// Which repositories to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// Of this project; none for all.
    pub project: Option<ProjectName>,
    /// By the whole name.
    pub name: Text,
    /// Those that may be seen.
    pub visible: Visible,
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
    /// Those whose description was never changed first.
    LeastUpdated,
    /// The one changed last first.
    LastUpdated,
    /// Those never pulled from first.
    LeastPulled,
    /// The one most pulled from first.
    MostPulled,
}

/// The repository of this name.
pub async fn find(c: &mut Connection, name: &RepositoryName) -> Result<Option<DescribedRepository>> {
    c.query_optional(&FIND, &[name.into()]).await
}

/// A page of the repositories that the filter lets through.
pub async fn list(
    c: &mut Connection,
    filter: &Filter,
    order: Order,
    window: Window<&str>,
) -> Result<Vec<DescribedRepository>> {
    let mut arguments = filter.arguments(window.after);
    arguments.extend([window.limit.into(), window.skip.into()]);
    let statement = match order {
        Order::Name => &LIST,
        Order::NameDescending => &LIST_NAME_DESCENDING,
        Order::Oldest => &LIST_OLDEST,
        Order::Newest => &LIST_NEWEST,
        Order::LeastUpdated => &LIST_LEAST_UPDATED,
        Order::LastUpdated => &LIST_LAST_UPDATED,
        Order::LeastPulled => &LIST_LEAST_PULLED,
        Order::MostPulled => &LIST_MOST_PULLED,
    };
    c.query(statement, &arguments).await
}

/// How many repositories the filter lets through, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    let mut arguments = filter.arguments("");
    arguments.push(most.into());
    c.query_one(&COUNT, &arguments).await
}

/// A page of the repositories that link a blob, the oldest first, after the id `after`; who asks decides which of them
/// may be seen.
pub async fn list_with_blob(
    c: &mut Connection,
    blob: &Digest,
    after: RepositoryId,
    limit: u32,
) -> Result<Vec<DescribedRepository>> {
    c.query(&LIST_WITH_BLOB, &[blob.into(), after.into(), limit.into()]).await
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

/// Adds pulls to a repository; nothing if it is gone.
pub async fn add_pulls(c: &mut Connection, name: &RepositoryName, pulls: u64, at: Micros) -> Result<()> {
    c.execute(&ADD_PULLS, &[name.into(), pulls.into(), at.into()]).await.map(|_| ())
}

impl Filter {
    /// The names of one project are a range of names: what follows a slash lies before what follows a zero.
    fn arguments(&self, after: &str) -> Vec<Value<'static>> {
        let (from, until) = match &self.project {
            Some(project) => (format!("{project}/"), format!("{project}0")),
            None => (String::new(), char::MAX.to_string()),
        };
        let (all, internal, user, listed, within) = match &self.visible {
            Visible::All => (true, true, None, None, None),
            Visible::Public => (false, false, None, None, None),
            Visible::Subject(user) => (false, true, Some(*user), None, None),
            Visible::SubjectWithin(user, beginnings) => (false, true, Some(*user), None, Some(beginnings)),
            Visible::Listed(beginnings) => (false, true, None, Some(beginnings), None),
        };
        vec![
            self.name.pattern(),
            from.max(after.to_owned()).into(),
            until.into(),
            all.into(),
            internal.into(),
            user.into(),
            listed.map(|beginnings| list_of(beginnings)).unwrap_or_else(|| list_of::<String>(&[])),
            within.map_or(Value::Null, |beginnings| list_of(beginnings)),
        ]
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
        })
    }
}

macro_rules! select {
    () => {
        "SELECT r.id, r.project_id, r.name, r.description, r.pull_count, r.created_at, r.updated_at "
    };
}

macro_rules! visible {
    () => {
        "FROM repository r JOIN project p ON p.id = r.project_id
        WHERE lower(r.name) LIKE $1 ESCAPE '\\' AND r.name > $2 AND r.name < $3
            AND ($4 OR p.public OR (p.internal AND $5)
                OR EXISTS (SELECT 1 FROM member m WHERE m.project_id = r.project_id AND m.user_id = $6)
                OR EXISTS (SELECT 1 FROM user_group_member u JOIN member m ON m.group_id = u.group_id
                    WHERE m.project_id = r.project_id AND u.user_id = $6)
                OR EXISTS (SELECT 1 FROM repository_grant t WHERE t.project_id = r.project_id
                    AND (t.user_id = $6
                        OR t.group_id IN (SELECT u.group_id FROM user_group_member u WHERE u.user_id = $6))
                    AND (t.repository = r.name
                        OR (t.and_below AND substr(r.name, 1, length(t.repository)) = t.repository)))"
    };
}

/// What the engines write in different ways: a list that is opened inside the statement.
macro_rules! filter {
    (sqlite) => {
        concat!(
            visible!(),
            " OR EXISTS (SELECT 1 FROM json_each($7) b WHERE substr(r.name || ' ', 1, length(b.value)) = b.value))
            AND ($8 IS NULL OR EXISTS (SELECT 1 FROM json_each($8) b
                WHERE substr(r.name || ' ', 1, length(b.value)) = b.value)) "
        )
    };
    (postgres) => {
        concat!(
            visible!(),
            " OR EXISTS (SELECT 1 FROM jsonb_array_elements_text($7::text::jsonb) b (value)
                WHERE starts_with(r.name || ' ', b.value)))
            AND ($8::text IS NULL OR EXISTS (SELECT 1 FROM jsonb_array_elements_text($8::text::jsonb) b (value)
                WHERE starts_with(r.name || ' ', b.value))) "
        )
    };
}

macro_rules! list {
    ($engine:ident, $order:literal) => {
        concat!(select!(), filter!($engine), "ORDER BY ", $order, " LIMIT $9 OFFSET $10")
    };
}

macro_rules! count {
    ($engine:ident) => {
        concat!("SELECT COUNT(*) AS value FROM (SELECT 1 ", filter!($engine), "LIMIT $9) counted")
    };
}

statements! { "described_repository";
    FIND = (select!(), "FROM repository r WHERE r.name = $1");
    LIST = { sqlite: (list!(sqlite, "r.name")), postgres: (list!(postgres, "r.name")) };
    LIST_NAME_DESCENDING = { sqlite: (list!(sqlite, "r.name DESC")), postgres: (list!(postgres, "r.name DESC")) };
    LIST_OLDEST = { sqlite: (list!(sqlite, "r.id")), postgres: (list!(postgres, "r.id")) };
    LIST_NEWEST = { sqlite: (list!(sqlite, "r.id DESC")), postgres: (list!(postgres, "r.id DESC")) };
    LIST_LEAST_UPDATED =
        { sqlite: (list!(sqlite, "r.updated_at, r.id")), postgres: (list!(postgres, "r.updated_at, r.id")) };
    LIST_LAST_UPDATED = {
        sqlite: (list!(sqlite, "r.updated_at DESC, r.id DESC")),
        postgres: (list!(postgres, "r.updated_at DESC, r.id DESC")),
    };
    LIST_LEAST_PULLED =
        { sqlite: (list!(sqlite, "r.pull_count, r.id")), postgres: (list!(postgres, "r.pull_count, r.id")) };
    LIST_MOST_PULLED = {
        sqlite: (list!(sqlite, "r.pull_count DESC, r.id DESC")),
        postgres: (list!(postgres, "r.pull_count DESC, r.id DESC")),
    };
    COUNT = { sqlite: (count!(sqlite)), postgres: (count!(postgres)) };
    LIST_WITH_BLOB = (select!(), "FROM repository_blob b CROSS JOIN repository r
        WHERE b.digest = $1 AND b.repository_id > $2 AND r.id = b.repository_id ORDER BY b.repository_id LIMIT $3");
    UPDATE_DESCRIPTION = "UPDATE repository SET description = $2, updated_at = $3 WHERE name = $1";
    ADD_PULLS = "UPDATE repository SET pull_count = pull_count + $2,
            pulled_at = CASE WHEN COALESCE(pulled_at, 0) < $3 THEN $3 ELSE pulled_at END
        WHERE name = $1";
}
