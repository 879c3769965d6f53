//! Uploads under way: any node can go on with one from its row.
//!
//! Whoever writes claims the upload first and gets a lease and a fence. The lease ends by itself, so a holder
//! that died blocks nobody for long; the fence counts the claims, so a holder that was only paused cannot save
//! over what its successor did. What it still writes to storage is kept apart by the number of takeovers.
//!
//! An upload is closed before its bytes are removed. Nobody but another remover can claim it from then on, so that a
//! remover which was paused meets no bytes that a successor has published.

use std::collections::HashSet;

use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::upload_id::UploadId;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{self, FromRow, Row};
use crate::error::Result;
use crate::ids::{Micros, RepositoryId};

/// A row of `upload`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Its id, the one in the client's URL.
    pub id: UploadId,
    /// The repository it goes into.
    pub repository_id: RepositoryId,
    /// Who began it, for limits.
    pub owner: String,
    /// The algorithm of `hash_state`.
    pub algorithm: Algorithm,
    /// What it is about to be published as; set by the claim that finishes it.
    pub digest: Option<Digest>,
    /// Bytes that are durable in storage.
    pub offset: u64,
    /// The state of the hash after those bytes.
    pub hash_state: Vec<u8>,
    /// The storage back end's own words.
    pub parts: String,
    /// The number of claims so far.
    pub fence: i64,
    /// The number of claims that found a lease which had run out: its holder may still be writing.
    pub takeovers: u64,
    /// Who holds the lease, or held it last.
    pub holder: Option<String>,
    /// When the lease ends; past or 0 if it is free.
    pub leased_until: Micros,
    /// When it was begun.
    pub created_at: Micros,
    /// When it may be cleaned away; 0 once it is closed.
    pub expires_at: Micros,
}

/// An upload to be made; it starts empty.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// Its id.
    pub id: UploadId,
    /// The repository it goes into.
    pub repository_id: RepositoryId,
    /// The algorithm to hash with.
    pub algorithm: Algorithm,
    /// The state of the hash before the first byte.
    pub hash_state: Vec<u8>,
    /// Who begins it, for limits.
    pub owner: String,
    /// Now.
    pub created_at: Micros,
    /// When it may be cleaned away.
    pub expires_at: Micros,
}

/// What became of a claim.
#[expect(clippy::large_enum_variant, reason = "made once a request and taken apart at once")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The caller holds the lease; the row has its fence.
    Claimed(UploadRow),
    /// Somebody else holds it.
    Busy,
    /// There is no such upload in the repository, or it is closed.
    Unknown,
}

/// Begins an upload.
pub async fn create(c: &mut Connection, new: &NewUpload) -> Result<()> {
    let arguments = [
        new.id.into(),
        new.repository_id.into(),
        (&new.owner).into(),
        new.algorithm.into(),
        (&new.hash_state).into(),
        new.created_at.into(),
        new.expires_at.into(),
    ];
    c.execute(&CREATE, &arguments).await.map(|_| ())
}

/// The upload of this id in the repository, unless it is closed.
pub async fn find(
    c: &mut Connection,
    repository_id: RepositoryId,
    id: UploadId,
) -> Result<Option<UploadRow>> {
    c.query_optional(&FIND, &[id.into(), repository_id.into()]).await
}

/// Takes the lease until `lease_until`, if it is free, and counts the fence up. A `digest` is kept in the row:
/// whoever cleans up after a crash then knows where published bytes may lie.
pub async fn claim(
    c: &mut Connection,
    repository_id: RepositoryId,
    id: UploadId,
    holder: &str,
    digest: Option<&Digest>,
    now: Micros,
    lease_until: Micros,
) -> Result<Claimed> {
    let arguments =
        [id.into(), repository_id.into(), holder.into(), digest.into(), now.into(), lease_until.into()];
    if let Some(claimed) = c.query_optional(&CLAIM, &arguments).await? {
        return Ok(Claimed::Claimed(claimed));
    }
    let exists = find(c, repository_id, id).await?.is_some();
    Ok(if exists { Claimed::Busy } else { Claimed::Unknown })
}

/// Prolongs the lease; false if somebody else has claimed the upload since.
pub async fn renew(c: &mut Connection, id: UploadId, fence: i64, lease_until: Micros) -> Result<bool> {
    c.changes(&RENEW, &[id.into(), fence.into(), lease_until.into()]).await
}

/// Saves how far the upload is and frees the lease; false, and nothing saved, if somebody else has claimed it.
pub async fn save(
    c: &mut Connection,
    id: UploadId,
    fence: i64,
    offset: u64,
    hash_state: &[u8],
    parts: &str,
    expires_at: Micros,
) -> Result<bool> {
    let arguments =
        [id.into(), fence.into(), offset.into(), hash_state.into(), parts.into(), expires_at.into()];
    c.changes(&SAVE, &arguments).await
}

/// Frees the lease and saves nothing; false if somebody else has claimed the upload.
pub async fn release(c: &mut Connection, id: UploadId, fence: i64) -> Result<bool> {
    c.changes(&RELEASE, &[id.into(), fence.into()]).await
}

/// Closes the upload, whose bytes are removed next; false if somebody else has claimed it.
pub async fn close(c: &mut Connection, id: UploadId, fence: i64) -> Result<bool> {
    c.changes(&CLOSE, &[id.into(), fence.into()]).await
}

