//! The journal: which rows it has yet to tell of, and what it tells of them.
//!
//! The journal is kept beside the blobs and brings a lost database back. Triggers note the key of every project,
//! repository, blob, manifest and tag that changes ([`pending`]); what there is to say of a key ([`read`]) is read when the
//! journal is written, so it is what stands then, or that nothing does.

use std::collections::HashMap;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, FromValue, Row, Value};
use crate::error::Result;
use crate::ids::Micros;
use crate::setting;

/// What the journal tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Bytes: digest, size and location.
    Blob,
    /// A manifest of a repository.
    Manifest,
    /// A project.
    Project,
    /// A repository.
    Repository,
    /// A tag of a repository.
    Tag,
}

impl Kind {
    /// All, in the order of their words.
    pub const ALL: [Kind; 5] = [Kind::Blob, Kind::Manifest, Kind::Project, Kind::Repository, Kind::Tag];

    /// The word in the rows, which is the name of the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Blob => "blob",
            Kind::Manifest => "manifest",
            Kind::Project => "project",
            Kind::Repository => "repository",
            Kind::Tag => "tag",
        }
    }
}

impl FromValue for Kind {
    fn from_value(value: Value<'static>) -> Result<Kind, String> {
        let text = String::from_value(value)?;
        let known = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| format!("{text:?} is nothing that the journal tells of"))
    }
}

/// The key of a row.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// In which table.
    pub kind: Kind,
    /// The repository's id for manifests and tags, else 0.
    pub parent: i64,
    /// The digest, the tag, or the id in digits.
    pub name: String,
}

/// A key that has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whose.
    pub key: Key,
    /// How often it has changed since it was written last.
    pub generation: i64,
}

/// A row of `project`, as far as the journal tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// Its name.
    pub name: String,
    /// Whether everybody may pull from it.
    pub public: bool,
    /// Whether everybody who is signed in may.
    pub internal: bool,
    /// When it was made.
    pub created_at: Micros,
}

/// A row of `repository`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its whole name.
    pub name: String,
    /// When it was made.
    pub created_at: Micros,
}

/// A row of `blob`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Bytes.
    pub size: i64,
    /// Where they are.
    pub location: String,
    /// When they were recorded.
    pub created_at: Micros,
}

/// A row of `manifest`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// What it is served as.
    pub media_type: String,
    /// When it was pushed.
    pub pushed_at: Micros,
    /// By whom.
    pub pushed_by: String,
    /// Itself.
    pub bytes: Vec<u8>,
}

/// A row of `tag`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// What it points to.
    pub digest: String,
    /// Since when.
    pub updated_at: Micros,
    /// By whom.
    pub updated_by: String,
}

/// What stands under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing.
    Gone,
    /// This project.
    Project(Project),
    /// This repository.
    Repository(Repository),
    /// This blob.
    Blob(Blob),
    /// This manifest.
    Manifest(Manifest),
    /// This tag.
    Tag(Tag),
}

/// The setting that says which journal is being written.
const SETTING: &str = "journal";

/// Keys that have changed and are not written yet, blobs first: what they are needed for comes after them.
pub async fn pending(c: &mut Connection, limit: u32) -> Result<Vec<Change>> {
    c.query(&PENDING, &[limit.into()]).await
}

/// A page of all keys of a kind in their order, after one.
pub async fn all(c: &mut Connection, kind: Kind, after: &Key, limit: u32) -> Result<Vec<Key>> {
    let (id, parent) = (after.name.parse::<i64>().unwrap_or(0), after.parent);
    let name = after.name.as_str();
    match kind {
        Kind::Project => c.query(&ALL_PROJECTS, &[id.into(), limit.into()]).await,
        Kind::Repository => c.query(&ALL_REPOSITORIES, &[id.into(), limit.into()]).await,
        Kind::Blob => c.query(&ALL_BLOBS, &[name.into(), limit.into()]).await,
        Kind::Manifest => c.query(&ALL_MANIFESTS, &[parent.into(), name.into(), limit.into()]).await,
        Kind::Tag => c.query(&ALL_TAGS, &[parent.into(), name.into(), limit.into()]).await,
    }
}

