//! Artifacts: manifests as people see them, with what they are, how large, and when they were pulled.
//!
//! A list leaves out accessories (signatures and the like, which are shown with their subject) and the untagged parts
//! of an index (which are shown with the index), as Harbor does.

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;

use crate::database::connection::Connection;
use crate::database::statement::{now, statements};
use crate::database::value::{self, FromRow, Row, Value, pattern};
use crate::error::Result;
use crate::ids::{Micros, ProjectId, RepositoryId};
use crate::window::Window;

/// Tags, labels, accessories or parts of all artifacts of one page that are read.
const MOST_PARTS: u32 = 20_000;

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

/// Where artifacts are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In one repository.
    Repository(RepositoryId),
    /// In all repositories of a project.
    Project(ProjectId),
}

/// From and to, both included.
pub type Span = (Option<Micros>, Option<Micros>);

/// Which artifacts to list; the default is all that are shown at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// By their tags.
    pub tags: Tagged,
    /// Only these, the newest first; in a repository only.
    pub digests: Option<Vec<Digest>>,
    /// Those with all of these labels.
    pub labels: Vec<i64>,
    /// `IMAGE` and so on.
    pub kind: Option<String>,
    /// As in [`About`].
    pub media_type: Option<String>,
    /// As in [`About`].
    pub artifact_type: Option<String>,
    /// When they were pushed.
    pub pushed: Span,
    /// When they were pulled last.
    pub pulled: Span,
    /// The untagged parts of indexes too.
    pub with_parts: bool,
    /// Of each repository only the newest that the types let through.
    pub newest_only: bool,
}

/// Artifacts by their tags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tagged {
    /// With tags or without.
    #[default]
    Any,
    /// With a tag.
    Some,
    /// Without one.
    None,
    /// With this tag.
    Whole(String),
    /// With a tag that holds this, in any case.
    Part(String),
}

/// The order of a list. The first two have keys to go on from; the others are paged by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The one pushed last first.
    #[default]
    Newest,
    /// The one pushed first first.
    Oldest,
    /// The one pulled last first.
    LastPulled,
    /// Those never pulled first.
    FirstPulled,
    /// The largest first.
    Largest,
    /// The smallest first.
    Smallest,
}

/// Behind which row a list goes on: when that was pushed, and its id.
pub type Key = (Micros, i64);

/// A tag of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagOf {
    /// The artifact.
    pub artifact_id: i64,
    /// The tag.
    pub name: String,
    /// When it was made to point to the artifact.
    pub pushed_at: Micros,
    /// When it was pulled last; 0 for never.
    pub pulled_at: Micros,
}

/// An artifact that belongs to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessoryOf {
    /// What it belongs to.
    pub subject_id: i64,
    /// Its own id.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
    /// Harbor's word for what it is.
    pub kind: String,
    /// Bytes.
    pub size: u64,
    /// When it was pushed.
    pub pushed_at: Micros,
}

/// A part of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartOf {
    /// The index.
    pub index_id: i64,
    /// The part.
    pub id: i64,
    /// Its digest.
    pub digest: Digest,
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

/// A page of artifacts. The key is of use for [`Order::Newest`] and [`Order::Oldest`] only.
pub async fn list(
    c: &mut Connection,
    place: Place,
    filter: &Filter,
    order: Order,
    window: Window<Option<Key>>,
) -> Result<Vec<Artifact>> {
    let few = filter.digests.as_ref().filter(|_| matches!(place, Place::Repository(_)));
    let backwards = few.is_some() || order == Order::Newest;
    let (at, id) = filter.begin(backwards, window.after);
    let mut arguments = filter.arguments(place);
    arguments.extend([at.into(), id.into(), window.limit.into(), window.skip.into()]);
    if let Some(digests) = few {
        arguments.push(value::list(digests));
        return c.query(&LIST_OF_DIGESTS, &arguments).await;
    }
    let statement = match (place, order) {
        (Place::Repository(_), Order::Newest) => &LIST_NEWEST,
        (Place::Repository(_), Order::Oldest) => &LIST_OLDEST,
        (Place::Repository(_), Order::LastPulled) => &LIST_LAST_PULLED,
        (Place::Repository(_), Order::FirstPulled) => &LIST_FIRST_PULLED,
        (Place::Repository(_), Order::Largest) => &LIST_LARGEST,
        (Place::Repository(_), Order::Smallest) => &LIST_SMALLEST,
        (Place::Project(_), Order::Newest) => &LIST_NEWEST_OF_PROJECT,
        (Place::Project(_), Order::Oldest) => &LIST_OLDEST_OF_PROJECT,
        (Place::Project(_), Order::LastPulled) => &LIST_LAST_PULLED_OF_PROJECT,
        (Place::Project(_), Order::FirstPulled) => &LIST_FIRST_PULLED_OF_PROJECT,
        (Place::Project(_), Order::Largest) => &LIST_LARGEST_OF_PROJECT,
        (Place::Project(_), Order::Smallest) => &LIST_SMALLEST_OF_PROJECT,
    };
    c.query(statement, &arguments).await
}

