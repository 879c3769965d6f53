//! Blobs over HTTP: whole, in ranges, or only their headers.

use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hythe_blobs::Blob;
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::range::RangeHeader;
use hythe_registry::access::{Delete, Pull};

use super::{CONTENT_DIGEST, Exchange, etag, header_value, matches_etag};
use crate::answer::Failure;
use crate::listener::{ConnectionInfo, file_body};

/// Long enough for a client to begin; what has begun goes on.
const LINK_LIFETIME: Duration = Duration::from_secs(20 * 60);

/// A digest names its bytes for ever; shared caches must ask, because rights can change.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// `GET` and `HEAD /v2/<name>/blobs/<digest>`.
pub(super) async fn pull(
    exchange: &Exchange,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Pull>(repository).await?;
    let row = exchange.registry().get_blob(&permit, digest).await?;
    let etag = etag(digest);
    if matches_etag(&exchange.parts.headers, &etag) {
        return Ok((
            StatusCode::NOT_MODIFIED,
            [
                (CONTENT_DIGEST, header_value(digest)),
                (header::ETAG, etag),
                (header::CACHE_CONTROL, CACHE_CONTROL),
            ],
        )
            .into_response());
    }
    if let Some(link) = signed_link(exchange, &row).await? {
        return Ok(redirect(&link, digest));
    }
    let blob = exchange.registry().open_blob(&row).await?;
    let range = wanted_range(exchange, &etag, row.size)?;
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    headers.insert(header::ETAG, etag);
    headers.insert(CONTENT_DIGEST, header_value(digest));
    let status = match &range {
        Some(range) => {
            let value = format!("bytes {}-{}/{}", range.start, range.end.saturating_sub(1), row.size);
            headers.insert(header::CONTENT_RANGE, header_value(value));
            StatusCode::PARTIAL_CONTENT
        }
        None => StatusCode::OK,
    };
    let range = range.unwrap_or(0..row.size);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    let body = if exchange.is_head() { Body::empty() } else { body(exchange, &blob, range) };
    Ok((status, headers, body).into_response())
}

/// A link straight to the storage, where the operator allows it and the storage can sign one. `HEAD` is answered here:
/// a link is signed for one method.
async fn signed_link(
    exchange: &Exchange,
    row: &hythe_metadata::blob::Blob,
) -> Result<Option<String>, Failure> {
    if !exchange.app.options.redirect_blobs || exchange.is_head() {
        return Ok(None);
    }
    Ok(exchange.registry().sign_blob(row, LINK_LIFETIME).await?)
}

/// 307, so that `GET` stays `GET` and its `Range` is repeated.
fn redirect(link: &str, digest: &Digest) -> Response {
    let headers = [
        (header::LOCATION, header_value(link)),
        (CONTENT_DIGEST, header_value(digest)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_LENGTH, HeaderValue::from(0)),
    ];
    (StatusCode::TEMPORARY_REDIRECT, headers).into_response()
}

/// `DELETE /v2/<name>/blobs/<digest>`.
pub(super) async fn delete(
    exchange: &Exchange,
    repository: &RepositoryName,
    digest: &Digest,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Delete>(repository).await?;
    exchange.registry().delete_blob(&permit, digest).await?;
    Ok((StatusCode::ACCEPTED, [(header::CONTENT_LENGTH, HeaderValue::from(0))]).into_response())
}

/// Local files go out by `sendfile` where the connection can; everything else is a stream.
fn body(exchange: &Exchange, blob: &Blob, range: Range<u64>) -> Body {
    let connection = exchange.parts.extensions.get::<ConnectionInfo>();
    match (connection, blob.file()) {
        (Some(connection), Some(file)) => file_body(connection, file, range, |range| blob.stream(range)),
        _ => Body::from_stream(blob.stream(range)),
    }
}

/// The part asked for; none where the whole is to be sent. `If-Range` with another entity tag asks for the whole, and
/// `HEAD` always does: ranges are defined for `GET` only (RFC 9110 section 14.2).
fn wanted_range(exchange: &Exchange, etag: &HeaderValue, size: u64) -> Result<Option<Range<u64>>, Failure> {
    let Some(value) = exchange.header(&header::RANGE).filter(|_| !exchange.is_head()) else {
        return Ok(None);
    };
    if let Some(condition) = exchange.header(&header::IF_RANGE)
        && etag.to_str().ok() != Some(condition)
    {
        return Ok(None);
    }
    RangeHeader::parse(value, size).map_err(|_| {
        Failure::with_status(
            StatusCode::RANGE_NOT_SATISFIABLE,
            ErrorCode::RangeInvalid.as_str(),
            format!("{} lies outside of this blob of {size} bytes", value.escape_debug()),
        )
        .with_size_of_content(size)
    })
}