/// What stands under the keys now, in their order; of the first of them only, once these are manifests of `most` bytes.
pub async fn read(c: &mut Connection, keys: &[Key], most: usize) -> Result<Vec<State>> {
    let mut blobs = read_blobs(c, keys).await?;
    let (mut states, mut bytes) = (Vec::with_capacity(keys.len()), 0);
    for key in keys {
        let state = match key.kind {
            Kind::Blob => blobs.remove(&key.name).map(State::Blob),
            _ => read_one(c, key).await?,
        };
        if let Some(State::Manifest(manifest)) = &state {
            bytes += manifest.bytes.len();
        }
        states.push(state.unwrap_or(State::Gone));
        if bytes >= most {
            break;
        }
    }
    Ok(states)
}

/// Blobs are most of what changes, and a collection takes them away by the thousand: one statement reads all.
async fn read_blobs(c: &mut Connection, keys: &[Key]) -> Result<HashMap<String, Blob>> {
    let digests: Vec<&str> =
        keys.iter().filter(|key| key.kind == Kind::Blob).map(|key| key.name.as_str()).collect();
    if digests.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<Digested> = c.query(&BLOBS, &[value::list(&digests)]).await?;
    Ok(found.into_iter().map(|Digested { digest, blob }| (digest, blob)).collect())
}

async fn read_one(c: &mut Connection, key: &Key) -> Result<Option<State>> {
    let (id, parent, name) = (key.name.parse::<i64>().unwrap_or(0), key.parent, key.name.as_str());
    Ok(match key.kind {
        Kind::Project => c.query_optional(&PROJECT, &[id.into()]).await?.map(State::Project),
        Kind::Repository => c.query_optional(&REPOSITORY, &[id.into()]).await?.map(State::Repository),
        Kind::Blob => None,
        Kind::Manifest => {
            c.query_optional(&MANIFEST, &[parent.into(), name.into()]).await?.map(State::Manifest)
        }
        Kind::Tag => c.query_optional(&TAG, &[parent.into(), name.into()]).await?.map(State::Tag),
    })
}

/// Says that changes are written. One that has changed again meanwhile stays, and so does one that somebody is changing:
/// it is written once more.
pub async fn written(c: &mut Connection, changes: &[Change]) -> Result<()> {
    let list: Vec<serde_json::Value> = changes
        .iter()
        .map(|Change { key, generation }| {
            serde_json::json!([key.kind.as_str(), key.parent, key.name, generation])
        })
        .collect();
    c.execute(&WRITTEN, &[serde_json::Value::Array(list).to_string().into()]).await.map(|_| ())
}

/// What is kept about the journal that is being written.
pub async fn find(c: &mut Connection) -> Result<Option<String>> {
    Ok(setting::find(c, SETTING).await?.filter(|text| !text.is_empty()))
}

/// Keeps it.
pub async fn keep(c: &mut Connection, text: &str) -> Result<()> {
    setting::put(c, SETTING, text).await
}

/// Has a new journal begun, because the rows are not those that the present one goes on from. It tells everything, so
/// what has changed need not be known.
pub async fn forget(c: &mut Connection) -> Result<()> {
    c.execute(&FORGET, &[]).await?;
    setting::put(c, SETTING, "").await
}

impl FromRow for Key {
    fn from_row(row: &mut Row) -> Result<Key> {
        Ok(Key { kind: row.take("kind")?, parent: row.take("parent")?, name: row.take("name")? })
    }
}

impl FromRow for Change {
    fn from_row(row: &mut Row) -> Result<Change> {
        Ok(Change { key: Key::from_row(row)?, generation: row.take("generation")? })
    }
}

impl FromRow for Project {
    fn from_row(row: &mut Row) -> Result<Project> {
        Ok(Project {
            name: row.take("name")?,
            public: row.take("public")?,
            internal: row.take("internal")?,
            created_at: row.take("created_at")?,
        })
    }
}

