//! Artifacts: manifests as people see them, with what they are, how large, and when they were pulled.
//!
//! A list leaves out accessories (signatures and the like, which are shown with their subject) and the untagged parts
//! of an index (which are shown with the index), as Harbor does.

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;

use crate::database::connection::Connection;
use crate::database::statement::{now, statements};
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::{Micros, ProjectId, RepositoryId};

macro_rules! select {
    () => {
        "SELECT a.id, a.project_id, a.repository_id, r.name, a.digest, a.kind, a.media_type, a.artifact_type, a.size,
            a.subject, a.accessory, a.pushed_at, a.pulled_at, a.detail, m.media_type AS manifest_media_type,
            m.annotations "
    };
}

/// The manifest and the repository are looked up for the rows that are shown; SQLite keeps the order of CROSS JOIN.
macro_rules! joined {
    () => {
        "FROM artifact a CROSS JOIN manifest m CROSS JOIN repository r
        WHERE m.repository_id = a.repository_id AND m.digest = a.digest AND r.id = a.repository_id AND "
    };
}

mod beside;
mod list;

pub use self::beside::{
    AccessoryOf, PartOf, TagOf, accessories_of, count_accessories, list_accessories, parts_of, tags_of,
};
pub use self::list::{Filter, Key, Order, Place, Span, Tagged, count, list};
#[cfg(test)]
pub(crate) use self::{beside::STATEMENTS as BESIDE, list::STATEMENTS as LIST};

/// A row of `artifact`, with what its manifest and its repository say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: i64,
    /// Its project.
    pub project_id: ProjectId,
    /// Its repository.
    pub repository_id: RepositoryId,
    /// Its repository's whole name.
    pub repository: RepositoryName,
    /// The digest of the manifest.
    pub digest: Digest,
    /// What it is, and what it is about.
    pub about: About,
    /// When the manifest was first pushed here.
    pub pushed_at: Micros,
    /// When it was pulled last; 0 for never.
    pub pulled_at: Micros,
    /// What its config says (JSON); none until somebody has looked.
    pub detail: Option<String>,
    /// What the manifest is served as.
    pub manifest_media_type: String,
    /// The manifest's annotations as a JSON object.
    pub annotations_json: String,
}

/// What a manifest is to those who look at it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// `IMAGE`, `CHART` …; empty where nobody has looked yet.
    pub kind: String,
    /// The media type of its config, or of the index.
    pub media_type: String,
    /// Its type for the referrers API; empty for an index without one.
    pub artifact_type: String,
    /// Bytes of the manifest and all that it needs; of a new index without its parts, which are counted when it is
    /// inserted.
    pub size: u64,
    /// What it belongs to.
    pub accessory: Option<Accessory>,
}

/// What an accessory belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accessory {
    /// The digest of its subject, which need not exist.
    pub subject: Digest,
    /// Harbor's word for what it is: `signature.cosign`, `subject.accessory` …
    pub kind: String,
}

/// An artifact that no tag leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untagged {
    /// Its id; what was pushed later has a higher one.
    pub id: i64,
    /// Its repository.
    pub repository_id: RepositoryId,
    /// Its repository's whole name.
    pub repository: RepositoryName,
    /// The digest of its manifest.
    pub digest: Digest,
    /// Bytes of the manifest and all that it needs.
    pub size: u64,
    /// Its subject, which is gone.
    pub subject: Option<Digest>,
    /// Since when: when it was pushed, told of, pulled, or when it lost a tag, whatever was last.
    pub since: Micros,
}

/// Writes down what a manifest is that has just been inserted with its references. One that is there already may
/// become an accessory, when an older client tags it as one.
pub(crate) async fn insert(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    about: &About,
    now: Micros,
) -> Result<()> {
    let accessory = about.accessory.as_ref();
    let arguments = [
        repository_id.into(),
        digest.into(),
        (&about.kind).into(),
        (&about.media_type).into(),
        (&about.artifact_type).into(),
        about.size.into(),
        accessory.map(|accessory| accessory.subject.to_string()).into(),
        accessory.map(|accessory| accessory.kind.as_str()).into(),
        now.into(),
    ];
    c.execute(&INSERT, &arguments).await.map(|_| ())
}

/// Notes that a client is told now that the manifest is there, or that a tag leads to it no more.
pub async fn touch(c: &mut Connection, repository_id: RepositoryId, digest: &Digest) -> Result<bool> {
    c.changes(&TOUCH, &[repository_id.into(), digest.into()]).await
}

