//! Blob uploads: rows that any node can go on from, bytes that are durable before a row says so.
//!
//! What a crash leaves behind, and who cleans it up: before `append` returns, bytes past the row's offset, which
//! the next append cuts off; between `publish` and the commit, a published file that the upload's row still names
//! (its digest is noted when the finish claims it), which the janitor removes when the upload expires; after the commit,
//! the bytes of a duplicate, which are garbage by their row.

use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::hash::Hasher;
use hythe_blobs::{BodyStream, Upload};
use hythe_metadata::upload::{self, Claimed, NewUpload, UploadRow};
use hythe_metadata::{Connection, blob, garbage, repository};
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::range::ContentRange;
use hythe_oci::upload_id::UploadId;
use tokio::sync::Semaphore;
use tracing::Instrument;

use crate::Registry;
use crate::access::{Permit, Pull, Push};
use crate::clock;
use crate::detached::Detached;
use crate::error::{Error, Kind, Result};
use crate::projects::unknown_project;

/// While somebody writes to an upload its row is leased this long, renewed three times as often. A node that
/// dies in the middle keeps others from the upload for at most this long.
const LEASE: Duration = Duration::from_secs(30);
const RENEW_EVERY: Duration = Duration::from_secs(10);

/// Where an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its id.
    pub id: UploadId,
    /// How many bytes are safe; the next chunk begins here.
    pub offset: u64,
}

/// A chunk as it arrives.
pub struct Chunk {
    /// Where the client says it belongs; absent means "at the end".
    pub range: Option<ContentRange>,
    /// How long the client says it is.
    pub length: Option<u64>,
    /// The bytes.
    pub body: BodyStream,
}

/// What a refused chunk tells about the upload, so that the client can go on from the right place.
pub const OFFSET_DETAIL: &str = "offset";

/// A blob that is now in the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// Its digest.
    pub digest: Digest,
}

/// How a mount ended.
pub enum Mounted {
    /// The blob is in the repository now.
    Mounted(Pushed),
    /// It could not be mounted; push it through this upload.
    Upload(Status),
}

/// A claimed upload: its row, and what the blob store needs to go on.
struct Session {
    row: UploadRow,
    upload: Upload,
    /// The repository, where its project has a quota.
    limited: Option<RepositoryName>,
}

impl Registry {
    /// Begins an upload.
    pub async fn start_upload(&self, permit: &Permit<Push>, algorithm: Algorithm) -> Result<Status> {
        let owner = permit.holder();
        let id = new_upload_id();
        let now = clock::now();
        let new = NewUpload {
            id,
            repository_id: 0,
            algorithm,
            hash_state: Hasher::new(algorithm).state(),
            owner: owner.clone(),
            created_at: now,
            expires_at: now.saturating_add(clock::micros(self.options.upload_expiry)),
        };
        let name = permit.repository().clone();
        let limit = i64::from(self.options.uploads_per_client);
        let started = self
            .database
            .transaction(move |c| {
                let (mut new, name) = (new.clone(), name.clone());
                Box::pin(async move {
                    if upload::count_open(c, &new.owner, now).await? >= limit {
                        return Ok(Started::TooMany);
                    }
                    let Some(repository) = repository::ensure(c, &name, now).await? else {
                        return Ok(Started::NoProject);
                    };
                    new.repository_id = repository.id;
                    upload::create(c, &new).await?;
                    Ok(Started::Done)
                })
            })
            .await?;
        match started {
            Started::Done => Ok(Status { id, offset: 0 }),
            Started::NoProject => Err(unknown_project(&permit.repository().project())),
            Started::TooMany => Err(Error::new(
                Kind::TooMany,
                ErrorCode::TooManyRequests,
                format!(
                    "{owner} has {limit} uploads open; finish or cancel some, or raise registry.uploads_per_client"
                ),
            )),
        }
    }

    /// Where an upload stands.
    pub async fn upload_status(&self, permit: &Permit<Push>, id: UploadId) -> Result<Status> {
        let mut connection = self.database.connect().await?;
        let repository = repository::find(&mut connection, permit.repository()).await?;
        let Some(repository) = repository else { return Err(unknown_upload(id)) };
        let row =
            upload::find(&mut connection, repository.id, id).await?.ok_or_else(|| unknown_upload(id))?;
        Ok(Status { id, offset: row.offset })
    }