impl FromRow for Repository {
    fn from_row(row: &mut Row) -> Result<Repository> {
        Ok(Repository { name: row.take("name")?, created_at: row.take("created_at")? })
    }
}

impl FromRow for Blob {
    fn from_row(row: &mut Row) -> Result<Blob> {
        Ok(Blob {
            size: row.take("size")?,
            location: row.take("location")?,
            created_at: row.take("created_at")?,
        })
    }
}

/// A blob and its key.
struct Digested {
    digest: String,
    blob: Blob,
}

impl FromRow for Digested {
    fn from_row(row: &mut Row) -> Result<Digested> {
        Ok(Digested { digest: row.take("digest")?, blob: Blob::from_row(row)? })
    }
}

impl FromRow for Manifest {
    fn from_row(row: &mut Row) -> Result<Manifest> {
        Ok(Manifest {
            media_type: row.take("media_type")?,
            pushed_at: row.take("pushed_at")?,
            pushed_by: row.take("pushed_by")?,
            bytes: row.take("bytes")?,
        })
    }
}

impl FromRow for Tag {
    fn from_row(row: &mut Row) -> Result<Tag> {
        Ok(Tag {
            digest: row.take("digest")?,
            updated_at: row.take("updated_at")?,
            updated_by: row.take("updated_by")?,
        })
    }
}

statements! { "journal";
    PENDING = "SELECT kind, parent, name, generation FROM journal_change ORDER BY kind, parent, name LIMIT $1";
    ALL_PROJECTS = "SELECT 'project' AS kind, CAST(0 AS BIGINT) AS parent, CAST(id AS TEXT) AS name FROM project
        WHERE id > $1 ORDER BY id LIMIT $2";
    ALL_REPOSITORIES = "SELECT 'repository' AS kind, CAST(0 AS BIGINT) AS parent, CAST(id AS TEXT) AS name
        FROM repository WHERE id > $1 ORDER BY id LIMIT $2";
    ALL_BLOBS = "SELECT 'blob' AS kind, CAST(0 AS BIGINT) AS parent, digest AS name FROM blob
        WHERE digest > $1 ORDER BY digest LIMIT $2";
    ALL_MANIFESTS = "SELECT 'manifest' AS kind, repository_id AS parent, digest AS name FROM manifest
        WHERE (repository_id, digest) > ($1, $2) ORDER BY repository_id, digest LIMIT $3";
    ALL_TAGS = "SELECT 'tag' AS kind, repository_id AS parent, name FROM tag
        WHERE (repository_id, name) > ($1, $2) ORDER BY repository_id, name LIMIT $3";
    PROJECT = "SELECT name, public, internal, created_at FROM project WHERE id = $1";
    REPOSITORY = "SELECT name, created_at FROM repository WHERE id = $1";
    BLOBS = {
        sqlite: "SELECT digest, size, location, created_at FROM blob WHERE digest IN (SELECT value FROM json_each($1))",
        postgres: "SELECT digest, size, location, created_at FROM blob
            WHERE digest = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
    };
    MANIFEST = "SELECT media_type, pushed_at, pushed_by, bytes FROM manifest
        WHERE repository_id = $1 AND digest = $2";
    TAG = "SELECT digest, updated_at, updated_by FROM tag WHERE repository_id = $1 AND name = $2";
    FORGET = "DELETE FROM journal_change";
    WRITTEN = {
        sqlite: "DELETE FROM journal_change WHERE (kind, parent, name, generation) IN (
            SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($1))",
        postgres: "DELETE FROM journal_change WHERE (kind, parent, name) IN (
            SELECT j.kind, j.parent, j.name FROM journal_change j JOIN jsonb_array_elements($1::text::jsonb) w
                ON j.kind = w ->> 0 AND j.parent = CAST(w ->> 1 AS BIGINT) AND j.name = w ->> 2
                    AND j.generation = CAST(w ->> 3 AS BIGINT)
            FOR UPDATE OF j SKIP LOCKED)",
    };
}
