//! Blobs: which bytes there are, where they lie, and from which repositories they may be pulled.
//!
//! A link that no manifest of its repository needs is loose. It stays for as long as a client that was told that the blob
//! is there may take to push its manifest; after that garbage collection removes it, and then the blob.

use std::collections::HashSet;

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;

use crate::charge;
use crate::database::connection::Connection;
use crate::database::statement::{now, statements};
use crate::database::value::{self, FromRow, Row, Value};
use crate::error::Result;
use crate::garbage;
use crate::ids::{Micros, RepositoryId};

/// A row of `blob`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// The digest of the bytes.
    pub digest: Digest,
    /// Their number.
    pub size: u64,
    /// Where they lie, in the blob store's own words.
    pub location: String,
}

/// What became of a blob that was to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The row is new.
    Created,
    /// The digest was there already, at the location given here; the new bytes are not needed.
    Existing(Blob),
}

/// A blob that a repository has, and what keeps it there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The repository.
    pub repository_id: RepositoryId,
    /// The blob.
    pub blob: Blob,
    /// Where no manifest of the repository needs it: when somebody was told last that it is there.
    pub loose_since: Option<Micros>,
}

/// A link, as garbage collection walks along them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The repository.
    pub repository_id: RepositoryId,
    /// The blob.
    pub digest: Digest,
}

impl Link {
    /// `$1` and `$2` of a page behind this link; none for the first.
    fn key(after: Option<Link>) -> [Value<'static>; 2] {
        match after {
            Some(link) => [link.repository_id.into(), (&link.digest).into()],
            None => [0_i64.into(), "".into()],
        }
    }
}

/// A link that nobody needs, with what there is to say about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LooseLink {
    /// The repository.
    pub repository_id: RepositoryId,
    /// Its name.
    pub repository: RepositoryName,
    /// The blob.
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// When somebody was told last that the blob is there.
    pub since: Micros,
}

/// The blob of this digest, linked or not.
pub async fn find(c: &mut Connection, digest: &Digest) -> Result<Option<Blob>> {
    c.query_optional(&FIND, &[digest.into()]).await
}

/// The blob, if it is linked to the repository.
pub async fn find_linked(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
) -> Result<Option<Blob>> {
    c.query_optional(&FIND_LINKED, &[repository_id.into(), digest.into()]).await
}