    /// Appends a chunk. The work goes on by itself when the client goes away, so that the row always ends up
    /// stating what was received.
    pub async fn append_upload(
        self: &Arc<Self>,
        permit: Permit<Push>,
        id: UploadId,
        chunk: Chunk,
    ) -> Result<Status> {
        let registry = self.clone();
        self.detached(async move {
            let mut session = registry.claim(permit.repository(), id, None).await?;
            let appended = registry.append(&mut session, chunk).await;
            registry.settle(&session, &appended).await?;
            registry.drop_refused(&permit, id, &appended).await;
            appended?;
            Ok(Status { id, offset: session.upload.offset })
        })
        .await
    }

    /// Takes the last chunk, if there is one, and makes the whole a blob of the repository.
    pub async fn finish_upload(
        self: &Arc<Self>,
        permit: Permit<Push>,
        id: UploadId,
        digest: Digest,
        last: Chunk,
    ) -> Result<Pushed> {
        let registry = self.clone();
        self.detached(async move {
            let mut session = registry.claim(permit.repository(), id, Some(digest)).await?;
            let appended = registry.append(&mut session, last).await;
            if appended.is_err() {
                registry.settle(&session, &appended).await?;
                registry.drop_refused(&permit, id, &appended).await;
                appended?;
            }
            let published = registry.publish(&mut session, &digest).await;
            if published.is_err() {
                registry.release(&session).await;
                registry.drop_refused(&permit, id, &published).await;
            }
            published
        })
        .await
    }

    /// A whole blob in one request: begun and finished in one go, gone without trace if anything is wrong, the client's
    /// going away included.
    pub async fn push_blob(
        self: &Arc<Self>,
        permit: Permit<Push>,
        digest: Digest,
        body: Chunk,
    ) -> Result<Pushed> {
        let registry = self.clone();
        self.detached(async move {
            let status = registry.start_upload(&permit, digest.algorithm()).await?;
            let pushed = registry.finish_upload(permit.clone(), status.id, digest, body).await;
            if pushed.is_err() && !is_refused(&pushed) {
                registry.drop_failed(&permit, status.id).await;
            }
            pushed
        })
        .await
    }

    /// What a quota has refused does not stay in storage.
    async fn drop_refused<T>(self: &Arc<Self>, permit: &Permit<Push>, id: UploadId, outcome: &Result<T>) {
        if is_refused(outcome) {
            self.drop_failed(permit, id).await;
        }
    }

    async fn drop_failed(self: &Arc<Self>, permit: &Permit<Push>, id: UploadId) {
        if let Err(error) = self.cancel_upload(permit, id).await {
            tracing::warn!(upload = %id, %error, "a failed upload stays until it expires");
        }
    }

    /// Ends an upload and drops its bytes. It is closed first: bytes that a successor publishes must not be among those
    /// that are dropped.
    pub async fn cancel_upload(self: &Arc<Self>, permit: &Permit<Push>, id: UploadId) -> Result<()> {
        let (registry, name) = (self.clone(), permit.repository().clone());
        self.detached(async move {
            let row = registry.claim(&name, id, None).await?.row;
            let fence = row.fence;
            let database = &registry.database;
            let closed = database
                .transaction(move |c| Box::pin(async move { upload::close(c, id, fence).await }))
                .await?;
            if !closed {
                return Err(fenced_off(id));
            }
            let discard = registry.blobs.discard(id, row.takeovers, &row.parts, row.digest.as_ref());
            registry.holding(id, fence, discard).await?;
            database
                .transaction(move |c| Box::pin(async move { upload::delete(c, id, fence).await }))
                .await?;
            Ok(())
        })
        .await
    }

    /// Puts a blob that another repository has into this one, without moving a byte. `from` is where the caller
    /// says it is; without it, any repository the caller could pull from will do.
    pub async fn mount_blob(
        &self,
        permit: &Permit<Push>,
        digest: Digest,
        from: Option<&Permit<Pull>>,
        caller_may_search: bool,
    ) -> Result<Mounted> {
        let mountable = match from {
            Some(source) => self.has_blob(source, &digest).await?,
            None => caller_may_search && self.may_find(permit.caller(), &digest).await?,
        };
        let whole = mountable && self.find_damaged(&digest).await?.is_none();
        if whole && self.link(permit.repository(), digest).await? {
            return Ok(Mounted::Mounted(Pushed { digest }));
        }
        Ok(Mounted::Upload(self.start_upload(permit, digest.algorithm()).await?))
    }

