//! Rights that are good for some tags only, where a request names a digest.

use hythe_metadata::{Connection, blob, repository, tag};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::tag::Tag;

use crate::access::{Permit, TagLimit};
use crate::error::{Error, Kind, Result};

/// Tags that are looked at in one go.
const TAGS: u32 = 1000;

/// Clients resolve a tag and go on by digest, so a digest is as good as a tag that leads to it, directly or through
/// an index. Nothing is read where the right is good for all tags.
pub(crate) async fn check_digest<R>(c: &mut Connection, permit: &Permit<R>, digest: &Digest) -> Result<()> {
    let TagLimit::Patterns(_) = permit.tags() else { return Ok(()) };
    let Some(repository) = repository::find(c, permit.repository()).await? else { return Ok(()) };
    let led = is_led_to(c, permit, repository.id, digest).await?;
    if led { Ok(()) } else { Err(refusal(permit, digest)) }
}

/// As manifests, so blobs; but for one that no manifest needs yet, which somebody is pushing. The refusal is that it is
/// not there: a client that asks before it pushes goes on and pushes it.
pub(crate) async fn check_blob<R>(
    c: &mut Connection,
    permit: &Permit<R>,
    repository_id: i64,
    digest: &Digest,
) -> Result<()> {
    let TagLimit::Patterns(patterns) = permit.tags() else { return Ok(()) };
    if may_use_blob(c, permit, repository_id, digest).await? {
        return Ok(());
    }
    Err(Error::unknown(
        ErrorCode::BlobUnknown,
        format!(
            "repository {} has no blob {digest} under the tags {}, which are all that {} may use",
            permit.repository(),
            patterns.join(", "),
            permit.caller().described(),
        ),
    ))
}

pub(crate) async fn may_use_blob<R>(
    c: &mut Connection,
    permit: &Permit<R>,
    repository_id: i64,
    digest: &Digest,
) -> Result<bool> {
    Ok(*permit.tags() == TagLimit::None
        || !blob::is_referenced(c, repository_id, digest).await?
        || is_led_to(c, permit, repository_id, digest).await?)
}

async fn is_led_to<R>(
    c: &mut Connection,
    permit: &Permit<R>,
    repository_id: i64,
    digest: &Digest,
) -> Result<bool> {
    let mut after = String::new();
    loop {
        let tags = tag::list_leading_to(c, repository_id, digest, &after, TAGS).await?;
        if tags.iter().any(|tag| allows(permit, tag)) {
            return Ok(true);
        }
        match tags.into_iter().nth(TAGS as usize - 1) {
            Some(last) => after = last,
            None => return Ok(false),
        }
    }
}

/// What is deleted by digest takes all of its tags along.
pub(crate) async fn check_all_tags<R>(c: &mut Connection, permit: &Permit<R>, digest: &Digest) -> Result<()> {
    if *permit.tags() == TagLimit::None {
        return Ok(());
    }
    let Some(repository) = repository::find(c, permit.repository()).await? else { return Ok(()) };
    let tags = tag::list_by_digest(c, repository.id, digest, TAGS).await?;
    let all = !tags.is_empty() && tags.len() < TAGS as usize && tags.iter().all(|tag| allows(permit, tag));
    if all { Ok(()) } else { Err(refusal(permit, digest)) }
}

fn allows<R>(permit: &Permit<R>, tag: &str) -> bool {
    tag.parse::<Tag>().is_ok_and(|tag| permit.tags().allows(&tag))
}

fn refusal<R>(permit: &Permit<R>, digest: &Digest) -> Error {
    let TagLimit::Patterns(patterns) = permit.tags() else {
        return Error::forbidden(format!("{digest} may not be used"));
    };
    Error::new(
        if permit.caller().is_token() { Kind::Unauthenticated } else { Kind::Forbidden },
        ErrorCode::Denied,
        format!(
            "{} may use only the tags {} of {}, and none of them leads to {digest}",
            permit.caller().described(),
            patterns.join(", "),
            permit.repository()
        ),
    )
}