/// The blob, if it is linked to the repository of this name: what a pull asks, in one read.
pub async fn find_linked_by_name(
    c: &mut Connection,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Blob>> {
    c.query_optional(&FIND_LINKED_BY_NAME, &[repository.into(), digest.into()]).await
}

/// The blob, if it is linked to the repository of this name, and whether something keeps it there: what is asked before
/// a client is told that it is there.
pub async fn find_to_tell(
    c: &mut Connection,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Option<Linked>> {
    c.query_optional(&FIND_TO_TELL, &[repository.into(), digest.into()]).await
}

/// Notes that a client is told now that the blob is there; false if it is there no more.
pub async fn touch(c: &mut Connection, repository_id: RepositoryId, digest: &Digest) -> Result<bool> {
    c.changes(&TOUCH, &[repository_id.into(), digest.into()]).await
}

/// Notes the same for all that a manifest needs, which is about to be deleted: who was told while the manifest needed it
/// was promised as much.
pub(crate) async fn touch_needed(
    c: &mut Connection,
    repository_id: RepositoryId,
    manifest: &Digest,
) -> Result<()> {
    c.execute(&TOUCH_NEEDED, &[repository_id.into(), manifest.into()]).await.map(|_| ())
}

/// Records published bytes. Of several uploads of one digest the first to commit keeps its location.
pub async fn record(c: &mut Connection, blob: &Blob, now: Micros) -> Result<Recorded> {
    let arguments = [(&blob.digest).into(), blob.size.into(), (&blob.location).into(), now.into()];
    loop {
        if c.changes(&RECORD, &arguments).await? {
            return Ok(Recorded::Created);
        }
        // Locked, so that it is still there when the link to it is made. It may have been collected between the
        // two statements; then there is room for the new one.
        if let Some(existing) = c.query_optional(&FIND_TO_LINK, &[(&blob.digest).into()]).await? {
            return Ok(Recorded::Existing(existing));
        }
    }
}

/// Says that the blob's bytes lie at `to` from now on, because those at `from.location` are damaged; these become
/// [`garbage`](crate::garbage). False if the row names another location by now: somebody else did so first.
pub async fn relocate(c: &mut Connection, from: &Blob, to: &str, now: Micros) -> Result<bool> {
    let arguments = [(&from.digest).into(), (&from.location).into(), to.into()];
    let relocated = c.changes(&RELOCATE, &arguments).await?;
    if relocated {
        garbage::create(c, std::slice::from_ref(from), now).await?;
    }
    Ok(relocated)
}

/// Links a recorded blob to a repository and charges the project for it. It may be linked already, and is touched then.
/// In a transaction the link cannot go until it ends. [`Error::Missing`](crate::Error::Missing) if the blob was collected
/// meanwhile.
pub async fn link(
    c: &mut Connection,
    repository_id: RepositoryId,
    digest: &Digest,
    now: Micros,
) -> Result<()> {
    c.execute(&LINK, &[repository_id.into(), digest.into(), now.into()]).await?;
    charge::blob(c, repository_id, digest).await
}

/// Takes the blob out of the repository; false if it was not in it. Ask [`is_referenced`] first, in the same
/// transaction.
pub async fn unlink(c: &mut Connection, repository_id: RepositoryId, digest: &Digest) -> Result<bool> {
    let unlinked = c.changes(&UNLINK, &[repository_id.into(), digest.into()]).await?;
    if unlinked {
        charge::release(c, repository_id, &[*digest]).await?;
    }
    Ok(unlinked)
}

/// Those of `digests` that are not linked to the repository, in their order. In a transaction the links that are
/// there cannot be removed until it ends.
pub async fn missing_links(
    c: &mut Connection,
    repository_id: RepositoryId,
    digests: &[Digest],
) -> Result<Vec<Digest>> {
    let linked: Vec<Digest> = c.query(&LINKED, &[repository_id.into(), value::list(digests)]).await?;
    let linked: HashSet<Digest> = linked.into_iter().collect();
    Ok(digests.iter().filter(|digest| !linked.contains(digest)).copied().collect())
}

/// Names of repositories that link the blob, the oldest first.
pub async fn linked_in(c: &mut Connection, digest: &Digest, limit: u32) -> Result<Vec<RepositoryName>> {
    c.query(&LINKED_IN, &[digest.into(), limit.into()]).await
}

/// Whether a manifest of the repository needs the blob. In a transaction no new one can until it ends.
pub async fn is_referenced(c: &mut Connection, repository_id: RepositoryId, digest: &Digest) -> Result<bool> {
    let _locked: Option<Digest> =
        c.query_optional(&LOCK_LINK, &[repository_id.into(), digest.into()]).await?;
    c.query_one(&IS_REFERENCED, &[repository_id.into(), digest.into()]).await
}

/// The last of the `count` links behind `after`, in their order: where a page of that many ends. None if there are fewer.
pub async fn find_end_of_links(c: &mut Connection, after: Option<Link>, count: u32) -> Result<Option<Link>> {
    let [repository_id, digest] = Link::key(after);
    c.query_optional(&FIND_END_OF_LINKS, &[repository_id, digest, count.saturating_sub(1).into()]).await
}

/// The blobs that were recorded last. All rows are looked at: not for a request path.
pub async fn newest(c: &mut Connection, limit: u32) -> Result<Vec<Blob>> {
    c.query(&NEWEST, &[limit.into()]).await
}

/// Blobs in the order of their locations, behind `after` and up to `end`.
pub async fn located(c: &mut Connection, after: &str, end: &str, limit: u32) -> Result<Vec<Blob>> {
    c.query(&LOCATED, &[after.into(), end.into(), limit.into()]).await
}

/// Of the `count` links behind `after` those that are loose since before `before`.
pub async fn list_loose(
    c: &mut Connection,
    after: Option<Link>,
    count: u32,
    before: Micros,
) -> Result<Vec<LooseLink>> {
    let [repository_id, digest] = Link::key(after);
    c.query(&LIST_LOOSE, &[repository_id, digest, count.into(), before.into()]).await
}

/// Unlinks those of the blobs that are loose in the repository since before `before`, and returns them. Links that somebody
/// else is working with are left.
///
/// The links are locked by one statement and looked at by the next, which sees what was committed until then: a manifest
/// that came in between needs its blobs. On PostgreSQL both in one statement would decide by what was there at its begin.
pub async fn unlink_loose(
    c: &mut Connection,
    repository_id: RepositoryId,
    digests: &[Digest],
    before: Micros,
) -> Result<Vec<Digest>> {
    let arguments = [repository_id.into(), value::list(digests), before.into()];
    let locked: Vec<Digest> = c.query(&LOCK_LOOSE, &arguments).await?;
    if locked.is_empty() {
        return Ok(locked);
    }
    let unlinked: Vec<Digest> = c.query(&UNLINK_LOOSE, &[repository_id.into(), value::list(&locked)]).await?;
    charge::release(c, repository_id, &unlinked).await?;
    Ok(unlinked)
}

/// The last of the `count` blobs behind `after`, by digest. None if there are fewer.
pub async fn find_end(c: &mut Connection, after: Option<&Digest>, count: u32) -> Result<Option<Digest>> {
    let after = after.map(ToString::to_string).unwrap_or_default();
    c.query_optional(&FIND_END, &[after.into(), count.saturating_sub(1).into()]).await
}

/// Of the `count` blobs behind `after`, by digest, those that neither a repository nor the trash has.
pub async fn list_unlinked(c: &mut Connection, after: Option<&Digest>, count: u32) -> Result<Vec<Blob>> {
    let after = after.map(ToString::to_string).unwrap_or_default();
    c.query(&LIST_UNLINKED, &[after.into(), count.into()]).await
}

/// Of the `count` blobs behind `after`, by digest, those that would go now: nobody has them, or only by links that are
/// loose since before `before`.
pub async fn list_collectable(
    c: &mut Connection,
    after: Option<&Digest>,
    count: u32,
    before: Micros,
) -> Result<Vec<Blob>> {
    let after = after.map(ToString::to_string).unwrap_or_default();
    c.query(&LIST_COLLECTABLE, &[after.into(), count.into(), before.into()]).await
}

/// The links of a blob, the oldest repository first, each as if it were loose.
pub async fn links_of(c: &mut Connection, digest: &Digest, limit: u32) -> Result<Vec<LooseLink>> {
    c.query(&LINKS_OF, &[digest.into(), limit.into()]).await
}

/// Collects those of the blobs that neither a repository nor the trash has, and returns them: their rows go and their
/// locations become [`garbage`](crate::garbage), to be removed from storage. Those that somebody is linking are left.
pub async fn condemn(c: &mut Connection, digests: &[Digest], now: Micros) -> Result<Vec<Blob>> {
    let locked: Vec<Digest> = c.query(&LOCK_TO_CONDEMN, &[value::list(digests)]).await?;
    if locked.is_empty() {
        return Ok(Vec::new());
    }
    let condemned: Vec<Blob> = c.query(&CONDEMN, &[value::list(&locked)]).await?;
    garbage::create(c, &condemned, now).await?;
    Ok(condemned)
}

impl FromRow for Blob {
    fn from_row(row: &mut Row) -> Result<Blob> {
        Ok(Blob { digest: row.take("digest")?, size: row.take("size")?, location: row.take("location")? })
    }
}

impl FromRow for Linked {
    fn from_row(row: &mut Row) -> Result<Linked> {
        Ok(Linked {
            repository_id: row.take("repository_id")?,
            blob: Blob::from_row(row)?,
            loose_since: row.take("loose_since")?,
        })
    }
}

impl FromRow for Link {
    fn from_row(row: &mut Row) -> Result<Link> {
        Ok(Link { repository_id: row.take("repository_id")?, digest: row.take("digest")? })
    }
}

impl FromRow for LooseLink {
    fn from_row(row: &mut Row) -> Result<LooseLink> {
        Ok(LooseLink {
            repository_id: row.take("repository_id")?,
            repository: row.take("name")?,
            digest: row.take("digest")?,
            size: row.take("size")?,
            since: row.take("since")?,
        })
    }
}

/// When somebody was told last that the blob of a link is there. A binary from before that was noted did not.
macro_rules! since {
    () => {
        "CASE WHEN l.touched_at > l.created_at THEN l.touched_at ELSE l.created_at END"
    };
}

macro_rules! is_needed {
    () => {
        "EXISTS (SELECT 1 FROM manifest_reference m WHERE m.repository_id = l.repository_id AND m.digest = l.digest)"
    };
}

macro_rules! is_kept {
    () => {
        "EXISTS (SELECT 1 FROM trash_blob k WHERE k.digest = b.digest)"
    };
}

macro_rules! page_of_blobs {
    () => {
        "FROM (SELECT digest, size, location FROM blob WHERE digest > $1 ORDER BY digest LIMIT $2) b WHERE "
    };
}

statements! { "blob";
    FIND = "SELECT digest, size, location FROM blob WHERE digest = $1";
    FIND_TO_LINK = {
        sqlite: "SELECT digest, size, location FROM blob WHERE digest = $1",
        postgres: "SELECT digest, size, location FROM blob WHERE digest = $1 FOR KEY SHARE",
    };
    FIND_LINKED = "SELECT b.digest, b.size, b.location FROM repository_blob l JOIN blob b ON b.digest = l.digest
        WHERE l.repository_id = $1 AND l.digest = $2";
    FIND_LINKED_BY_NAME = "SELECT b.digest, b.size, b.location FROM repository r
        JOIN repository_blob l ON l.repository_id = r.id JOIN blob b ON b.digest = l.digest
        WHERE r.name = $1 AND l.digest = $2";
    RECORD = "INSERT INTO blob (digest, size, location, created_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT DO NOTHING";
    RELOCATE = "UPDATE blob SET location = $3 WHERE digest = $1 AND location = $2";
    FIND_TO_TELL = ("SELECT r.id AS repository_id, b.digest, b.size, b.location,
            CASE WHEN ", is_needed!(), " THEN NULL ELSE ", since!(), " END AS loose_since
        FROM repository r
        JOIN repository_blob l ON l.repository_id = r.id JOIN blob b ON b.digest = l.digest
        WHERE r.name = $1 AND l.digest = $2");
    LINK = {
        sqlite: ("INSERT INTO repository_blob (repository_id, digest, created_at, touched_at)
            VALUES ($1, $2, $3, ", now!(sqlite), ")
            ON CONFLICT (repository_id, digest) DO UPDATE SET touched_at = excluded.touched_at"),
        postgres: ("INSERT INTO repository_blob (repository_id, digest, created_at, touched_at)
            VALUES ($1, $2, $3, ", now!(postgres), ")
            ON CONFLICT (repository_id, digest) DO UPDATE SET touched_at = excluded.touched_at"),
    };
    TOUCH = {
        sqlite: ("UPDATE repository_blob SET touched_at = ", now!(sqlite), " WHERE repository_id = $1 AND digest = $2"),
        postgres: ("UPDATE repository_blob SET touched_at = ", now!(postgres), " WHERE repository_id = $1 AND digest = $2"),
    };
    TOUCH_NEEDED = {
        sqlite: ("UPDATE repository_blob SET touched_at = ", now!(sqlite), " WHERE repository_id = $1
            AND digest IN (SELECT p.digest FROM manifest_reference p WHERE p.repository_id = $1 AND p.manifest = $2)"),
        // Locked in one order by all who delete manifests that share blobs.
        postgres: ("UPDATE repository_blob SET touched_at = ", now!(postgres), " WHERE repository_id = $1
            AND digest = ANY (ARRAY(SELECT l.digest FROM repository_blob l
                WHERE l.repository_id = $1 AND l.digest IN
                    (SELECT p.digest FROM manifest_reference p WHERE p.repository_id = $1 AND p.manifest = $2)
                ORDER BY l.digest FOR NO KEY UPDATE))"),
    };
    UNLINK = "DELETE FROM repository_blob WHERE repository_id = $1 AND digest = $2";
    LINKED = {
        sqlite: "SELECT digest AS value FROM repository_blob
            WHERE repository_id = $1 AND digest IN (SELECT value FROM json_each($2))",
        postgres: "SELECT digest AS value FROM repository_blob
            WHERE repository_id = $1 AND digest = ANY (ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb)))
            ORDER BY digest FOR KEY SHARE",
    };
    LINKED_IN = "SELECT r.name AS value FROM repository_blob l JOIN repository r ON r.id = l.repository_id
        WHERE l.digest = $1 ORDER BY l.repository_id LIMIT $2";
    LOCK_LINK = {
        sqlite: "SELECT digest AS value FROM repository_blob WHERE repository_id = $1 AND digest = $2",
        postgres: "SELECT digest AS value FROM repository_blob
            WHERE repository_id = $1 AND digest = $2 FOR UPDATE",
    };
    IS_REFERENCED = "SELECT EXISTS (SELECT 1 FROM manifest_reference
        WHERE repository_id = $1 AND digest = $2) AS value";
    FIND_END_OF_LINKS = "SELECT repository_id, digest FROM repository_blob WHERE (repository_id, digest) > ($1, $2)
        ORDER BY repository_id, digest LIMIT 1 OFFSET $3";
    LIST_LOOSE = ("SELECT l.repository_id, r.name, l.digest, b.size, ", since!(), " AS since
        FROM (SELECT repository_id, digest, created_at, touched_at FROM repository_blob
            WHERE (repository_id, digest) > ($1, $2) ORDER BY repository_id, digest LIMIT $3) l
        JOIN repository r ON r.id = l.repository_id JOIN blob b ON b.digest = l.digest
        WHERE l.touched_at < $4 AND l.created_at < $4 AND NOT ", is_needed!(), "
        ORDER BY l.repository_id, l.digest");
    LOCK_LOOSE = {
        sqlite: "SELECT l.digest AS value FROM repository_blob l WHERE l.repository_id = $1
            AND l.digest IN (SELECT value FROM json_each($2)) AND l.touched_at < $3 AND l.created_at < $3",
        postgres: "SELECT l.digest AS value FROM repository_blob l WHERE l.repository_id = $1
            AND l.digest = ANY (ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb)))
            AND l.touched_at < $3 AND l.created_at < $3 FOR UPDATE SKIP LOCKED",
    };
    UNLINK_LOOSE = {
        sqlite: ("DELETE FROM repository_blob AS l WHERE l.repository_id = $1
            AND l.digest IN (SELECT value FROM json_each($2)) AND NOT ", is_needed!(), " RETURNING digest AS value"),
        postgres: ("DELETE FROM repository_blob l WHERE l.repository_id = $1
            AND l.digest = ANY (ARRAY(SELECT jsonb_array_elements_text($2::text::jsonb))) AND NOT ", is_needed!(), "
            RETURNING l.digest AS value"),
    };
    FIND_END = "SELECT digest AS value FROM blob WHERE digest > $1 ORDER BY digest LIMIT 1 OFFSET $2";
    LIST_UNLINKED = ("SELECT b.digest, b.size, b.location ", page_of_blobs!(),
        "NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.digest = b.digest) AND NOT ", is_kept!());
    LIST_COLLECTABLE = ("SELECT b.digest, b.size, b.location ", page_of_blobs!(),
        "NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.digest = b.digest
            AND (l.touched_at >= $3 OR l.created_at >= $3 OR ", is_needed!(), ")) AND NOT ", is_kept!());
    LINKS_OF = ("SELECT l.repository_id, r.name, l.digest, b.size, ", since!(), " AS since
        FROM blob b JOIN repository_blob l ON l.digest = b.digest JOIN repository r ON r.id = l.repository_id
        WHERE b.digest = $1 ORDER BY l.repository_id LIMIT $2");
    LOCK_TO_CONDEMN = {
        sqlite: "SELECT digest AS value FROM blob WHERE digest IN (SELECT value FROM json_each($1))",
        postgres: "SELECT digest AS value FROM blob
            WHERE digest = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb))) FOR UPDATE SKIP LOCKED",
    };
    CONDEMN = {
        sqlite: ("DELETE FROM blob AS b WHERE b.digest IN (SELECT value FROM json_each($1))
            AND NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.digest = b.digest) AND NOT ", is_kept!(), "
            RETURNING digest, size, location"),
        postgres: ("DELETE FROM blob b WHERE b.digest = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))
            AND NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.digest = b.digest) AND NOT ", is_kept!(), "
            RETURNING b.digest, b.size, b.location"),
    };
    NEWEST = "SELECT digest, size, location FROM blob ORDER BY created_at DESC LIMIT $1";
    LOCATED = {
        sqlite: "SELECT digest, size, location FROM blob
            WHERE location > $1 AND location <= $2 ORDER BY location LIMIT $3",
        postgres: "SELECT digest, size, location FROM blob
            WHERE location COLLATE \"C\" > $1 AND location COLLATE \"C\" <= $2 ORDER BY location COLLATE \"C\" LIMIT $3",
    };
}