    async fn link(&self, name: &RepositoryName, digest: Digest) -> Result<bool> {
        let now = clock::now();
        let wanted = name.clone();
        let linked = self
            .database
            .transaction(move |c| {
                let name = wanted.clone();
                Box::pin(async move {
                    let Some(repository) = repository::ensure(c, &name, now).await? else { return Ok(None) };
                    if blob::find(c, &digest).await?.is_none() {
                        return Ok(Some(false));
                    }
                    blob::link(c, repository.id, &digest, now).await?;
                    Ok(Some(true))
                })
            })
            .await;
        match linked {
            Ok(linked) => linked.ok_or_else(|| unknown_project(&name.project())),
            // It was collected in this very moment; the client brings it again.
            Err(hythe_metadata::Error::Missing { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits until the rows of all uploads that clients have left state what was received. For the end of a node: an
    /// upload that it leaves leased keeps its client waiting for as long as the lease.
    pub async fn finish_uploads(&self) {
        self.detached.close();
        self.detached.wait().await;
    }

    /// Runs to its end even when the one who waits for it goes away.
    async fn detached<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match Detached::new(&self.detached, work.in_current_span()).await {
            Ok(result) => result,
            Err(_) => {
                Err(Error::internal("the upload was interrupted inside the server", "a panic, logged before"))
            }
        }
    }

    /// Takes the upload for this node, so that nobody else writes to it. `digest` notes what it is about to
    /// become.
    async fn claim(&self, name: &RepositoryName, id: UploadId, digest: Option<Digest>) -> Result<Session> {
        let now = clock::now();
        let until = now.saturating_add(clock::micros(LEASE));
        let (holder, wanted) = (self.options.node.clone(), name.clone());
        let claimed = self
            .database
            .transaction(move |c| {
                let (holder, name) = (holder.clone(), wanted.clone());
                Box::pin(async move {
                    match repository::find(c, &name).await? {
                        Some(found) => {
                            let claimed =
                                upload::claim(c, found.id, id, &holder, digest.as_ref(), now, until).await?;
                            Ok((claimed, found.limited))
                        }
                        None => Ok((Claimed::Unknown, false)),
                    }
                })
            })
            .await?;
        let (claimed, limited) = claimed;
        match claimed {
            Claimed::Claimed(row) => Session::open(row, limited.then(|| name.clone())),
            Claimed::Unknown => Err(unknown_upload(id)),
            Claimed::Busy => Err(Error::new(
                Kind::Conflict,
                ErrorCode::BlobUploadInvalid,
                format!("another request is writing to upload {id}; wait for it or begin a new upload"),
            )),
        }
    }

    /// Checks the chunk's place and appends it, keeping the lease alive meanwhile.
    async fn append(&self, session: &mut Session, chunk: Chunk) -> Result<()> {
        check_place(&chunk, session.upload.offset)?;
        self.check_room(session, chunk.length).await?;
        if chunk.length == Some(0) {
            return Ok(());
        }
        let (id, fence) = (session.row.id, session.row.fence);
        let began_at = session.upload.offset;
        self.holding(id, fence, self.blobs.append(&mut session.upload, chunk.body)).await?;
        check_length(chunk.range, began_at, session.upload.offset - began_at)
    }

    /// Refuses bytes that the quota has no room for before they are sent, where their number is known.
    async fn check_room(&self, session: &Session, length: Option<u64>) -> Result<()> {
        match &session.limited {
            Some(repository) => {
                let whole = session.upload.offset.saturating_add(length.unwrap_or(0));
                self.check_quota(repository, whole, session.row.digest.as_ref()).await
            }
            None => Ok(()),
        }
    }

    /// Does what only the holder of the lease may, and keeps it meanwhile.
    async fn holding<T>(
        &self,
        id: UploadId,
        fence: i64,
        work: impl Future<Output = Result<T, hythe_blobs::Error>>,
    ) -> Result<T> {
        tokio::select! {
            done = work => Ok(done?),
            lost = self.keep_lease(id, fence) => Err(lost),
        }
    }

    /// Renews the lease for ever; returns only when it is lost.
    async fn keep_lease(&self, id: UploadId, fence: i64) -> Error {
        loop {
            tokio::time::sleep(RENEW_EVERY).await;
            let until = clock::now().saturating_add(clock::micros(LEASE));
            let renewed = self
                .database
                .transaction(move |c| Box::pin(async move { upload::renew(c, id, fence, until).await }))
                .await;
            match renewed {
                Ok(true) => {}
                Ok(false) => return fenced_off(id),
                // The lease outlasts a short absence of the database; the save at the end has the last word.
                Err(error) => {
                    tracing::warn!(upload = %id, %error, "the lease of an upload could not be renewed")
                }
            }
        }
    }

    /// After an append: saves where the upload stands now, or leaves the row as it was where the chunk was wrong.
    async fn settle(&self, session: &Session, appended: &Result<()>) -> Result<()> {
        match appended {
            Ok(()) => self.save(session).await,
            Err(error) if error.code() == ErrorCode::SizeInvalid => self.save(session).await,
            Err(_) => {
                self.release(session).await;
                Ok(())
            }
        }
    }

    async fn save(&self, session: &Session) -> Result<()> {
        let (id, fence, offset) = (session.row.id, session.row.fence, session.upload.offset);
        let (state, parts) = (session.upload.hash.state(), session.upload.parts.clone());
        let expires_at = clock::now().saturating_add(clock::micros(self.options.upload_expiry));
        let saved = self
            .database
            .transaction(move |c| {
                let (state, parts) = (state.clone(), parts.clone());
                Box::pin(async move { upload::save(c, id, fence, offset, &state, &parts, expires_at).await })
            })
            .await?;
        if saved { Ok(()) } else { Err(fenced_off(id)) }
    }

    /// Gives the lease back early; if that fails it runs out by itself.
    async fn release(&self, session: &Session) {
        let (id, fence) = (session.row.id, session.row.fence);
        let released = self
            .database
            .transaction(move |c| Box::pin(async move { upload::release(c, id, fence).await }))
            .await;
        if let Err(error) = released {
            tracing::warn!(upload = %id, %error, "an upload stays leased until its lease runs out");
        }
    }

    /// Verifies, makes durable, and in one transaction names the bytes and closes the upload. Storage is asked about
    /// bytes that were pushed before outside of the transaction, which must not wait for it.
    async fn publish(self: &Arc<Self>, session: &mut Session, digest: &Digest) -> Result<Pushed> {
        let (id, fence, repository_id) = (session.row.id, session.row.fence, session.row.repository_id);
        let location = self.holding(id, fence, self.blobs.publish(&mut session.upload, digest)).await?;
        let row = blob::Blob {
            digest: *digest,
            size: session.upload.offset,
            location: location.as_str().to_owned(),
        };
        let damaged = self.find_damaged(digest).await?;
        let now = clock::now();
        let recorded = self
            .database
            .transaction(move |c| {
                let (row, damaged) = (row.clone(), damaged.clone());
                Box::pin(async move {
                    if !upload::delete(c, id, fence).await? {
                        return Ok(None);
                    }
                    let recorded = record(c, &row, damaged.as_ref(), now).await?;
                    if let blob::Recorded::Existing(_) = recorded {
                        garbage::create(c, std::slice::from_ref(&row), now).await?;
                    }
                    blob::link(c, repository_id, &row.digest, now).await?;
                    Ok(Some(recorded))
                })
            })
            .await?;
        match recorded {
            None => return Err(fenced_off(id)),
            Some(blob::Recorded::Created) => {}
            Some(blob::Recorded::Existing(_)) => self.drop_duplicate_aside(id, location).await,
        }
        Ok(Pushed { digest: *digest })
    }

    /// [`Registry::drop_duplicate`], for which the client does not wait, because a gigabyte takes the disk a while; unless
    /// there are many.
    async fn drop_duplicate_aside(self: &Arc<Self>, id: UploadId, location: hythe_blobs::Location) {
        static UNWAITED: Semaphore = Semaphore::const_new(16);
        let Ok(turn) = UNWAITED.try_acquire() else { return self.drop_duplicate(id, &location).await };
        let registry = self.clone();
        let dropping = async move {
            registry.drop_duplicate(id, &location).await;
            drop(turn);
        };
        self.detached.spawn(dropping.in_current_span());
    }

    /// Somebody else brought the same bytes first; ours are garbage, and nobody has seen them: they go at once. If that
    /// fails, or the node ends, they go with the other garbage.
    async fn drop_duplicate(&self, id: UploadId, location: &hythe_blobs::Location) {
        let place = [location.as_str().to_owned()];
        let removed = match self.blobs.remove(location).await {
            Ok(()) => self
                .database
                .transaction(move |c| {
                    let place = place.clone();
                    Box::pin(async move { garbage::delete(c, &place).await })
                })
                .await
                .map(drop)
                .map_err(Error::from),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = removed {
            tracing::warn!(upload = %id, %location, %error, "the bytes of a duplicate blob are left to garbage collection");
        }
    }
}

/// Names the bytes of `row`; where the digest has bytes already, which stay, unless they are the damaged ones.
async fn record(
    c: &mut Connection,
    row: &blob::Blob,
    damaged: Option<&blob::Blob>,
    now: clock::Micros,
) -> hythe_metadata::Result<blob::Recorded> {
    let recorded = blob::record(c, row, now).await?;
    if let (blob::Recorded::Existing(existing), Some(damaged)) = (&recorded, damaged)
        && existing == damaged
        && blob::relocate(c, damaged, &row.location, now).await?
    {
        tracing::info!(digest = %row.digest, location = %row.location, "a damaged blob was pushed again and is whole");
        return Ok(blob::Recorded::Created);
    }
    Ok(recorded)
}

enum Started {
    Done,
    NoProject,
    TooMany,
}

impl Session {
    fn open(row: UploadRow, limited: Option<RepositoryName>) -> Result<Session> {
        let hash = Hasher::restore(&row.hash_state)
            .map_err(|error| hythe_blobs::Error::hash_state(row.id, &error))?;
        let (id, takeovers, offset, parts) = (row.id, row.takeovers, row.offset, row.parts.clone());
        let upload = Upload { id, takeovers, offset, hash, parts };
        Ok(Session { row, upload, limited })
    }
}

/// Nothing but a quota denies what a permit allows.
fn is_refused<T>(outcome: &Result<T>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind() == Kind::Denied)
}

/// A chunk must begin where the upload ends (spec, "Pushing a blob in chunks").
fn check_place(chunk: &Chunk, offset: u64) -> Result<()> {
    let Some(range) = chunk.range else { return Ok(()) };
    if range.start() != offset {
        return Err(Error::new(
            Kind::Range,
            ErrorCode::RangeInvalid,
            format!("the chunk begins at {}, the upload continues at {offset}", range.start()),
        )
        .with_detail(serde_json::json!({ OFFSET_DETAIL: offset })));
    }
    match chunk.length {
        Some(length) if length != range.length() => Err(Error::new(
            Kind::Range,
            ErrorCode::RangeInvalid,
            format!("Content-Range {range} is {} bytes, Content-Length says {length}", range.length()),
        )
        .with_detail(serde_json::json!({ OFFSET_DETAIL: offset }))),
        _ => Ok(()),
    }
}

/// What arrived must fill its place. HTTP checks Content-Length; a chunked body with a range is ours. `offset` is
/// where the chunk began, and where the upload still stands: the row is not moved on for such a chunk.
fn check_length(range: Option<ContentRange>, offset: u64, arrived: u64) -> Result<()> {
    match range {
        Some(range) if range.length() != arrived => Err(Error::new(
            Kind::Range,
            ErrorCode::RangeInvalid,
            format!("Content-Range {range} is {} bytes, {arrived} arrived", range.length()),
        )
        .with_detail(serde_json::json!({ OFFSET_DETAIL: offset }))),
        _ => Ok(()),
    }
}

fn unknown_upload(id: UploadId) -> Error {
    Error::unknown(
        ErrorCode::BlobUploadUnknown,
        format!("there is no upload {id} in this repository; it was finished, cancelled or has expired"),
    )
}

fn fenced_off(id: UploadId) -> Error {
    Error::new(
        Kind::Conflict,
        ErrorCode::BlobUploadInvalid,
        format!("upload {id} was taken over by another request while this one was stalled"),
    )
}

fn new_upload_id() -> UploadId {
    UploadId::from_u128(uuid::Uuid::now_v7().as_u128())
}
