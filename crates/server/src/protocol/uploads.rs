//! Blob uploads over HTTP. No rule stands here: places, lengths and digests are checked by the registry.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::TryStreamExt;
use http::{HeaderName, HeaderValue, StatusCode, header};
use hythe_blobs::BodyError;
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::range::ContentRange;
use hythe_oci::upload_id::UploadId;
use hythe_registry::access::{Permit, Push};
use hythe_registry::uploads::{Chunk, Mounted, Pushed, Status};

use super::{CONTENT_DIGEST, Exchange, header_value};
use crate::answer::Failure;

const UPLOAD_UUID: HeaderName = HeaderName::from_static("docker-upload-uuid");

/// What a `POST` to the uploads asks for.
pub(super) struct Wanted {
    pub(super) digest: Option<Digest>,
    pub(super) algorithm: Option<Algorithm>,
    pub(super) mount: Option<Digest>,
    pub(super) from: Option<RepositoryName>,
}

/// `POST /v2/<name>/blobs/uploads/`: mount, push in one request, or begin an upload.
pub(super) async fn start(
    exchange: &Exchange,
    repository: &RepositoryName,
    wanted: Wanted,
    body: Body,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Push>(repository).await?;
    let registry = exchange.registry();
    if let Some(digest) = wanted.mount {
        // A source that may not be read is treated like one that does not have the blob: clients take a refusal
        // of the mount for a refusal of the whole push.
        let source = match &wanted.from {
            Some(from) => registry.find_source_permit(&exchange.caller, from).await?,
            None => None,
        };
        let may_search = wanted.from.is_none();
        return Ok(match registry.mount_blob(&permit, digest, source.as_ref(), may_search).await? {
            Mounted::Mounted(pushed) => created(exchange, repository, &pushed),
            Mounted::Upload(status) => accepted(exchange, repository, status),
        });
    }
    if let Some(digest) = wanted.digest {
        let pushed = registry.push_blob(permit, digest, chunk(exchange, body)?).await?;
        return Ok(created(exchange, repository, &pushed));
    }
    let status = registry.start_upload(&permit, wanted.algorithm.unwrap_or(Algorithm::Sha256)).await?;
    Ok(accepted(exchange, repository, status))
}

/// `GET` on an upload: where it stands.
pub(super) async fn status(
    exchange: &Exchange,
    repository: &RepositoryName,
    id: UploadId,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Push>(repository).await?;
    let status = exchange.registry().upload_status(&permit, id).await?;
    Ok(progress(exchange, repository, status, StatusCode::NO_CONTENT))
}

/// `PATCH` on an upload: a chunk, with a place or without.
pub(super) async fn append(
    exchange: &Exchange,
    repository: &RepositoryName,
    id: UploadId,
    body: Body,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Push>(repository).await?;
    let chunk = match chunk(exchange, body) {
        Ok(chunk) => chunk,
        Err(failure) => return refuse_place(exchange, &permit, id, failure).await,
    };
    let appended = exchange.registry().append_upload(permit, id, chunk).await;
    match appended {
        Ok(status) => Ok(accepted(exchange, repository, status)),
        Err(error) => Ok(refused(exchange, repository, id, error)),
    }
}

/// `PUT` on an upload: the last bytes, if any, and the digest of the whole.
pub(super) async fn finish(
    exchange: &Exchange,
    repository: &RepositoryName,
    id: UploadId,
    digest: Digest,
    body: Body,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Push>(repository).await?;
    let last = match chunk(exchange, body) {
        Ok(last) => last,
        Err(failure) => return refuse_place(exchange, &permit, id, failure).await,
    };
    let finished = exchange.registry().finish_upload(permit, id, digest, last).await;
    match finished {
        Ok(pushed) => Ok(created(exchange, repository, &pushed)),
        Err(error) => Ok(refused(exchange, repository, id, error)),
    }
}

/// `DELETE` on an upload.
pub(super) async fn cancel(
    exchange: &Exchange,
    repository: &RepositoryName,
    id: UploadId,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Push>(repository).await?;
    exchange.registry().cancel_upload(&permit, id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The request's body with what its headers say about it. A request that says nothing about its length and has
/// no place is a stream: it goes to the end of the upload.
fn chunk(exchange: &Exchange, body: Body) -> Result<Chunk, Failure> {
    let range = match exchange.header(&header::CONTENT_RANGE) {
        None => None,
        Some(text) => Some(text.parse::<ContentRange>().map_err(|error| {
            Failure::with_status(
                StatusCode::RANGE_NOT_SATISFIABLE,
                ErrorCode::RangeInvalid.as_str(),
                error.to_string(),
            )
        })?),
    };
    let length = match exchange.header(&header::CONTENT_LENGTH) {
        None if http_body::Body::is_end_stream(&body) => Some(0),
        None => None,
        Some(text) => text.parse().ok(),
    };
    let stream = body.into_data_stream().map_err(|error| BodyError::new(error.to_string()));
    Ok(Chunk { range, length, body: Box::pin(stream) })
}

/// A chunk whose place cannot be read: where the upload stands has to be looked up.
async fn refuse_place(
    exchange: &Exchange,
    permit: &Permit<Push>,
    id: UploadId,
    failure: Failure,
) -> Result<Response, Failure> {
    let status = exchange.registry().upload_status(permit, id).await?;
    Ok(with_progress(exchange, permit.repository(), status, failure))
}

/// A chunk that the registry refused; what it says about the upload's end is passed on.
fn refused(
    exchange: &Exchange,
    repository: &RepositoryName,
    id: UploadId,
    error: hythe_registry::Error,
) -> Response {
    let offset = error
        .detail()
        .and_then(|detail| detail.get(hythe_registry::uploads::OFFSET_DETAIL))
        .and_then(serde_json::Value::as_u64);
    match offset {
        Some(offset) => with_progress(exchange, repository, Status { id, offset }, Failure::from(error)),
        None => Failure::from(error).into_response(),
    }
}

/// A refused chunk's answer says where the upload stands, so that the client can go on from there.
fn with_progress(
    exchange: &Exchange,
    repository: &RepositoryName,
    status: Status,
    failure: Failure,
) -> Response {
    let mut response = failure.into_response();
    let progress = progress(exchange, repository, status, StatusCode::OK);
    let headers = progress.headers().iter().map(|(name, value)| (name.clone(), value.clone()));
    response.headers_mut().extend(headers);
    response
}

fn accepted(exchange: &Exchange, repository: &RepositoryName, status: Status) -> Response {
    let mut response = progress(exchange, repository, status, StatusCode::ACCEPTED);
    response.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(0));
    response
}

/// `Range: 0-<last byte>`; an empty upload says `0-0`, as every client expects it.
fn progress(exchange: &Exchange, repository: &RepositoryName, status: Status, code: StatusCode) -> Response {
    let location = exchange.location(&format!("/v2/{repository}/blobs/uploads/{}", status.id));
    let headers = [
        (header::LOCATION, header_value(location)),
        (header::RANGE, header_value(format!("0-{}", status.offset.saturating_sub(1)))),
        (UPLOAD_UUID, header_value(status.id)),
    ];
    (code, headers).into_response()
}

fn created(exchange: &Exchange, repository: &RepositoryName, pushed: &Pushed) -> Response {
    let location = exchange.location(&format!("/v2/{repository}/blobs/{}", pushed.digest));
    let headers = [
        (header::LOCATION, header_value(location)),
        (CONTENT_DIGEST, header_value(pushed.digest)),
        (header::CONTENT_LENGTH, HeaderValue::from(0)),
    ];
    (StatusCode::CREATED, headers).into_response()
}
