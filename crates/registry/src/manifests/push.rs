//! Pushing a manifest: a list of steps, each of which can refuse, and one transaction at the end.

use std::collections::HashSet;

use bytes::Bytes;
use hythe_blobs::hash::digest_of;
use hythe_metadata::manifest::{self, NewManifest};
use hythe_metadata::repository::{self, Repository};
use hythe_metadata::{Connection, artifact, blob, tag};
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::manifest::{Kind as ManifestKind, Manifest, ReferenceKind};
use hythe_oci::reference::Reference;
use hythe_oci::tag::Tag;

use crate::Registry;
use crate::access::{Permit, Push};
use crate::artifacts::about::about;
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::immutable_rules::check_moved;
use crate::projects::unknown_project;

/// A manifest as it arrives.
#[derive(Clone, Debug)]
pub struct PushManifest {
    /// What the client calls it: a tag, or its digest.
    pub reference: Reference,
    /// Further tags (`?tag=`), with a digest as reference.
    pub tags: Vec<Tag>,
    /// The request's `Content-Type`.
    pub content_type: Option<String>,
    /// The exact bytes.
    pub bytes: Bytes,
    /// What the client says its tags point to now.
    pub expected: Expected,
}

/// A condition on what the tags point to before the push (`If-Match`, `If-None-Match`).
pub use hythe_metadata::tag::Expected;

/// A manifest that is now in the repository.
#[derive(Clone, Debug)]
pub struct PushedManifest {
    /// Its digest.
    pub digest: Digest,
    /// The tags that point to it now because of this push.
    pub tags: Vec<Tag>,
    /// The manifest it refers to, for `OCI-Subject`.
    pub subject: Option<Digest>,
}

impl Registry {
    /// Puts a manifest into the repository and points tags at it.
    pub async fn push_manifest(&self, permit: &Permit<Push>, push: PushManifest) -> Result<PushedManifest> {
        let digest = verify_digest(&push)?;
        let manifest = parse(&push)?;
        let tags = wanted_tags(&push);
        tags.iter().try_for_each(|tag| permit.check_tag(tag))?;
        let subject = manifest.subject.as_ref().map(|subject| subject.digest);
        let row = row(permit, &manifest, digest, push.bytes.clone(), &tags);
        self.store(permit, &manifest, row, &tags, push.expected).await?;
        self.count_push();
        Ok(PushedManifest { digest, tags, subject })
    }

    /// One transaction: everything the manifest needs is there, the row is written, the tags point to it.
    async fn store(
        &self,
        permit: &Permit<Push>,
        manifest: &Manifest,
        row: NewManifest,
        tags: &[Tag],
        expected: Expected,
    ) -> Result<()> {
        let name = permit.repository().clone();
        let (needs, tags) = (Needs::of(manifest, self.options.allow_sparse_index), tags.to_vec());
        let entry = entry(permit, &row, &tags);
        self.database
            .try_transaction(move |c| {
                let (mut row, name, needs, tags) = (row.clone(), name.clone(), needs.clone(), tags.clone());
                let entry = entry.clone();
                Box::pin(async move {
                    let repository = repository::ensure(c, &name, row.pushed_at).await?;
                    let repository = repository.ok_or_else(|| unknown_project(&name.project()))?;
                    row.repository_id = repository.id;
                    needs.check(c, row.repository_id).await?;
                    let new = manifest::insert(c, &row, &needs.references).await?;
                    if !new && tags.is_empty() {
                        // Its index is on its way. Where there is a tag, that keeps it.
                        artifact::touch(c, row.repository_id, &row.digest).await?;
                    }
                    put_tags(c, &repository, &row, &tags, expected).await?;
                    Ok(entry.in_project(repository.project_id).write(c).await?)
                })
            })
            .await
    }
}

/// What the audit log says of a push.
fn entry(permit: &Permit<Push>, row: &NewManifest, tags: &[Tag]) -> Entry {
    let tags: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    let artifact = format!("{}@{}", permit.repository(), row.digest);
    Entry::new(permit.caller(), "create", "artifact", artifact).after(serde_json::json!({ "tags": tags }))
}

/// The repository's id is known in the transaction only.
fn row(
    permit: &Permit<Push>,
    manifest: &Manifest,
    digest: Digest,
    bytes: Bytes,
    tags: &[Tag],
) -> NewManifest {
    let new = row_of(manifest, digest, bytes.to_vec(), tags);
    NewManifest { pushed_at: clock::now(), pushed_by: permit.holder(), ..new }
}

/// A manifest that was pushed before, as what was kept of it says, and what it needs; whoever has it knows when it was
/// pushed and by whom.
pub(crate) fn restored(
    manifest: &Manifest,
    digest: Digest,
    bytes: Vec<u8>,
    tags: &[Tag],
) -> (NewManifest, Vec<(ReferenceKind, Digest)>) {
    (row_of(manifest, digest, bytes, tags), Needs::of(manifest, true).references)
}

