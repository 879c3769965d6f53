//! Manifests over HTTP.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;
use hythe_oci::tag::Tag;
use hythe_registry::access::{Delete, Pull, Push};
use hythe_registry::manifests::{Expected, PushManifest, PushedManifest};

use super::{CONTENT_DIGEST, Exchange, etag, header_value, matches_etag};
use crate::answer::Failure;

const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");
const TAG: HeaderName = HeaderName::from_static("oci-tag");

/// `GET` and `HEAD /v2/<name>/manifests/<reference>`. `Accept` is not looked at: what was pushed is what is given.
pub(super) async fn pull(
    exchange: &Exchange,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Pull>(repository).await?;
    let pulled = exchange.registry().pull_manifest(&permit, reference).await?;
    if let (true, Reference::Digest(digest)) = (exchange.is_head(), reference) {
        exchange.registry().promise_manifest(&permit, digest).await?;
    }
    let etag = etag(&pulled.digest);
    if matches_etag(&exchange.parts.headers, &etag) {
        let headers = [(CONTENT_DIGEST, header_value(pulled.digest)), (header::ETAG, etag)];
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    if !exchange.is_head() {
        exchange.registry().count_pull(&permit, reference, &pulled.digest);
    }
    let length = HeaderValue::from(pulled.bytes.len());
    let body = if exchange.is_head() { Body::empty() } else { Body::from(pulled.bytes) };
    let headers = [
        (header::CONTENT_TYPE, header_value(&pulled.media_type)),
        (header::CONTENT_LENGTH, length),
        (CONTENT_DIGEST, header_value(pulled.digest)),
        (header::ETAG, etag),
    ];
    Ok((StatusCode::OK, headers, body).into_response())
}

/// `PUT /v2/<name>/manifests/<reference>[?tag=…]`.
pub(super) async fn push(
    exchange: &Exchange,
    repository: &RepositoryName,
    reference: Reference,
    tags: Vec<Tag>,
    body: Body,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Push>(repository).await?;
    let expected = expected(exchange)?;
    let push = PushManifest {
        reference,
        tags,
        content_type: exchange.header(&header::CONTENT_TYPE).map(str::to_owned),
        bytes: read_manifest(body, exchange.app.options.manifest_max_bytes).await?,
        expected,
    };
    let extra_tags = push.tags.clone();
    let pushed = exchange.registry().push_manifest(&permit, push).await?;
    Ok(created(exchange, repository, &pushed, &extra_tags))
}

fn created(
    exchange: &Exchange,
    repository: &RepositoryName,
    pushed: &PushedManifest,
    extra_tags: &[Tag],
) -> Response {
    let location = exchange.location(&format!("/v2/{repository}/manifests/{}", pushed.digest));
    let headers = [
        (header::LOCATION, header_value(location)),
        (CONTENT_DIGEST, header_value(pushed.digest)),
        (header::ETAG, etag(&pushed.digest)),
        (header::CONTENT_LENGTH, HeaderValue::from(0)),
    ];
    let mut response = (StatusCode::CREATED, headers).into_response();
    if let Some(subject) = pushed.subject {
        response.headers_mut().insert(SUBJECT, header_value(subject));
    }
    for tag in extra_tags {
        response.headers_mut().append(TAG, header_value(tag));
    }
    response
}

/// `DELETE /v2/<name>/manifests/<reference>`.
pub(super) async fn delete(
    exchange: &Exchange,
    repository: &RepositoryName,
    reference: &Reference,
) -> Result<Response, Failure> {
    let permit = exchange.permit::<Delete>(repository).await?;
    exchange.registry().delete_manifest(&permit, reference).await?;
    Ok((StatusCode::ACCEPTED, [(header::CONTENT_LENGTH, HeaderValue::from(0))]).into_response())
}

/// The whole manifest in memory, which is what its limit is for.
async fn read_manifest(body: Body, limit: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => Err(Failure::with_status(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::SizeInvalid.as_str(),
            format!(
                "the manifest is larger than {limit} bytes; the operator can raise registry.manifest_max_bytes"
            ),
        )),
        Err(error) => {
            Err(Failure::new(ErrorCode::SizeInvalid, format!("the manifest did not arrive whole: {error}")))
        }
    }
}

/// `If-Match: "<digest>"` pushes only if the tags point there now, `If-Match: *` only if they exist, `If-None-Match: *`
/// only if they are new (RFC 9110 section 13.1): compare-and-set for tags. Any other condition is refused: to pass it
/// over would be to push where the client said not to.
fn expected(exchange: &Exchange) -> Result<Expected, Failure> {
    let headers = &exchange.parts.headers;
    if let Some(value) = headers.get(header::IF_NONE_MATCH) {
        return match value.as_bytes().trim_ascii() {
            b"*" => Ok(Expected::Absent),
            _ => Err(precondition_unreadable("If-None-Match", "*")),
        };
    }
    match headers.get(header::IF_MATCH) {
        None => Ok(Expected::Any),
        Some(value) => expected_match(value)
            .ok_or_else(|| precondition_unreadable("If-Match", "* or one quoted digest, \"sha256:…\"")),
    }
}

fn expected_match(value: &HeaderValue) -> Option<Expected> {
    let text = value.to_str().ok()?.trim();
    if text == "*" {
        return Some(Expected::Present);
    }
    let digest = text.strip_prefix('"')?.strip_suffix('"')?;
    digest.parse().ok().map(Expected::Digest)
}

fn precondition_unreadable(header: &str, form: &str) -> Failure {
    Failure::new(ErrorCode::ManifestInvalid, format!("{header} on a manifest push must be {form}"))
}
