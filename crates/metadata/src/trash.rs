//! Trash: what was deleted and can come back, until it expires.
//!
//! A row is made in the transaction that deletes, by the functions that delete: a caller cannot forget it. The rows of
//! `trash_blob` keep the bytes, as links do for what lives.

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, FromValue, Json, Row, Value, list as list_of};
use crate::error::Result;
use crate::ids::{Micros, ProjectId, RepositoryId};

/// Tags of one entry that a list shows.
const TAGS_SHOWN: u32 = 100;

/// An act of deleting. All that it deletes can come back together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Names the act; every act has its own.
    pub id: String,
    /// When.
    pub at: Micros,
    /// Who.
    pub by: String,
    /// Why.
    pub why: Why,
    /// Until when it can be undone; none where nothing is kept.
    pub keep_until: Option<Micros>,
}

/// What deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody deleted a tag.
    Tag,
    /// Somebody deleted an artifact.
    Artifact,
    /// Somebody deleted the repository.
    Repository,
    /// A rule of retention did.
    Retention,
    /// Garbage collection found an artifact that no tag leads to.
    Untagged,
}

impl Why {
    const ALL: [Why; 5] = [Why::Tag, Why::Artifact, Why::Repository, Why::Retention, Why::Untagged];

    /// `tag`, `artifact`, `repository`, `retention` or `untagged`.
    pub fn as_str(self) -> &'static str {
        match self {
            Why::Tag => "tag",
            Why::Artifact => "artifact",
            Why::Repository => "repository",
            Why::Retention => "retention",
            Why::Untagged => "untagged",
        }
    }
}

/// What is in the trash, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trashed {
    /// Its id; what was deleted later has a higher one.
    pub id: i64,
    /// The act that deleted it.
    pub deletion: String,
    /// The project that it was in; it may be gone.
    pub project_id: ProjectId,
    /// The repository that it was in; it may be gone.
    pub repository: RepositoryName,
    /// The digest of the manifest.
    pub digest: Digest,
    /// What the manifest was served as.
    pub media_type: String,
    /// `IMAGE`, `CHART` …
    pub kind: String,
    /// Bytes of the manifest and all that it needs.
    pub size: u64,
    /// Whether only the tag was deleted and the manifest was left.
    pub tag_only: bool,
    /// When the manifest was first pushed.
    pub pushed_at: Micros,
    /// When it was deleted.
    pub deleted_at: Micros,
    /// Who deleted it.
    pub deleted_by: String,
    /// Why.
    pub why: Why,
    /// When it goes for good.
    pub expires_at: Micros,
    /// Tags that pointed to it, sorted, the first 100.
    pub tags: Vec<String>,
}

/// All that it takes to put a manifest or a tag back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its id in the trash.
    pub id: i64,
    /// The digest of the manifest.
    pub digest: Digest,
    /// What to serve the manifest as.
    pub media_type: String,
    /// What it belonged to, and as what.
    pub accessory: Option<(Digest, String)>,
    /// When it was first pushed.
    pub pushed_at: Micros,
    /// Who pushed it.
    pub pushed_by: String,
    /// When it was pulled last.
    pub pulled_at: Micros,
    /// How often it was pulled.
    pub pulls: u64,
    /// Ids of its labels.
    pub labels: Vec<i64>,
    /// The manifest, as it was pushed; none where only a tag was deleted.
    pub bytes: Option<Vec<u8>>,
    /// The tags that pointed to it.
    pub tags: Vec<String>,
}

/// Which part of the trash is meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// Of this repository.
    pub repository: Option<RepositoryName>,
    /// Of this act.
    pub deletion: Option<String>,
}

/// Keeps a manifest that the caller has locked and is about to delete, with its tags; what it needs stays linked for a
/// while for those who were told that it is there.
pub(crate) async fn put_manifest(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    deletion: &Deletion,
) -> Result<()> {
    crate::blob::touch_needed(c, repository_id, digest).await?;
    crate::artifact::touch_parts(c, repository_id, digest).await?;
    put_manifests(c, repository_id, &[*digest], deletion).await
}

/// Keeps manifests, with their tags, that the caller has locked and is about to delete.
pub(crate) async fn put_manifests(
    c: &mut Connection,
    repository_id: RepositoryId,
    digests: &[Digest],
    deletion: &Deletion,
) -> Result<()> {
    let Some(keep_until) = deletion.keep_until else { return Ok(()) };
    let mut arguments = deletion.arguments(keep_until, repository_id);
    arguments.push(list_of(digests));
    let ids: Vec<i64> = c.query(&PUT_MANIFESTS, &arguments).await?;
    let of_these = [repository_id.into(), list_of(&ids)];
    c.execute(&PUT_TAGS, &of_these).await?;
    c.execute(&PUT_BLOBS, &of_these).await.map(|_| ())
}

