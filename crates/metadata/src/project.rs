//! Projects: the tenants, the first part of every repository's name.

use hythe_oci::name::{ProjectName, RepositoryName};

use crate::charge;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row, Value, pattern};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId, UserId};
use crate::window::Window;

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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The name or a part of it, in any case.
    pub name: Text,
    /// Only public ones, or only others.
    pub public: Option<bool>,
    /// Only those made by the user of this name.
    pub owner: Option<String>,
    /// Only those that may be seen.
    pub visible: Visible,
}

/// A text to compare with, in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Text {
    /// Anything.
    #[default]
    Any,
    /// The whole.
    Whole(String),
    /// A part.
    Part(String),
}

impl Text {
    /// As an argument of `LIKE`.
    pub(crate) fn pattern(&self) -> Value<'static> {
        match self {
            Text::Any => pattern("", false),
            Text::Whole(text) => pattern(text, true),
            Text::Part(text) => pattern(text, false),
        }
    }
}

/// Which projects a caller may see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visible {
    /// All of them.
    #[default]
    All,
    /// Public ones.
    Public,
    /// Public and internal ones.
    SignedIn,
    /// Public and internal ones, and this one: a robot's.
    Project(ProjectId),
    /// Public and internal ones, and those in which this user holds anything.
    User(UserId),
}

impl Visible {
    /// Whether all, whether internal ones, one project's id, the user's id.
    fn arguments(self) -> [Value<'static>; 4] {
        let (all, internal, project, user) = match self {
            Visible::All => (true, true, None, None),
            Visible::Public => (false, false, None, None),
            Visible::SignedIn => (false, true, None, None),
            Visible::Project(id) => (false, true, Some(id), None),
            Visible::User(id) => (false, true, None, Some(id)),
        };
        [all.into(), internal.into(), project.into(), user.into()]
    }
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

/// A page of projects.
pub async fn list(
    c: &mut Connection,
    filter: &Filter,
    order: Order,
    window: Window<&str>,
) -> Result<Vec<Project>> {
    let mut arguments = filter.arguments();
    arguments.extend([window.limit.into(), window.skip.into(), window.after.into()]);
    match order {
        Order::Name => c.query(&LIST, &arguments).await,
        Order::NameDescending => c.query(&LIST_NAME_DESCENDING, &arguments).await,
        Order::Oldest => c.query(&LIST_OLDEST, &arguments).await,
        Order::Newest => c.query(&LIST_NEWEST, &arguments).await,
    }
}

/// How many projects the filter lets through, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    let mut arguments = filter.arguments();
    arguments.push(most.into());
    c.query_one(&COUNT, &arguments).await
}

/// How many repositories the projects have that the filter lets through.
pub async fn count_repositories(c: &mut Connection, filter: &Filter) -> Result<i64> {
    c.query_one(&COUNT_REPOSITORIES, &filter.arguments()).await
}

/// A repository that was searched for, and what its project is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundRepository {
    /// Its id.
    pub id: crate::ids::RepositoryId,
    /// Its whole name.
    pub name: RepositoryName,
    /// Its project.
    pub project_id: ProjectId,
    /// Whether its project is public.
    pub public: bool,
    /// How often it was pulled from.
    pub pull_count: i64,
}

/// Repositories whose name holds `part`, in any case, of the projects that may be seen, in the order of their names.
pub async fn search_repositories(
    c: &mut Connection,
    part: &str,
    visible: Visible,
    limit: u32,
) -> Result<Vec<FoundRepository>> {
    let filter = Filter { visible, ..Filter::default() };
    let mut arguments = filter.arguments();
    arguments.extend([pattern(part, false), limit.into()]);
    c.query(&SEARCH_REPOSITORIES, &arguments).await
}

impl Filter {
    fn arguments(&self) -> Vec<Value<'_>> {
        let mut arguments = vec![self.name.pattern(), self.public.into(), self.owner.as_ref().into()];
        arguments.extend(self.visible.arguments());
        arguments
    }
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
    charge::delete_all(c, id).await?;
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

impl FromRow for FoundRepository {
    fn from_row(row: &mut Row) -> Result<FoundRepository> {
        Ok(FoundRepository {
            id: row.take("id")?,
            name: row.take("name")?,
            project_id: row.take("project_id")?,
            public: row.take("public")?,
            pull_count: row.take("pull_count")?,
        })
    }
}

macro_rules! select {
    () => {
        "SELECT p.id, p.name, p.public, p.internal, p.created_at, p.created_by, p.updated_at, p.storage_limit "
    };
}

macro_rules! filter {
    () => {
        "FROM project p
        WHERE lower(p.name) LIKE $1 ESCAPE '\\' AND (CAST($2 AS BOOLEAN) IS NULL OR p.public = $2)
            AND (CAST($3 AS TEXT) IS NULL OR p.created_by IN (SELECT o.id FROM user_account o WHERE o.name = $3))
            AND ($4 OR p.public OR (p.internal AND $5) OR p.id = $6
                OR EXISTS (SELECT 1 FROM member m WHERE m.project_id = p.id AND m.user_id = $7)
                OR EXISTS (SELECT 1 FROM user_group_member u JOIN member m ON m.group_id = u.group_id
                    WHERE m.project_id = p.id AND u.user_id = $7)
                OR EXISTS (SELECT 1 FROM repository_grant t WHERE t.project_id = p.id AND (t.user_id = $7
                    OR t.group_id IN (SELECT u.group_id FROM user_group_member u WHERE u.user_id = $7))))"
    };
}

statements! { "project";
    CREATE = "INSERT INTO project (name, public, internal, created_at, created_by, updated_at) VALUES ($1, $2, $3, $4, $5, $4)
        ON CONFLICT DO NOTHING RETURNING id, name, public, internal, created_at, created_by, updated_at, storage_limit";
    FIND = "SELECT id, name, public, internal, created_at, created_by, updated_at, storage_limit FROM project WHERE name = $1";
    FIND_BY_ID = "SELECT id, name, public, internal, created_at, created_by, updated_at, storage_limit FROM project WHERE id = $1";
    LIST = (select!(), filter!(), " AND p.name > $10 ORDER BY p.name LIMIT $8 OFFSET $9");
    LIST_NAME_DESCENDING = (select!(), filter!(), " AND p.name > $10 ORDER BY p.name DESC LIMIT $8 OFFSET $9");
    LIST_OLDEST = (select!(), filter!(), " AND p.name > $10 ORDER BY p.created_at, p.id LIMIT $8 OFFSET $9");
    LIST_NEWEST = (select!(), filter!(), " AND p.name > $10 ORDER BY p.created_at DESC, p.id DESC LIMIT $8 OFFSET $9");
    COUNT = ("SELECT COUNT(*) AS value FROM (SELECT 1 ", filter!(), " LIMIT $8) counted");
    COUNT_REPOSITORIES = ("SELECT COUNT(*) AS value FROM repository r WHERE r.project_id IN (SELECT p.id ", filter!(), ")");
    SEARCH_REPOSITORIES = ("SELECT r.id, r.name, r.project_id, v.public, r.pull_count FROM repository r JOIN (SELECT p.id, p.public ",
        filter!(), ") v ON v.id = r.project_id WHERE lower(r.name) LIKE $8 ESCAPE '\\' ORDER BY r.name LIMIT $9");
    UPDATE_VISIBILITY = "UPDATE project SET public = $2, internal = $3, updated_at = $4 WHERE id = $1";
    HAS_REPOSITORIES = "SELECT EXISTS (SELECT 1 FROM repository WHERE project_id = $1) AS value";
    DELETE = "DELETE FROM project WHERE id = $1";
}