/// How many artifacts the filter lets through, counted up to `most`. Digests are not looked at: whoever names them
/// knows how many they are.
pub async fn count(c: &mut Connection, place: Place, filter: &Filter, most: i64) -> Result<i64> {
    let mut arguments = filter.arguments(place);
    arguments.push(most.into());
    let statement = match place {
        Place::Repository(_) => &COUNT,
        Place::Project(_) => &COUNT_OF_PROJECT,
    };
    c.query_one(statement, &arguments).await
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

/// The tags of these artifacts, by artifact, in the order of their names.
pub async fn tags_of(c: &mut Connection, artifacts: &[i64]) -> Result<Vec<TagOf>> {
    let mut tags: Vec<TagOf> = c.query(&TAGS_OF, &[value::list(artifacts), MOST_PARTS.into()]).await?;
    tags.sort_by(|one, other| (one.artifact_id, &one.name).cmp(&(other.artifact_id, &other.name)));
    Ok(tags)
}

/// The accessories of these artifacts, by artifact, in the order of their arrival.
pub async fn accessories_of(c: &mut Connection, artifacts: &[i64]) -> Result<Vec<AccessoryOf>> {
    let arguments = [value::list(artifacts), MOST_PARTS.into()];
    let mut accessories: Vec<AccessoryOf> = c.query(&ACCESSORIES_OF, &arguments).await?;
    accessories.sort_by_key(|accessory| (accessory.subject_id, accessory.id));
    Ok(accessories)
}

/// A page of one artifact's accessories in the order of their arrival, after the one with the id `window.after`.
pub async fn list_accessories(
    c: &mut Connection,
    artifact: i64,
    window: Window<i64>,
) -> Result<Vec<AccessoryOf>> {
    let arguments = [artifact.into(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST_ACCESSORIES, &arguments).await
}

/// How many accessories an artifact has, counted up to `most`.
pub async fn count_accessories(c: &mut Connection, artifact: i64, most: i64) -> Result<i64> {
    c.query_one(&COUNT_ACCESSORIES, &[artifact.into(), most.into()]).await
}

/// The manifests of these indexes that are in their repository.
pub async fn parts_of(c: &mut Connection, artifacts: &[i64]) -> Result<Vec<PartOf>> {
    c.query(&PARTS_OF, &[value::list(artifacts), MOST_PARTS.into()]).await
}

impl Filter {
    /// Where the walk begins: behind the last row seen, or where the wanted times begin.
    fn begin(&self, backwards: bool, after: Option<Key>) -> Key {
        if backwards {
            let latest = (self.pushed.1.unwrap_or(i64::MAX), i64::MAX);
            return after.map_or(latest, |after| after.min(latest));
        }
        let earliest = (self.pushed.0.unwrap_or(i64::MIN), i64::MIN);
        after.map_or(earliest, |after| after.max(earliest))
    }

    fn arguments(&self, place: Place) -> Vec<Value<'_>> {
        let id = match place {
            Place::Repository(id) | Place::Project(id) => id,
        };
        let tagged = match self.tags {
            Tagged::Some => Some(true),
            Tagged::None => Some(false),
            Tagged::Any | Tagged::Whole(_) | Tagged::Part(_) => None,
        };
        let (whole, part) = match &self.tags {
            Tagged::Whole(tag) => (tag.as_str(), ""),
            Tagged::Part(part) => ("", part.as_str()),
            Tagged::Any | Tagged::Some | Tagged::None => ("", ""),
        };
        let labels: String = self.labels.iter().map(|label| format!("{label},")).collect();
        vec![
            id.into(),
            self.with_parts.into(),
            tagged.into(),
            whole.into(),
            pattern(part, false),
            self.kind.as_deref().unwrap_or_default().into(),
            self.media_type.as_deref().unwrap_or_default().into(),
            self.artifact_type.as_deref().unwrap_or_default().into(),
            self.pushed.0.unwrap_or(i64::MIN).into(),
            self.pushed.1.unwrap_or(i64::MAX).into(),
            self.pulled.0.unwrap_or(i64::MIN).into(),
            self.pulled.1.unwrap_or(i64::MAX).into(),
            format!(",{labels}").into(),
            (self.labels.len() as u64).into(),
            self.newest_only.into(),
        ]
    }
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

impl FromRow for TagOf {
    fn from_row(row: &mut Row) -> Result<TagOf> {
        Ok(TagOf {
            artifact_id: row.take("artifact_id")?,
            name: row.take("name")?,
            pushed_at: row.take("updated_at")?,
            pulled_at: row.take("pulled_at")?,
        })
    }
}

impl FromRow for AccessoryOf {
    fn from_row(row: &mut Row) -> Result<AccessoryOf> {
        Ok(AccessoryOf {
            subject_id: row.take("subject_id")?,
            id: row.take("id")?,
            digest: row.take("digest")?,
            kind: row.take("accessory")?,
            size: row.take("size")?,
            pushed_at: row.take("pushed_at")?,
        })
    }
}

impl FromRow for PartOf {
    fn from_row(row: &mut Row) -> Result<PartOf> {
        Ok(PartOf { index_id: row.take("index_id")?, id: row.take("id")?, digest: row.take("digest")? })
    }
}

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

/// A sum is no column: times are compared in the order that was asked for, not by an index of their own.
macro_rules! filter {
    () => {
        "a.subject IS NULL
            AND ($2 OR EXISTS (SELECT 1 FROM tag t WHERE t.repository_id = a.repository_id AND t.digest = a.digest)
                OR NOT EXISTS (SELECT 1 FROM manifest_reference p
                    WHERE p.repository_id = a.repository_id AND p.digest = a.digest))
            AND (CAST($3 AS BOOLEAN) IS NULL OR $3 = EXISTS (
                SELECT 1 FROM tag t WHERE t.repository_id = a.repository_id AND t.digest = a.digest))
            AND (CAST($4 AS TEXT) = '' OR EXISTS (SELECT 1 FROM tag t
                WHERE t.repository_id = a.repository_id AND t.digest = a.digest AND t.name = $4))
            AND (CAST($5 AS TEXT) = '%%' OR EXISTS (SELECT 1 FROM tag t
                WHERE t.repository_id = a.repository_id AND t.digest = a.digest
                    AND lower(t.name) LIKE $5 ESCAPE '\\'))
            AND (CAST($6 AS TEXT) = '' OR a.kind = $6)
            AND (CAST($7 AS TEXT) = '' OR a.media_type = $7)
            AND (CAST($8 AS TEXT) = '' OR a.artifact_type = $8)
            AND a.pushed_at + 0 >= $9 AND a.pushed_at + 0 <= $10 AND a.pulled_at + 0 >= $11 AND a.pulled_at + 0 <= $12
            AND (CAST($14 AS BIGINT) = 0 OR (SELECT COUNT(*) FROM artifact_label l
                WHERE l.repository_id = a.repository_id AND l.digest = a.digest
                    AND CAST($13 AS TEXT) LIKE '%,' || l.label_id || ',%') = $14)
            AND (NOT $15 OR NOT EXISTS (SELECT 1 FROM artifact n
                WHERE n.repository_id = a.repository_id AND n.subject IS NULL
                    AND (n.pushed_at, n.id) > (a.pushed_at, a.id)
                    AND (CAST($6 AS TEXT) = '' OR n.kind = $6)
                    AND (CAST($7 AS TEXT) = '' OR n.media_type = $7)
                    AND (CAST($8 AS TEXT) = '' OR n.artifact_type = $8)))"
    };
}

/// Rows behind a key, in one order or the other.
macro_rules! behind {
    (newest) => {
        " AND (a.pushed_at, a.id) < (CAST($16 AS BIGINT), CAST($17 AS BIGINT)) ORDER BY a.pushed_at DESC, a.id DESC
        LIMIT $18 OFFSET $19"
    };
    (oldest) => {
        " AND (a.pushed_at, a.id) > (CAST($16 AS BIGINT), CAST($17 AS BIGINT)) ORDER BY a.pushed_at, a.id
        LIMIT $18 OFFSET $19"
    };
}

/// Rows in an order without keys; the parameters of the key are there all the same.
macro_rules! ordered {
    ($order:literal) => {
        concat!(
            " AND (CAST($16 AS BIGINT) IS NOT NULL OR CAST($17 AS BIGINT) IS NOT NULL) ORDER BY ",
            $order,
            " LIMIT $18 OFFSET $19"
        )
    };
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

macro_rules! of_repository {
    () => {
        "a.repository_id = $1 AND "
    };
}

macro_rules! of_project {
    () => {
        "a.project_id = $1 AND "
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
    LIST_NEWEST = (select!(), joined!(), of_repository!(), filter!(), behind!(newest));
    LIST_OLDEST = (select!(), joined!(), of_repository!(), filter!(), behind!(oldest));
    LIST_LAST_PULLED =
        (select!(), joined!(), of_repository!(), filter!(), ordered!("a.pulled_at DESC, a.id DESC"));
    LIST_FIRST_PULLED = (select!(), joined!(), of_repository!(), filter!(), ordered!("a.pulled_at, a.id"));
    LIST_LARGEST = (select!(), joined!(), of_repository!(), filter!(), ordered!("a.size DESC, a.id DESC"));
    LIST_SMALLEST = (select!(), joined!(), of_repository!(), filter!(), ordered!("a.size, a.id"));
    LIST_NEWEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), behind!(newest));
    LIST_OLDEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), behind!(oldest));
    LIST_LAST_PULLED_OF_PROJECT =
        (select!(), joined!(), of_project!(), filter!(), ordered!("a.pulled_at DESC, a.id DESC"));
    LIST_FIRST_PULLED_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), ordered!("a.pulled_at, a.id"));
    LIST_LARGEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), ordered!("a.size DESC, a.id DESC"));
    LIST_SMALLEST_OF_PROJECT = (select!(), joined!(), of_project!(), filter!(), ordered!("a.size, a.id"));
    LIST_OF_DIGESTS = {
        sqlite: (select!(), joined!(), of_repository!(), filter!(),
            " AND a.digest IN (SELECT value FROM json_each($20))", behind!(newest)),
        postgres: (select!(), joined!(), of_repository!(), filter!(),
            " AND a.digest = ANY (ARRAY(SELECT jsonb_array_elements_text($20::text::jsonb)))", behind!(newest)),
    };
    COUNT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM artifact a WHERE ", of_repository!(), filter!(),
        " LIMIT $16) counted");
    COUNT_OF_PROJECT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM artifact a WHERE ", of_project!(), filter!(),
        " LIMIT $16) counted");
    UPDATE_ABOUT = "UPDATE artifact SET kind = $2, media_type = $3, artifact_type = $4, size = $5, detail = $6
        WHERE id = $1";
    ADD_PULLS = "UPDATE artifact SET pulls = pulls + $3, pulled_at = CASE WHEN pulled_at < $4 THEN $4 ELSE pulled_at END
        WHERE repository_id = (SELECT r.id FROM repository r WHERE r.name = $1) AND digest = $2";
    TAGS_OF = {
        sqlite: "SELECT a.id AS artifact_id, t.name, t.updated_at, t.pulled_at FROM json_each($1) l
            CROSS JOIN artifact a CROSS JOIN tag t
            WHERE a.id = CAST(l.value AS INTEGER) AND t.repository_id = a.repository_id AND t.digest = a.digest
            LIMIT $2",
        postgres: "SELECT a.id AS artifact_id, t.name, t.updated_at, t.pulled_at FROM artifact a
            JOIN tag t ON t.repository_id = a.repository_id AND t.digest = a.digest
            WHERE a.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)::bigint))
            LIMIT $2",
    };
    ACCESSORIES_OF = {
        sqlite: "SELECT s.id AS subject_id, a.id, a.digest, a.accessory, a.size, a.pushed_at FROM json_each($1) l
            CROSS JOIN artifact s CROSS JOIN artifact a
            WHERE s.id = CAST(l.value AS INTEGER) AND a.repository_id = s.repository_id AND a.subject = s.digest
            LIMIT $2",
        postgres: "SELECT s.id AS subject_id, a.id, a.digest, a.accessory, a.size, a.pushed_at FROM artifact s
            JOIN artifact a ON a.repository_id = s.repository_id AND a.subject = s.digest
            WHERE s.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)::bigint))
            LIMIT $2",
    };
    LIST_ACCESSORIES = "SELECT s.id AS subject_id, a.id, a.digest, a.accessory, a.size, a.pushed_at FROM artifact s
        CROSS JOIN artifact a
        WHERE s.id = $1 AND a.repository_id = s.repository_id AND a.subject = s.digest AND a.id > $2
        ORDER BY a.id LIMIT $3 OFFSET $4";
    COUNT_ACCESSORIES = "SELECT COUNT(*) AS value FROM (SELECT 1 FROM artifact s
        JOIN artifact a ON a.repository_id = s.repository_id AND a.subject = s.digest WHERE s.id = $1 LIMIT $2) counted";
    PARTS_OF = {
        sqlite: "SELECT s.id AS index_id, a.id, a.digest FROM json_each($1) l
            CROSS JOIN artifact s CROSS JOIN manifest_reference p CROSS JOIN artifact a
            WHERE s.id = CAST(l.value AS INTEGER)
                AND p.repository_id = s.repository_id AND p.manifest = s.digest AND p.kind = 'manifest'
                AND a.repository_id = p.repository_id AND a.digest = p.digest LIMIT $2",
        postgres: "SELECT s.id AS index_id, a.id, a.digest FROM artifact s
            JOIN manifest_reference p ON p.repository_id = s.repository_id AND p.manifest = s.digest
            JOIN artifact a ON a.repository_id = p.repository_id AND a.digest = p.digest
            WHERE s.id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)::bigint))
                AND p.kind = 'manifest' LIMIT $2",
    };
}