/// Keeps a tag that is about to be deleted while what it points to stays.
pub(crate) async fn put_tag(
    c: &mut Connection,
    repository_id: RepositoryId,
    tag: &str,
    digest: &Digest,
    deletion: &Deletion,
) -> Result<()> {
    let Some(keep_until) = deletion.keep_until else { return Ok(()) };
    let mut arguments = deletion.arguments(keep_until, repository_id);
    arguments.push(digest.into());
    let Some(id) = c.query_optional::<i64>(&PUT_TAG_ONLY, &arguments).await? else { return Ok(()) };
    c.execute(&PUT_NAME, &[id.into(), tag.into()]).await.map(|_| ())
}

/// A page of what is in the trash, what was deleted last first, before the entry `before`.
pub async fn list(
    c: &mut Connection,
    filter: &Filter,
    before: Option<i64>,
    skip: u32,
    limit: u32,
) -> Result<Vec<Trashed>> {
    let mut arguments = filter.arguments();
    arguments.extend([before.unwrap_or(i64::MAX).into(), TAGS_SHOWN.into(), limit.into(), skip.into()]);
    let statement = match filter {
        Filter { repository: Some(_), .. } => &LIST_OF_REPOSITORY,
        Filter { project_id: Some(_), .. } => &LIST_OF_PROJECT,
        Filter { .. } => &LIST,
    };
    c.query(statement, &arguments).await
}

/// How many entries there are, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    let mut arguments = filter.arguments();
    arguments.push(most.into());
    c.query_one(&COUNT, &arguments).await
}

/// The entry of the repository that was deleted last with this tag.
pub async fn find_by_tag(c: &mut Connection, filter: &Filter, tag: &Tag) -> Result<Option<i64>> {
    let mut arguments = filter.arguments();
    arguments.push(tag.into());
    c.query_optional(&FIND_BY_TAG, &arguments).await
}

/// The entry of the repository that holds the manifest of this digest, the one deleted last.
pub async fn find_by_digest(c: &mut Connection, filter: &Filter, digest: &Digest) -> Result<Option<i64>> {
    let mut arguments = filter.arguments();
    arguments.push(digest.into());
    c.query_optional(&FIND_BY_DIGEST, &arguments).await
}

/// Entries that hold manifests which belonged to this one, by the filter, what was deleted last first.
pub async fn list_accessories(
    c: &mut Connection,
    filter: &Filter,
    subject: &Digest,
    limit: u32,
) -> Result<Vec<i64>> {
    let mut arguments = filter.arguments();
    arguments.extend([subject.into(), limit.into()]);
    c.query(&LIST_ACCESSORIES, &arguments).await
}

/// Takes an entry out to put it back: it is locked until the transaction ends. None if it is gone.
pub async fn take(c: &mut Connection, id: i64) -> Result<Option<Kept>> {
    c.query_optional(&TAKE, &[id.into()]).await
}

/// Blobs that an entry keeps.
pub async fn blobs_of(c: &mut Connection, id: i64) -> Result<Vec<Digest>> {
    c.query(&BLOBS_OF, &[id.into()]).await
}

/// Takes an entry away for good; false if it is gone.
pub async fn delete(c: &mut Connection, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[id.into()]).await
}

/// Takes entries away that expired before `before`, `limit` at most; returns how many. Those that somebody is putting back
/// right now are left.
pub async fn delete_expired(c: &mut Connection, filter: &Filter, before: Micros, limit: u32) -> Result<u64> {
    let mut arguments = filter.arguments();
    arguments.extend([before.into(), limit.into()]);
    c.execute(&DELETE_EXPIRED, &arguments).await
}

impl Deletion {
    /// `$1` to `$6` of the statements that put something into the trash.
    fn arguments(&self, keep_until: Micros, repository_id: RepositoryId) -> Vec<Value<'_>> {
        vec![
            (&self.id).into(),
            self.at.into(),
            (&self.by).into(),
            self.why.as_str().into(),
            keep_until.into(),
            repository_id.into(),
        ]
    }
}

impl Filter {
    /// `$1` to `$3`.
    fn arguments(&self) -> Vec<Value<'_>> {
        vec![self.project_id.into(), self.repository.as_ref().into(), self.deletion.as_ref().into()]
    }
}

impl FromValue for Why {
    fn from_value(value: Value<'static>) -> Result<Why, String> {
        let word = String::from_value(value)?;
        let known = Why::ALL.into_iter().find(|why| why.as_str() == word);
        known.ok_or_else(|| format!("{word:?} is no reason to delete"))
    }
}

