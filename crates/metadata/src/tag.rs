//! Tags: what a name points to now, and what it pointed to before.
//!
//! Writers of one tag take turns (a lock by name), so a comparison and its write are one step and the history is
//! in the order of the commits: the last event of a tag is always what it points to.

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;

use crate::artifact;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, FromValue, Row, Value};
use crate::error::Result;
use crate::ids::{Micros, RepositoryId};
use crate::project::Text;
use crate::trash::{self, Deletion};
use crate::window::Window;

/// What a tag must point to for a put to go through (`If-Match`, `If-None-Match`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Anything or nothing.
    Any,
    /// Nothing: the tag is new.
    Absent,
    /// Something, whatever it is.
    Present,
    /// This.
    Digest(Digest),
}

impl Expected {
    fn allows(self, current: Option<Digest>) -> bool {
        match self {
            Expected::Any => true,
            Expected::Absent => current.is_none(),
            Expected::Present => current.is_some(),
            Expected::Digest(expected) => current == Some(expected),
        }
    }
}

/// What became of a conditional put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// The tag points to the new digest; it pointed to this one.
    Done(Option<Digest>),
    /// The tag points to something other than expected, and still does.
    Conflict(Option<Digest>),
}

/// What happened to a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It was made to point to the digest.
    Put,
    /// It was deleted; it pointed to the digest.
    Delete,
}

/// A row of `tag_history`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagEvent {
    /// Counts up for each tag in the order of the commits.
    pub sequence: i64,
    /// When.
    pub at: Micros,
    /// Who.
    pub by: String,
    /// What.
    pub action: Action,
    /// The digest that it pointed to after a put, or before a delete.
    pub digest: Digest,
}

/// A row of `tag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagRow {
    /// The tag.
    pub name: String,
    /// When it was made to point to what it points to.
    pub updated_at: Micros,
    /// When it was pulled last; 0 for never.
    pub pulled_at: Micros,
}

/// The order of a list. Only the first has keys to go on from; the others are paged by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By name.
    #[default]
    Name,
    /// By name, from the end.
    NameDescending,
    /// The one put first first.
    Oldest,
    /// The one put last first.
    Newest,
}

/// Points the tag to a manifest of the repository and tells what it pointed to before.
/// [`Error::Missing`](crate::Error::Missing) if there is no such manifest.
pub async fn put(
    c: &mut Connection,
    repository_id: RepositoryId,
    tag: &Tag,
    digest: &Digest,
    now: Micros,
    by: &str,
) -> Result<Option<Digest>> {
    let (Put::Done(previous) | Put::Conflict(previous)) =
        put_if(c, repository_id, tag, digest, now, by, Expected::Any).await?;
    Ok(previous)
}

/// [`put`], if the tag points to what is expected. Putting what is there already is no event.
pub async fn put_if(
    c: &mut Connection,
    repository_id: RepositoryId,
    tag: &Tag,
    digest: &Digest,
    now: Micros,
    by: &str,
    expected: Expected,
) -> Result<Put> {
    lock(c, repository_id, tag.as_str()).await?;
    let current = find(c, repository_id, tag).await?;
    if !expected.allows(current) {
        return Ok(Put::Conflict(current));
    }
    if let Some(left) = current.filter(|current| current != digest) {
        // Before the tag's row, in the order in which pulls are written down.
        artifact::touch(c, repository_id, &left).await?;
    }
    c.execute(&PUT, &[repository_id.into(), tag.into(), digest.into(), now.into(), by.into()]).await?;
    if current != Some(*digest) {
        record(c, repository_id, tag.as_str(), Action::Put, digest, now, by).await?;
    }
    Ok(Put::Done(current))
}

/// What the tag points to.
pub async fn find(c: &mut Connection, repository_id: RepositoryId, tag: &Tag) -> Result<Option<Digest>> {
    c.query_optional(&FIND, &[repository_id.into(), tag.into()]).await
}

