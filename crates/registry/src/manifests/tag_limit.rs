//! Rights that are good for some tags only, where a request names a digest.

use hythe_metadata::{Connection, manifest, repository, tag};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::tag::Tag;

use crate::access::{Permit, TagLimit};
use crate::error::{Error, Kind, Result};

/// Tags of one manifest that are looked at.
const TAGS: u32 = 1000;

/// Clients resolve a tag and go on by digest, so a digest is as good as a tag that leads to it, directly or through
/// an index. Nothing is read where the right is good for all tags.
pub(crate) async fn check_digest<R>(c: &mut Connection, permit: &Permit<R>, digest: &Digest) -> Result<()> {
    if *permit.tags() == TagLimit::None {
        return Ok(());
    }
    let Some(repository) = repository::find(c, permit.repository()).await? else { return Ok(()) };
    let mut candidates = vec![*digest];
    candidates.extend(manifest::list_parents(c, repository.id, digest, TAGS).await?);
    for candidate in candidates {
        let tags = tag::list_by_digest(c, repository.id, &candidate, TAGS).await?;
        if tags.iter().any(|tag| allows(permit, tag)) {
            return Ok(());
        }
    }
    Err(refusal(permit, digest))
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