impl FromRow for Trashed {
    fn from_row(row: &mut Row) -> Result<Trashed> {
        Ok(Trashed {
            id: row.take("id")?,
            deletion: row.take("deletion")?,
            project_id: row.take("project_id")?,
            repository: row.take("repository")?,
            digest: row.take("digest")?,
            media_type: row.take("media_type")?,
            kind: row.take("kind")?,
            size: row.take("size")?,
            tag_only: row.take("tag_only")?,
            pushed_at: row.take("pushed_at")?,
            deleted_at: row.take("deleted_at")?,
            deleted_by: row.take("deleted_by")?,
            why: row.take("why")?,
            expires_at: row.take("expires_at")?,
            tags: row.take::<Json<_>>("tags")?.0,
        })
    }
}

impl FromRow for Kept {
    fn from_row(row: &mut Row) -> Result<Kept> {
        Ok(Kept {
            id: row.take("id")?,
            digest: row.take("digest")?,
            media_type: row.take("media_type")?,
            accessory: {
                let (subject, kind) = (row.take("subject")?, row.take::<Option<String>>("accessory")?);
                Option::zip(subject, kind)
            },
            pushed_at: row.take("pushed_at")?,
            pushed_by: row.take("pushed_by")?,
            pulled_at: row.take("pulled_at")?,
            pulls: row.take("pulls")?,
            labels: row.take::<Json<_>>("labels")?.0,
            bytes: row.take("bytes")?,
            tags: row.take::<Json<_>>("tags")?.0,
        })
    }
}

/// All columns but the id, in the order of [`keep`].
macro_rules! put {
    () => {
        "INSERT INTO trash (deletion, deleted_at, deleted_by, why, expires_at, project_id, repository, digest, media_type,
            kind, size, subject, accessory, pushed_at, pushed_by, pulled_at, pulls, labels, bytes)
        SELECT $1, $2, $3, $4, $5, r.project_id, r.name, m.digest, m.media_type, COALESCE(a.kind, ''),
            COALESCE(a.size, m.size), a.subject, a.accessory, m.pushed_at, m.pushed_by, COALESCE(a.pulled_at, 0),
            COALESCE(a.pulls, 0), "
    };
}

macro_rules! labels {
    (sqlite) => {
        "(SELECT json_group_array(l.label_id) FROM artifact_label l
            WHERE l.repository_id = m.repository_id AND l.digest = m.digest), "
    };
    (postgres) => {
        "(SELECT COALESCE(jsonb_agg(l.label_id), '[]')::text FROM artifact_label l
            WHERE l.repository_id = m.repository_id AND l.digest = m.digest), "
    };
}

macro_rules! of_repository {
    () => {
        " FROM manifest m JOIN repository r ON r.id = m.repository_id
            LEFT JOIN artifact a ON a.repository_id = m.repository_id AND a.digest = m.digest
        WHERE m.repository_id = $6"
    };
}

macro_rules! one {
    () => {
        " AND m.digest = $7 RETURNING id AS value"
    };
}

macro_rules! these {
    (sqlite) => {
        " AND m.digest IN (SELECT value FROM json_each($7)) RETURNING id AS value"
    };
    (postgres) => {
        " AND m.digest = ANY (ARRAY(SELECT jsonb_array_elements_text($7::text::jsonb))) RETURNING id AS value"
    };
}

macro_rules! listed {
    (sqlite) => {
        "t.id IN (SELECT value FROM json_each($2))"
    };
    (postgres) => {
        "t.id = ANY (ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb)::bigint))"
    };
}

macro_rules! put_tags {
    () => {
        "INSERT INTO trash_tag (trash_id, name)
        SELECT t.id, g.name FROM trash t JOIN tag g ON g.repository_id = $1 AND g.digest = t.digest WHERE "
    };
}

macro_rules! put_blobs {
    () => {
        "INSERT INTO trash_blob (trash_id, digest)
        SELECT t.id, p.digest FROM trash t
            JOIN manifest_reference p ON p.repository_id = $1 AND p.manifest = t.digest AND p.kind <> 'manifest'
        WHERE EXISTS (SELECT 1 FROM repository_blob l WHERE l.repository_id = $1 AND l.digest = p.digest) AND "
    };
}

macro_rules! filter {
    () => {
        "(CAST($1 AS BIGINT) IS NULL OR t.project_id = $1)
            AND (CAST($2 AS TEXT) IS NULL OR t.repository = $2)
            AND (CAST($3 AS TEXT) IS NULL OR t.deletion = $3)"
    };
}

macro_rules! select {
    () => {
        "SELECT t.id, t.deletion, t.project_id, t.repository, t.digest, t.media_type, t.kind, t.size,
            t.bytes IS NULL AS tag_only, t.pushed_at, t.deleted_at, t.deleted_by, t.why, t.expires_at, "
    };
}