/// A page of the repository's tags, bytewise sorted, after the tag `after`.
pub async fn list(
    c: &mut Connection,
    repository_id: RepositoryId,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<String>> {
    c.query(&LIST, &[repository_id.into(), after.unwrap_or("").into(), limit.into()]).await
}

/// The tags that point to a manifest, sorted, `limit` at most.
pub async fn list_by_digest(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    limit: u32,
) -> Result<Vec<String>> {
    c.query(&LIST_BY_DIGEST, &[repository_id.into(), digest.into(), limit.into()]).await
}

/// A page of the tags that lead to a manifest or a blob: that point to it, or to a manifest that needs it, however many
/// manifests lie between. Sorted, after the name `after`.
pub async fn list_leading_to(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    after: &str,
    limit: u32,
) -> Result<Vec<String>> {
    c.query(&LIST_LEADING_TO, &[repository_id.into(), digest.into(), after.into(), limit.into()]).await
}

/// A page of the tags that point to a manifest.
pub async fn list_rows(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    name: &Text,
    order: Order,
    window: Window<&str>,
) -> Result<Vec<TagRow>> {
    let arguments = [
        repository_id.into(),
        digest.into(),
        name.pattern(),
        window.after.into(),
        window.limit.into(),
        window.skip.into(),
    ];
    let statement = match order {
        Order::Name => &LIST_ROWS,
        Order::NameDescending => &LIST_ROWS_DESCENDING,
        Order::Oldest => &LIST_ROWS_OLDEST,
        Order::Newest => &LIST_ROWS_NEWEST,
    };
    c.query(statement, &arguments).await
}

/// How many tags point to a manifest, counted up to `most`.
pub async fn count_rows(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    name: &Text,
    most: i64,
) -> Result<i64> {
    c.query_one(&COUNT_ROWS, &[repository_id.into(), digest.into(), name.pattern(), most.into()]).await
}

/// Notes when a tag was pulled last; nothing if it is gone.
pub async fn update_pulled(
    c: &mut Connection,
    repository: &RepositoryName,
    tag: &Tag,
    at: Micros,
) -> Result<()> {
    c.execute(&UPDATE_PULLED, &[repository.into(), tag.into(), at.into()]).await.map(|_| ())
}

/// Moves the tag to the trash and not what it points to; false if it does not exist.
pub async fn delete(
    c: &mut Connection,
    repository_id: RepositoryId,
    tag: &Tag,
    deletion: &Deletion,
) -> Result<bool> {
    lock(c, repository_id, tag.as_str()).await?;
    let Some(digest) = find(c, repository_id, tag).await? else { return Ok(false) };
    artifact::touch(c, repository_id, &digest).await?;
    trash::put_tag(c, repository_id, tag.as_str(), &digest, deletion).await?;
    remove(c, repository_id, tag.as_str(), deletion.at, &deletion.by).await
}

/// Deletes every tag that points to the manifest; the caller holds the manifest's row, so there can be no more.
pub(crate) async fn delete_by_digest(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    deletion: &Deletion,
) -> Result<()> {
    let tags: Vec<String> =
        c.query(&LIST_BY_DIGEST, &[repository_id.into(), digest.into(), u32::MAX.into()]).await?;
    for tag in tags {
        lock(c, repository_id, &tag).await?;
        if c.query_optional(&FIND, &[repository_id.into(), (&tag).into()]).await? == Some(*digest) {
            remove(c, repository_id, &tag, deletion.at, &deletion.by).await?;
        }
    }
    Ok(())
}

/// A page of a tag's events, the newest first, before the event `before`. A deleted tag still has them.
pub async fn history(
    c: &mut Connection,
    repository_id: RepositoryId,
    tag: &Tag,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<TagEvent>> {
    let before = before.unwrap_or(i64::MAX);
    c.query(&HISTORY, &[repository_id.into(), tag.into(), before.into(), limit.into()]).await
}

async fn lock(c: &mut Connection, repository_id: RepositoryId, tag: &str) -> Result<()> {
    c.lock(&format!("tag/{repository_id}/{tag}")).await
}

async fn remove(
    c: &mut Connection,
    repository_id: RepositoryId,
    tag: &str,
    now: Micros,
    by: &str,
) -> Result<bool> {
    let deleted = c.query_optional::<Digest>(&DELETE, &[repository_id.into(), tag.into()]).await?;
    let Some(digest) = deleted else { return Ok(false) };
    record(c, repository_id, tag, Action::Delete, &digest, now, by).await?;
    Ok(true)
}

async fn record(
    c: &mut Connection,
    repository_id: RepositoryId,
    tag: &str,
    action: Action,
    digest: &Digest,
    now: Micros,
    by: &str,
) -> Result<()> {
    let arguments =
        [repository_id.into(), tag.into(), now.into(), by.into(), action.as_str().into(), digest.into()];
    c.execute(&RECORD, &arguments).await.map(|_| ())
}

impl Action {
    /// `put` or `delete`.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Put => "put",
            Action::Delete => "delete",
        }
    }
}