/// Claims and closes an upload that has expired or was closed by somebody who got no further; `None` if it has not
/// expired, is held, or is gone.
pub async fn claim_expired(
    c: &mut Connection,
    id: UploadId,
    holder: &str,
    now: Micros,
    lease_until: Micros,
) -> Result<Option<UploadRow>> {
    c.query_optional(&CLAIM_EXPIRED, &[id.into(), holder.into(), now.into(), lease_until.into()]).await
}

/// Ends the upload; false if it is gone or if somebody else has claimed it.
pub async fn delete(c: &mut Connection, id: UploadId, fence: i64) -> Result<bool> {
    c.changes(&DELETE, &[id.into(), fence.into()]).await
}

/// A page of uploads that have expired and that nobody holds, by id, after the id `after`.
pub async fn expired(
    c: &mut Connection,
    now: Micros,
    after: Option<UploadId>,
    limit: u32,
) -> Result<Vec<UploadRow>> {
    let after = after.map(|id| id.to_string()).unwrap_or_default();
    c.query(&EXPIRED, &[now.into(), after.into(), limit.into()]).await
}

/// Those of the uploads that have a row.
pub async fn known(c: &mut Connection, ids: &[UploadId]) -> Result<HashSet<UploadId>> {
    let known: Vec<UploadId> = c.query(&KNOWN, &[value::list(ids)]).await?;
    Ok(known.into_iter().collect())
}

/// How many uploads this owner has open that have not expired.
pub async fn count_open(c: &mut Connection, owner: &str, now: Micros) -> Result<i64> {
    c.query_one(&COUNT_OPEN, &[owner.into(), now.into()]).await
}

impl FromRow for UploadRow {
    fn from_row(row: &mut Row) -> Result<UploadRow> {
        Ok(UploadRow {
            id: row.take("id")?,
            repository_id: row.take("repository_id")?,
            owner: row.take("owner")?,
            algorithm: row.take("algorithm")?,
            digest: row.take("digest")?,
            offset: row.take("received")?,
            hash_state: row.take("hash_state")?,
            parts: row.take("parts")?,
            fence: row.take("fence")?,
            takeovers: row.take("takeovers")?,
            holder: row.take("holder")?,
            leased_until: row.take("leased_until")?,
            created_at: row.take("created_at")?,
            expires_at: row.take("expires_at")?,
        })
    }
}

statements! { "upload";
    CREATE = "INSERT INTO upload (id, repository_id, owner, algorithm, received, hash_state, parts, fence,
            takeovers, leased_until, created_at, expires_at)
        VALUES ($1, $2, $3, $4, 0, $5, '', 0, 0, 0, $6, $7)";
    FIND = "SELECT id, repository_id, owner, algorithm, digest, received, hash_state, parts, fence, takeovers,
            holder, leased_until, created_at, expires_at
        FROM upload WHERE id = $1 AND repository_id = $2 AND expires_at > 0";
    CLAIM = "UPDATE upload
        SET fence = fence + 1, takeovers = takeovers + CASE WHEN leased_until > 0 THEN 1 ELSE 0 END,
            holder = $3, digest = COALESCE($4, digest), leased_until = $6
        WHERE id = $1 AND repository_id = $2 AND leased_until <= $5 AND expires_at > 0
        RETURNING id, repository_id, owner, algorithm, digest, received, hash_state, parts, fence, takeovers,
            holder, leased_until, created_at, expires_at";
    RENEW = "UPDATE upload SET leased_until = $3 WHERE id = $1 AND fence = $2";
    SAVE = "UPDATE upload SET received = $3, hash_state = $4, parts = $5, expires_at = $6, leased_until = 0
        WHERE id = $1 AND fence = $2";
    RELEASE = "UPDATE upload SET leased_until = 0 WHERE id = $1 AND fence = $2";
    CLOSE = "UPDATE upload SET expires_at = 0 WHERE id = $1 AND fence = $2";
    CLAIM_EXPIRED = "UPDATE upload
        SET fence = fence + 1, takeovers = takeovers + CASE WHEN leased_until > 0 THEN 1 ELSE 0 END,
            holder = $2, leased_until = $4, expires_at = 0
        WHERE id = $1 AND leased_until <= $3 AND expires_at <= $3
        RETURNING id, repository_id, owner, algorithm, digest, received, hash_state, parts, fence, takeovers,
            holder, leased_until, created_at, expires_at";
    DELETE = "DELETE FROM upload WHERE id = $1 AND fence = $2";
    EXPIRED = "SELECT id, repository_id, owner, algorithm, digest, received, hash_state, parts, fence, takeovers,
            holder, leased_until, created_at, expires_at
        FROM upload WHERE id > $2 AND expires_at <= $1 AND leased_until <= $1 ORDER BY id LIMIT $3";
    KNOWN = {
        sqlite: "SELECT id AS value FROM upload WHERE id IN (SELECT value FROM json_each($1))",
        postgres: "SELECT id AS value FROM upload
            WHERE id = ANY (ARRAY(SELECT jsonb_array_elements_text($1::text::jsonb)))",
    };
    COUNT_OPEN = "SELECT COUNT(*) AS value FROM upload WHERE owner = $1 AND expires_at > $2";
}