macro_rules! tags {
    (sqlite) => {
        "(SELECT json_group_array(g.name) FROM (SELECT name FROM trash_tag WHERE trash_id = t.id
            ORDER BY name LIMIT $5) g) AS tags "
    };
    (postgres) => {
        "(SELECT COALESCE(jsonb_agg(g.name ORDER BY g.name), '[]')::text
            FROM (SELECT name FROM trash_tag WHERE trash_id = t.id ORDER BY name LIMIT $5) g) AS tags "
    };
}

/// Each list has its index: the condition stands there twice, once as the index wants it.
macro_rules! page {
    () => {
        " AND t.id < $4 ORDER BY t.id DESC LIMIT $6 OFFSET $7"
    };
}

macro_rules! kept {
    () => {
        "SELECT t.id, t.digest, t.media_type, t.subject, t.accessory, t.pushed_at, t.pushed_by, t.pulled_at, t.pulls,
            t.labels, t.bytes, "
    };
}

statements! { "trash";
    PUT_MANIFESTS = {
        sqlite: (put!(), labels!(sqlite), "m.bytes", of_repository!(), these!(sqlite)),
        postgres: (put!(), labels!(postgres), "m.bytes", of_repository!(), these!(postgres)),
    };
    PUT_TAG_ONLY = (put!(), "'[]', NULL", of_repository!(), one!());
    PUT_TAGS = {
        sqlite: (put_tags!(), listed!(sqlite)),
        postgres: (put_tags!(), listed!(postgres)),
    };
    // A manifest may need one blob twice.
    PUT_BLOBS = {
        sqlite: (put_blobs!(), listed!(sqlite), " ON CONFLICT DO NOTHING"),
        postgres: (put_blobs!(), listed!(postgres), " ON CONFLICT DO NOTHING"),
    };
    PUT_NAME = "INSERT INTO trash_tag (trash_id, name) VALUES ($1, $2)";
    LIST = {
        sqlite: (select!(), tags!(sqlite), "FROM trash t WHERE ", filter!(), page!()),
        postgres: (select!(), tags!(postgres), "FROM trash t WHERE ", filter!(), page!()),
    };
    LIST_OF_PROJECT = {
        sqlite: (select!(), tags!(sqlite), "FROM trash t WHERE t.project_id = $1 AND ", filter!(), page!()),
        postgres: (select!(), tags!(postgres), "FROM trash t WHERE t.project_id = $1 AND ", filter!(), page!()),
    };
    LIST_OF_REPOSITORY = {
        sqlite: (select!(), tags!(sqlite), "FROM trash t WHERE t.repository = $2 AND ", filter!(), page!()),
        postgres: (select!(), tags!(postgres), "FROM trash t WHERE t.repository = $2 AND ", filter!(), page!()),
    };
    COUNT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM trash t WHERE ", filter!(), " LIMIT $4) counted");
    FIND_BY_TAG = ("SELECT t.id AS value FROM trash t JOIN trash_tag g ON g.trash_id = t.id AND g.name = $4
        WHERE t.repository = $2 AND ", filter!(), " ORDER BY t.id DESC LIMIT 1");
    FIND_BY_DIGEST = ("SELECT t.id AS value FROM trash t
        WHERE t.repository = $2 AND t.digest = $4 AND t.bytes IS NOT NULL AND ", filter!(), " ORDER BY t.id DESC LIMIT 1");
    LIST_ACCESSORIES = ("SELECT t.id AS value FROM trash t
        WHERE t.repository = $2 AND t.subject = $4 AND t.bytes IS NOT NULL AND ", filter!(), " ORDER BY t.id DESC LIMIT $5");
    TAKE = {
        sqlite: (kept!(), "(SELECT json_group_array(g.name) FROM trash_tag g WHERE g.trash_id = t.id) AS tags
            FROM trash t WHERE t.id = $1"),
        postgres: (kept!(), "(SELECT COALESCE(jsonb_agg(g.name), '[]')::text FROM trash_tag g
                WHERE g.trash_id = t.id) AS tags
            FROM trash t WHERE t.id = $1 FOR UPDATE"),
    };
    BLOBS_OF = "SELECT digest AS value FROM trash_blob WHERE trash_id = $1 ORDER BY digest";
    DELETE = "DELETE FROM trash WHERE id = $1";
    DELETE_EXPIRED = {
        sqlite: ("DELETE FROM trash WHERE id IN (SELECT t.id FROM trash t WHERE ", filter!(),
            " AND t.expires_at < $4 ORDER BY t.expires_at, t.id LIMIT $5)"),
        postgres: ("DELETE FROM trash WHERE id = ANY (ARRAY(SELECT t.id FROM trash t WHERE ", filter!(),
            " AND t.expires_at < $4 ORDER BY t.expires_at, t.id LIMIT $5 FOR UPDATE SKIP LOCKED))"),
    };
}