impl FromValue for Action {
    fn from_value(value: Value<'static>) -> Result<Action, String> {
        match String::from_value(value)?.as_str() {
            "put" => Ok(Action::Put),
            "delete" => Ok(Action::Delete),
            other => Err(format!("expected put or delete, found {other:?}")),
        }
    }
}

impl FromRow for TagRow {
    fn from_row(row: &mut Row) -> Result<TagRow> {
        Ok(TagRow {
            name: row.take("name")?,
            updated_at: row.take("updated_at")?,
            pulled_at: row.take("pulled_at")?,
        })
    }
}

impl FromRow for TagEvent {
    fn from_row(row: &mut Row) -> Result<TagEvent> {
        Ok(TagEvent {
            sequence: row.take("sequence")?,
            at: row.take("at")?,
            by: row.take("done_by")?,
            action: row.take("action")?,
            digest: row.take("digest")?,
        })
    }
}

macro_rules! rows {
    () => {
        "SELECT name, updated_at, pulled_at FROM tag
        WHERE repository_id = $1 AND digest = $2 AND lower(name) LIKE $3 ESCAPE '\\' AND name > $4 ORDER BY "
    };
}

statements! { "tag";
    LIST_ROWS = (rows!(), "name LIMIT $5 OFFSET $6");
    LIST_ROWS_DESCENDING = (rows!(), "name DESC LIMIT $5 OFFSET $6");
    LIST_ROWS_OLDEST = (rows!(), "updated_at, name LIMIT $5 OFFSET $6");
    LIST_ROWS_NEWEST = (rows!(), "updated_at DESC, name DESC LIMIT $5 OFFSET $6");
    COUNT_ROWS = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM tag WHERE repository_id = $1 AND digest = $2
        AND lower(name) LIKE $3 ESCAPE '\\' LIMIT $4) counted";
    UPDATE_PULLED = "UPDATE tag SET pulled_at = $3 WHERE repository_id = (SELECT r.id FROM repository r WHERE r.name = $1)
        AND name = $2 AND pulled_at < $3";
    PUT = "INSERT INTO tag (repository_id, name, digest, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (repository_id, name)
        DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at, updated_by = excluded.updated_by";
    FIND = "SELECT digest AS value FROM tag WHERE repository_id = $1 AND name = $2";
    LIST = "SELECT name AS value FROM tag WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3";
    LIST_BY_DIGEST = "SELECT name AS value FROM tag WHERE repository_id = $1 AND digest = $2
        ORDER BY name LIMIT $3";
    LIST_LEADING_TO = "WITH RECURSIVE above (digest) AS (
            SELECT digest FROM manifest WHERE repository_id = $1 AND digest = $2
            UNION ALL SELECT manifest FROM manifest_reference WHERE repository_id = $1 AND digest = $2
            UNION SELECT n.manifest FROM above a CROSS JOIN manifest_reference n
                WHERE n.repository_id = $1 AND n.digest = a.digest)
        SELECT t.name AS value FROM above a CROSS JOIN tag t
        WHERE t.repository_id = $1 AND t.digest = a.digest AND t.name > $3 ORDER BY t.name LIMIT $4";
    DELETE = "DELETE FROM tag WHERE repository_id = $1 AND name = $2 RETURNING digest AS value";
    RECORD = "INSERT INTO tag_history (repository_id, name, sequence, at, done_by, action, digest)
        SELECT $1, $2, COALESCE(MAX(sequence), 0) + 1, $3, $4, $5, $6
        FROM tag_history WHERE repository_id = $1 AND name = $2";
    HISTORY = "SELECT sequence, at, done_by, action, digest FROM tag_history
        WHERE repository_id = $1 AND name = $2 AND sequence < $3 ORDER BY sequence DESC LIMIT $4";
}