/// Notes the same for the parts of an index that is about to be deleted: who was told while the index needed them was
/// promised as much.
pub(crate) async fn touch_parts(
    c: &mut Connection,
    repository_id: RepositoryId,
    index: &Digest,
) -> Result<()> {
    c.execute(&TOUCH_PARTS, &[repository_id.into(), index.into()]).await.map(|_| ())
}

/// When a client was told last that the manifest is there, if neither a tag nor an index keeps it.
pub async fn find_touched(
    c: &mut Connection,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<(RepositoryId, Micros)>> {
    let found: Option<Touched> = c.query_optional(&FIND_TOUCHED, &[repository.into(), digest.into()]).await?;
    Ok(found.map(|found| (found.repository_id, found.at)))
}

/// The highest id of the `count` artifacts behind the one with the id `after`. None if there are fewer.
pub async fn find_end(c: &mut Connection, after: i64, count: u32) -> Result<Option<i64>> {
    c.query_optional(&FIND_END, &[after.into(), count.saturating_sub(1).into()]).await
}

/// Of the `count` artifacts behind the one with the id `after` those that have no tag, are no part of an index, and
/// belong to nothing that is there, all since before `before`.
pub async fn list_untagged(
    c: &mut Connection,
    after: i64,
    count: u32,
    before: Micros,
) -> Result<Vec<Untagged>> {
    c.query(&LIST_UNTAGGED, &[after.into(), count.into(), before.into()]).await
}

/// The artifact of this digest in the repository, an accessory or a part of an index too.
pub async fn find(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
) -> Result<Option<Artifact>> {
    c.query_optional(&FIND, &[repository_id.into(), digest.into()]).await
}

/// Keeps what a config says, and what the manifest is, for rows from before that was written down.
pub async fn update_about(c: &mut Connection, id: i64, about: &About, detail: &str) -> Result<bool> {
    let arguments = [
        id.into(),
        (&about.kind).into(),
        (&about.media_type).into(),
        (&about.artifact_type).into(),
        about.size.into(),
        detail.into(),
    ];
    c.changes(&UPDATE_ABOUT, &arguments).await
}

/// Adds pulls to a manifest of this repository; nothing if either is gone.
pub async fn add_pulls(
    c: &mut Connection,
    repository: &RepositoryName,
    digest: &Digest,
    pulls: u64,
    at: Micros,
) -> Result<()> {
    let arguments = [repository.into(), digest.into(), pulls.into(), at.into()];
    c.execute(&ADD_PULLS, &arguments).await.map(|_| ())
}

impl FromRow for Artifact {
    fn from_row(row: &mut Row) -> Result<Artifact> {
        Ok(Artifact {
            id: row.take("id")?,
            project_id: row.take("project_id")?,
            repository_id: row.take("repository_id")?,
            repository: row.take("name")?,
            digest: row.take("digest")?,
            about: About {
                kind: row.take("kind")?,
                media_type: row.take("media_type")?,
                artifact_type: row.take("artifact_type")?,
                size: row.take("size")?,
                accessory: {
                    let (subject, kind) = (row.take("subject")?, row.take::<Option<String>>("accessory")?);
                    let of = |subject| Accessory { subject, kind: kind.unwrap_or_default() };
                    Option::map(subject, of)
                },
            },
            pushed_at: row.take("pushed_at")?,
            pulled_at: row.take("pulled_at")?,
            detail: row.take("detail")?,
            manifest_media_type: row.take("manifest_media_type")?,
            annotations_json: row.take("annotations")?,
        })
    }
}

/// A row of [`find_touched`].
struct Touched {
    repository_id: RepositoryId,
    at: Micros,
}

impl FromRow for Touched {
    fn from_row(row: &mut Row) -> Result<Touched> {
        Ok(Touched { repository_id: row.take("repository_id")?, at: row.take("touched_at")? })
    }
}

impl FromRow for Untagged {
    fn from_row(row: &mut Row) -> Result<Untagged> {
        Ok(Untagged {
            id: row.take("id")?,
            repository_id: row.take("repository_id")?,
            repository: row.take("name")?,
            digest: row.take("digest")?,
            size: row.take("size")?,
            subject: row.take("subject")?,
            since: row.take("since")?,
        })
    }
}

/// What an index names is a part of it, also where the index is of a kind that we do not know.
macro_rules! untagged {
    ($greatest:literal) => {
        concat!(
            "SELECT a.id, a.repository_id, r.name, a.digest, a.size, a.subject, ",
            $greatest,
            "(a.pushed_at, a.pulled_at, a.touched_at) AS since
            FROM (SELECT id, repository_id, digest, size, subject, pushed_at, pulled_at, touched_at FROM artifact
                WHERE id > $1 ORDER BY id LIMIT $2) a
            JOIN repository r ON r.id = a.repository_id
            WHERE a.pushed_at < $3 AND a.pulled_at < $3 AND a.touched_at < $3
                AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = a.repository_id AND t.digest = a.digest)
                AND NOT EXISTS (SELECT 1 FROM manifest_reference p
                    WHERE p.repository_id = a.repository_id AND p.digest = a.digest)
                AND NOT EXISTS (SELECT 1 FROM manifest s
                    WHERE s.repository_id = a.repository_id AND s.digest = a.subject)"
        )
    };
}

