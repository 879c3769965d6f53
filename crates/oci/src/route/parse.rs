//! From method, path and query to a [`Route`]: shape, method, name, then what else the endpoint takes.

use crate::digest::{Algorithm, Digest, DigestError};
use crate::error_code::ErrorCode;
use crate::name::RepositoryName;
use crate::reference::{Reference, ReferenceError};
use crate::route::query::{Query, decode};
use crate::route::shape::Shape;
use crate::route::{Route, RouteError};
use crate::tag::Tag;
use crate::text::excerpt;
use crate::upload_id::UploadId;

/// Most tags in one push; the specification asks for at least 10.
const MAX_TAGS: usize = 100;

pub(super) fn parse(method: &str, path: &str, query: &str) -> Result<Route, RouteError> {
    let path = decode(path).ok_or_else(|| {
        let message = format!("path {} is not percent-encoded UTF-8", excerpt(path));
        RouteError::new(ErrorCode::NameInvalid, message)
    })?;
    let shape = Shape::find(&path)
        .map_err(|error| RouteError::new(ErrorCode::Unsupported, error).with_status(404))?;
    let method = Method::find(method).ok_or_else(|| method_not_allowed(shape))?;
    parse_endpoint(shape, method, Query(query))
}

/// The methods that some endpoint takes; HEAD is GET to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    Get,
    Post,
    Patch,
    Put,
    Delete,
}

