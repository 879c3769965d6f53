//! Blobs: which bytes there are, where they lie, and from which repositories they may be pulled.

use std::collections::HashSet;

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;

use crate::charge;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, Row};
use crate::error::Result;
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
        crate::garbage::create(c, &from.location, from.size, now).await?;
    }
    Ok(relocated)
}

/// Links a recorded blob to a repository, which may have it already, and charges the project for it.
/// [`Error::Missing`](crate::Error::Missing) if the blob was collected meanwhile.
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

/// A page of blobs that no repository links and that were recorded before `before`, by digest, after `after`.
pub async fn list_unlinked(
    c: &mut Connection,
    before: Micros,
    after: Option<&Digest>,
    limit: u32,
) -> Result<Vec<Blob>> {
    let after = after.map(ToString::to_string).unwrap_or_default();
    c.query(&LIST_UNLINKED, &[before.into(), after.into(), limit.into()]).await
}

/// Blobs in the order of their locations, behind `after` and up to `end`.
pub async fn located(c: &mut Connection, after: &str, end: &str, limit: u32) -> Result<Vec<Blob>> {
    c.query(&LOCATED, &[after.into(), end.into(), limit.into()]).await
}

/// Collects a blob that no repository links: its row goes and its location becomes [`garbage`](crate::garbage),
/// to be removed from storage. False if it is linked or gone.
pub async fn condemn(c: &mut Connection, digest: &Digest, now: Micros) -> Result<bool> {
    let Some(blob) = c.query_optional::<Blob>(&FIND_TO_CONDEMN, &[digest.into()]).await? else {
        return Ok(false);
    };
    if !c.changes(&CONDEMN, &[digest.into()]).await? {
        return Ok(false);
    }
    crate::garbage::create(c, &blob.location, blob.size, now).await?;
    Ok(true)
}

impl FromRow for Blob {
    fn from_row(row: &mut Row) -> Result<Blob> {
        Ok(Blob { digest: row.take("digest")?, size: row.take("size")?, location: row.take("location")? })
    }
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
    LINK = "INSERT INTO repository_blob (repository_id, digest, created_at) VALUES ($1, $2, $3)
        ON CONFLICT DO NOTHING";
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
    LIST_UNLINKED = "SELECT b.digest, b.size, b.location FROM blob b
        WHERE b.digest > $2 AND b.created_at < $1
            AND NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.digest = b.digest)
        ORDER BY b.digest LIMIT $3";
    LOCATED = {
        sqlite: "SELECT digest, size, location FROM blob
            WHERE location > $1 AND location <= $2 ORDER BY location LIMIT $3",
        postgres: "SELECT digest, size, location FROM blob
            WHERE location COLLATE \"C\" > $1 AND location COLLATE \"C\" <= $2 ORDER BY location COLLATE \"C\" LIMIT $3",
    };
    FIND_TO_CONDEMN = {
        sqlite: "SELECT digest, size, location FROM blob WHERE digest = $1",
        postgres: "SELECT digest, size, location FROM blob WHERE digest = $1 FOR UPDATE",
    };
    CONDEMN = "DELETE FROM blob WHERE digest = $1
        AND NOT EXISTS (SELECT 1 FROM repository_blob l WHERE l.digest = $1)";
}
