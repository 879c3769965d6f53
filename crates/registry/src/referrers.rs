//! Referrers: the manifests that name another as their subject, with those that older clients listed by hand.
//!
//! Clients from before the referrers API keep an index under the tag `<algorithm>-<hex>`. What such an index
//! names is folded in, so that the answer is complete whichever way a signature was attached (spec, "Enabling
//! the Referrers API").

use std::collections::{BTreeMap, HashSet};

use hythe_metadata::manifest::{self, Referrer};
use hythe_metadata::repository;
use hythe_oci::descriptor::Descriptor;
use hythe_oci::digest::Digest;
use hythe_oci::manifest::Manifest;
use hythe_oci::tag::Tag;

use crate::Registry;
use crate::access::{Permit, Pull};
use crate::error::Result;

/// A page ends when what it lists comes from manifests of this many bytes: as much as a manifest may have itself, which
/// is what clients read of an index.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// One page of referrers.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In the order of their digests.
    pub referrers: Vec<Referrer>,
    /// The digest after which the next page begins; absent on the last page.
    pub next: Option<Digest>,
}

impl Registry {
    /// At most `limit` referrers of `subject`. A subject nobody knows has none: that is not an error.
    pub async fn list_referrers(
        &self,
        permit: &Permit<Pull>,
        subject: &Digest,
        artifact_types: &[String],
        after: Option<Digest>,
        limit: u32,
    ) -> Result<Page> {
        let mut connection = self.database.connect().await?;
        let rows = manifest::referrers(
            &mut connection,
            permit.repository(),
            subject,
            artifact_types,
            after,
            limit.saturating_add(1),
            MOST_BYTES,
        )
        .await?;
        drop(connection);
        // More rows may follow the one at which the page is full.
        let full = rows.iter().map(|row| row.size).sum::<u64>() >= MOST_BYTES;
        let end = rows.last().map(|row| row.digest).filter(|_| full);
        let mut all: BTreeMap<Digest, Referrer> = rows.into_iter().map(|row| (row.digest, row)).collect();
        for folded in self.fallback_referrers(permit, subject).await? {
            let wanted = artifact_types.is_empty()
                || folded.artifact_type.as_ref().is_some_and(|kind| artifact_types.contains(kind));
            let here =
                after.is_none_or(|after| folded.digest > after) && end.is_none_or(|end| folded.digest <= end);
            if wanted && here {
                all.entry(folded.digest).or_insert(folded);
            }
        }
        Ok(cut(all, limit, full))
    }

    /// What the index under the fallback tag names, as far as the repository has it.
    async fn fallback_referrers(&self, permit: &Permit<Pull>, subject: &Digest) -> Result<Vec<Referrer>> {
        let Some(tag) = fallback_tag(subject) else { return Ok(Vec::new()) };
        let mut connection = self.database.connect().await?;
        let Some(pulled) = manifest::pull_by_tag(&mut connection, permit.repository(), &tag).await? else {
            return Ok(Vec::new());
        };
        let Some(found) = repository::find(&mut connection, permit.repository()).await? else {
            return Ok(Vec::new());
        };
        let Ok(index) = Manifest::parse(&pulled.bytes, Some(&pulled.media_type)) else {
            return Ok(Vec::new());
        };
        let digests: Vec<Digest> = index.manifests.iter().map(|descriptor| descriptor.digest).collect();
        let missing = manifest::missing(&mut connection, found.id, &digests).await?;
        let missing: HashSet<Digest> = missing.into_iter().collect();
        Ok(index
            .manifests
            .into_iter()
            .filter(|d| !missing.contains(&d.digest))
            .map(from_descriptor)
            .collect())
    }
}

/// The tag of the referrers tag schema: algorithm cut to 32 characters, hex cut to 64.
fn fallback_tag(subject: &Digest) -> Option<Tag> {
    let hex = subject.hex();
    let cut = hex.get(..64).unwrap_or(&hex);
    format!("{}-{cut}", subject.algorithm().as_str()).parse().ok()
}

fn from_descriptor(descriptor: Descriptor) -> Referrer {
    Referrer {
        digest: descriptor.digest,
        media_type: descriptor.media_type,
        artifact_type: descriptor.artifact_type,
        size: descriptor.size,
        annotations_json: serde_json::to_string(&descriptor.annotations).unwrap_or_else(|_| "{}".to_owned()),
    }
}

fn cut(all: BTreeMap<Digest, Referrer>, limit: u32, full: bool) -> Page {
    let limit = limit as usize;
    let more = full || all.len() > limit;
    let referrers: Vec<Referrer> = all.into_values().take(limit).collect();
    let next = if more { referrers.last().map(|last| last.digest) } else { None };
    Page { referrers, next }
}