fn row_of(manifest: &Manifest, digest: Digest, bytes: Vec<u8>, tags: &[Tag]) -> NewManifest {
    NewManifest {
        repository_id: 0,
        digest,
        media_type: manifest.media_type.clone(),
        artifact_type: manifest.referrer_type().map(str::to_owned),
        kind: manifest.kind,
        size: bytes.len() as u64,
        about: about(manifest, bytes.len() as u64, tags),
        bytes,
        subject: manifest.subject.as_ref().map(|subject| subject.digest),
        annotations_json: serde_json::to_string(&manifest.annotations).unwrap_or_else(|_| "{}".to_owned()),
        pushed_at: 0,
        pushed_by: String::new(),
    }
}

/// What must be in the repository before the manifest may be.
#[derive(Clone)]
pub(crate) struct Needs {
    /// All that it names, of every kind, each once.
    pub(crate) references: Vec<(ReferenceKind, Digest)>,
    blobs: Vec<Digest>,
    manifests: Vec<Digest>,
}

impl Needs {
    pub(crate) fn of(manifest: &Manifest, allow_sparse_index: bool) -> Needs {
        let mut seen = HashSet::new();
        let named = manifest.references().map(|(kind, descriptor)| (kind, descriptor.digest));
        let references: Vec<(ReferenceKind, Digest)> =
            named.filter(|reference| seen.insert(*reference)).collect();
        let of_kind = |manifests: bool| {
            let wanted =
                references.iter().filter(|(kind, _)| (*kind == ReferenceKind::Manifest) == manifests);
            wanted.map(|(_, digest)| *digest).collect::<Vec<_>>()
        };
        // A manifest of an unknown kind may speak of things in ways we do not know; it is kept as it is.
        let checked = manifest.kind != ManifestKind::Other;
        // Layers that live elsewhere need not be here, but where somebody pushed them they are in use.
        let foreign = manifest.foreign_layers().map(|layer| (ReferenceKind::Layer, layer.digest));
        let named: Vec<_> =
            references.iter().copied().chain(foreign.filter(|reference| seen.insert(*reference))).collect();
        Needs {
            blobs: if checked { of_kind(false) } else { Vec::new() },
            manifests: if checked && !allow_sparse_index { of_kind(true) } else { Vec::new() },
            references: named,
        }
    }

    async fn check(&self, c: &mut Connection, repository_id: i64) -> Result<()> {
        let mut missing = blob::missing_links(c, repository_id, &self.blobs).await?;
        missing.extend(manifest::missing(c, repository_id, &self.manifests).await?);
        if missing.is_empty() { Ok(()) } else { Err(missing_references(&missing)) }
    }
}

/// Points every tag at the manifest, or none: a tag that is not what the client expected undoes the transaction.
async fn put_tags(
    c: &mut Connection,
    repository: &Repository,
    row: &NewManifest,
    tags: &[Tag],
    expected: Expected,
) -> Result<()> {
    for tag in tags {
        let (repository_id, digest) = (row.repository_id, &row.digest);
        let put = tag::put_if(c, repository_id, tag, digest, row.pushed_at, &row.pushed_by, expected).await?;
        match put {
            tag::Put::Conflict(current) => return Err(tag_moved(tag, current)),
            tag::Put::Done(Some(before)) if before != *digest => {
                check_moved(c, repository, tag.as_str()).await?;
            }
            tag::Put::Done(_) => {}
        }
    }
    Ok(())
}

/// The digest of the bytes, in the client's algorithm where it named one.
fn verify_digest(push: &PushManifest) -> Result<Digest> {
    let Reference::Digest(expected) = &push.reference else {
        return Ok(digest_of(Algorithm::Sha256, &push.bytes));
    };
    let actual = digest_of(expected.algorithm(), &push.bytes);
    if actual == *expected {
        return Ok(actual);
    }
    Err(Error::invalid(
        ErrorCode::DigestInvalid,
        format!("the manifest received has the digest {actual}, not {expected}"),
    ))
}

fn parse(push: &PushManifest) -> Result<Manifest> {
    Manifest::parse(&push.bytes, push.content_type.as_deref())
        .map_err(|error| Error::invalid(error.code(), error.to_string()))
}

fn wanted_tags(push: &PushManifest) -> Vec<Tag> {
    let mut tags = Vec::new();
    if let Reference::Tag(tag) = &push.reference {
        tags.push(tag.clone());
    }
    for tag in &push.tags {
        if !tags.contains(tag) {
            tags.push(tag.clone());
        }
    }
    tags
}

fn missing_references(digests: &[Digest]) -> Error {
    let named: Vec<String> = digests.iter().take(10).map(Digest::to_string).collect();
    let more = digests.len().saturating_sub(named.len());
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Error::unknown(
        ErrorCode::ManifestBlobUnknown,
        format!("the manifest needs {}{and_more}, not in this repository; push them first", named.join(", ")),
    )
    .with_detail(serde_json::json!({ "digests": named }))
}

fn tag_moved(tag: &Tag, current: Option<Digest>) -> Error {
    let now = current.map_or_else(|| "does not exist".to_owned(), |digest| format!("points to {digest}"));
    Error::new(
        Kind::Precondition,
        ErrorCode::ManifestInvalid,
        format!("tag {tag} {now}, which is not what the request expects; read it again and retry"),
    )
}