statements! { "artifact";
    INSERT = "INSERT INTO artifact (project_id, repository_id, digest, kind, media_type, artifact_type, size, subject,
            accessory, pushed_at)
        SELECT r.project_id, r.id, $2, $3, $4, $5, CAST($6 AS BIGINT) + COALESCE((SELECT CAST(SUM(c.size) AS BIGINT)
                FROM manifest_reference p JOIN artifact c ON c.repository_id = p.repository_id AND c.digest = p.digest
                WHERE p.repository_id = $1 AND p.manifest = $2 AND p.kind = 'manifest'), 0), $7, $8, $9
        FROM repository r WHERE r.id = $1
        ON CONFLICT (repository_id, digest) DO UPDATE SET subject = excluded.subject, accessory = excluded.accessory
            WHERE artifact.subject IS NULL AND excluded.subject IS NOT NULL";
    TOUCH = {
        sqlite: ("UPDATE artifact SET touched_at = ", now!(sqlite), " WHERE repository_id = $1 AND digest = $2"),
        postgres: ("UPDATE artifact SET touched_at = ", now!(postgres), " WHERE repository_id = $1 AND digest = $2"),
    };
    TOUCH_PARTS = {
        sqlite: ("UPDATE artifact SET touched_at = ", now!(sqlite), " WHERE repository_id = $1 AND digest IN
            (SELECT p.digest FROM manifest_reference p
                WHERE p.repository_id = $1 AND p.manifest = $2 AND p.kind = 'manifest')"),
        postgres: ("UPDATE artifact SET touched_at = ", now!(postgres), " WHERE repository_id = $1 AND digest = ANY (ARRAY(
            SELECT a.digest FROM artifact a WHERE a.repository_id = $1 AND a.digest IN
                (SELECT p.digest FROM manifest_reference p
                    WHERE p.repository_id = $1 AND p.manifest = $2 AND p.kind = 'manifest')
            ORDER BY a.digest FOR NO KEY UPDATE))"),
    };
    FIND_TOUCHED = "SELECT a.repository_id, a.touched_at FROM repository r JOIN artifact a ON a.repository_id = r.id
        WHERE r.name = $1 AND a.digest = $2
            AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = a.repository_id AND t.digest = a.digest)
            AND NOT EXISTS (SELECT 1 FROM manifest_reference p
                WHERE p.repository_id = a.repository_id AND p.digest = a.digest)";
    FIND_END = "SELECT id AS value FROM artifact WHERE id > $1 ORDER BY id LIMIT 1 OFFSET $2";
    LIST_UNTAGGED = {
        sqlite: (untagged!("MAX"), " ORDER BY a.id"),
        postgres: (untagged!("GREATEST"), " ORDER BY a.id"),
    };
    FIND = (select!(), joined!(), "a.repository_id = $1 AND a.digest = $2");
    UPDATE_ABOUT = "UPDATE artifact SET kind = $2, media_type = $3, artifact_type = $4, size = $5, detail = $6
        WHERE id = $1";
    ADD_PULLS = "UPDATE artifact SET pulls = pulls + $3, pulled_at = CASE WHEN pulled_at < $4 THEN $4 ELSE pulled_at END
        WHERE repository_id = (SELECT r.id FROM repository r WHERE r.name = $1) AND digest = $2";
}