impl Method {
    fn find(text: &str) -> Option<Self> {
        match text {
            "GET" | "HEAD" => Some(Self::Get),
            "POST" => Some(Self::Post),
            "PATCH" => Some(Self::Patch),
            "PUT" => Some(Self::Put),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}

/// The specification's table of endpoints, a line each.
fn parse_endpoint(shape: Shape<'_>, method: Method, query: Query<'_>) -> Result<Route, RouteError> {
    use Method::{Delete, Get, Patch, Post, Put};
    Ok(match (shape, method) {
        (Shape::Base, Get) => Route::Base,
        (Shape::Catalog, Get) => Route::Catalog { page: query.page()? },
        (Shape::Tags { name }, Get) => Route::ListTags { repository: repository(name)?, page: query.page()? },
        (Shape::Manifest { name, reference }, Get) => {
            Route::PullManifest { repository: repository(name)?, reference: existing(reference)? }
        }
        (Shape::Manifest { name, reference }, Put) => push_manifest(repository(name)?, reference, query)?,
        (Shape::Manifest { name, reference }, Delete) => {
            Route::DeleteManifest { repository: repository(name)?, reference: existing(reference)? }
        }
        (Shape::Blob { name, digest: text }, Get) => {
            Route::PullBlob { repository: repository(name)?, digest: digest(text)? }
        }
        (Shape::Blob { name, digest: text }, Delete) => {
            Route::DeleteBlob { repository: repository(name)?, digest: digest(text)? }
        }
        (Shape::Uploads { name }, Post) => start_upload(repository(name)?, query)?,
        (Shape::Upload { name, id }, Get) => {
            Route::UploadStatus { repository: repository(name)?, upload: upload(id)? }
        }
        (Shape::Upload { name, id }, Patch) => {
            Route::AppendUpload { repository: repository(name)?, upload: upload(id)? }
        }
        (Shape::Upload { name, id }, Put) => Route::FinishUpload {
            repository: repository(name)?,
            upload: upload(id)?,
            digest: final_digest(query)?,
        },
        (Shape::Upload { name, id }, Delete) => {
            Route::CancelUpload { repository: repository(name)?, upload: upload(id)? }
        }
        (Shape::Referrers { name, digest: text }, Get) => Route::ListReferrers {
            repository: repository(name)?,
            digest: digest(text)?,
            artifact_types: query.artifact_types()?,
            page: query.page()?,
        },
        _ => return Err(method_not_allowed(shape)),
    })
}

fn push_manifest(repository: RepositoryName, reference: &str, query: Query<'_>) -> Result<Route, RouteError> {
    let reference = reference.parse().map_err(|error| match error {
        ReferenceError::Tag(error) => RouteError::new(ErrorCode::TagInvalid, error),
        ReferenceError::Digest(error) => invalid_digest(error),
    })?;
    // Only a push by digest may carry tags; elsewhere they are a parameter that nobody reads.
    let tags = if matches!(reference, Reference::Digest(_)) { tags(query)? } else { Vec::new() };
    Ok(Route::PushManifest { repository, reference, tags })
}

fn start_upload(repository: RepositoryName, query: Query<'_>) -> Result<Route, RouteError> {
    let digest: Option<Digest> = query.find("digest")?.map(|text| digest(&text)).transpose()?;
    let algorithm =
        query.find("digest-algorithm")?.map(|text| text.parse().map_err(invalid_digest)).transpose()?;
    check_agreement(digest, algorithm)?;
    // A mount that cannot be done becomes an ordinary upload, so what does not parse is no error here:
    // clients such as buildkit stop at a 400 and go on at a 202.
    let mount = query.find("mount").ok().flatten().and_then(|text| text.parse().ok());
    let from = query.find("from").ok().flatten().and_then(|text| text.parse().ok());
    Ok(Route::StartUpload { repository, digest, algorithm, mount, from })
}

fn check_agreement(digest: Option<Digest>, algorithm: Option<Algorithm>) -> Result<(), RouteError> {
    match (digest, algorithm) {
        (Some(digest), Some(algorithm)) if digest.algorithm() != algorithm => {
            let message = format!("digest-algorithm is {algorithm}, but the digest is {digest}");
            Err(RouteError::new(ErrorCode::DigestInvalid, message))
        }
        _ => Ok(()),
    }
}

fn final_digest(query: Query<'_>) -> Result<Digest, RouteError> {
    let missing = || RouteError::new(ErrorCode::DigestInvalid, "query parameter 'digest' is missing");
    digest(&query.find("digest")?.ok_or_else(missing)?)
}

/// The `tag` parameters, each tag once.
fn tags(query: Query<'_>) -> Result<Vec<Tag>, RouteError> {
    let mut tags = Vec::new();
    for text in query.all("tag") {
        let tag: Tag = text?.parse().map_err(|error| RouteError::new(ErrorCode::TagInvalid, error))?;
        if !tags.contains(&tag) {
            tags.push(tag);
        }
        if tags.len() > MAX_TAGS {
            let message = format!("more than {MAX_TAGS} tags in one push");
            return Err(RouteError::new(ErrorCode::TagInvalid, message).with_status(414));
        }
    }
    Ok(tags)
}

fn repository(name: &str) -> Result<RepositoryName, RouteError> {
    name.parse().map_err(|error| RouteError::new(ErrorCode::NameInvalid, error))
}

/// A reference to what should be there. Nothing has an invalid tag, so that is not found rather than wrong:
/// the conformance suite of 1.1 asks for `.INVALID_MANIFEST_NAME` and wants a 404.
fn existing(reference: &str) -> Result<Reference, RouteError> {
    reference.parse().map_err(|error| match error {
        ReferenceError::Tag(error) => RouteError::new(ErrorCode::ManifestUnknown, error),
        ReferenceError::Digest(error) => invalid_digest(error),
    })
}

fn digest(text: &str) -> Result<Digest, RouteError> {
    text.parse().map_err(invalid_digest)
}

fn invalid_digest(error: DigestError) -> RouteError {
    RouteError::new(ErrorCode::DigestInvalid, error)
}

fn upload(id: &str) -> Result<UploadId, RouteError> {
    id.parse().map_err(|error| RouteError::new(ErrorCode::BlobUploadUnknown, error))
}

fn method_not_allowed(shape: Shape<'_>) -> RouteError {
    let allowed = shape.allowed_methods();
    let message = format!("method is not supported here: use {}", allowed.join(", "));
    RouteError { allowed, ..RouteError::new(ErrorCode::Unsupported, message) }
}
