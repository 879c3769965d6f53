//! Copying an artifact to another repository: its rows and its links to blobs. No byte of a blob is moved.

use std::collections::HashSet;

use hythe_metadata::artifact::{self, About, Artifact};
use hythe_metadata::manifest::{self, NewManifest};
use hythe_metadata::repository::{self, Repository};
use hythe_metadata::{Connection, blob, tag};
use hythe_oci::digest::Digest;
use hythe_oci::manifest::Manifest;
use hythe_oci::name::RepositoryName;
use hythe_oci::reference::Reference;
use hythe_oci::tag::Tag;

use super::about::about;
use super::{find_artifact, right};
use crate::Registry;
use crate::access::{Permit, Pull};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::immutable_rules::check_moved;
use crate::manifests::Needs;
use crate::projects::unknown_project;

/// Manifests that are copied together.
const MOST_TOGETHER: usize = 1000;

/// Tags of a signature that say what it signs.
const SIGNATURE_TAGS: u32 = 100;

impl Registry {
    /// Copies an artifact with its parts and what belongs to it, and the tag that it was named by. Returns its digest.
    pub async fn copy_artifact(
        &self,
        permit: &Permit<right::Create>,
        source: &Permit<Pull>,
        reference: &Reference,
    ) -> Result<Digest> {
        if let Reference::Tag(tag) = reference {
            permit.check_tag(tag)?;
        }
        let (permit, source, reference) = (permit.clone(), source.clone(), reference.clone());
        self.database
            .try_transaction(move |c| {
                let (permit, source, reference) = (permit.clone(), source.clone(), reference.clone());
                Box::pin(async move { copy(c, &permit, &source, &reference).await })
            })
            .await
    }
}

async fn copy(
    c: &mut Connection,
    permit: &Permit<right::Create>,
    source: &Permit<Pull>,
    reference: &Reference,
) -> Result<Digest> {
    let root = find_artifact(c, source, reference).await?;
    let name = permit.repository();
    let target = repository::ensure(c, name, clock::now()).await?;
    let target = target.ok_or_else(|| unknown_project(&name.project()))?;
    let mut copy = Copy { from: root.repository_id, to: target, by: permit.holder(), now: clock::now() };
    copy.with_all(c, &root).await?;
    if let Reference::Tag(tag) = reference {
        let before = tag::put(c, copy.to.id, tag, &root.digest, copy.now, &copy.by).await?;
        if before.is_some_and(|before| before != root.digest) {
            check_moved(c, &copy.to, tag.as_str()).await?;
        }
    }
    entry(permit, source.repository(), reference, &root.digest)
        .in_project(copy.to.project_id)
        .write(c)
        .await?;
    Ok(root.digest)
}

fn entry(
    permit: &Permit<right::Create>,
    source: &RepositoryName,
    reference: &Reference,
    digest: &Digest,
) -> Entry {
    let artifact = format!("{}@{digest}", permit.repository());
    let after = serde_json::json!({ "copied_from": source.to_string(), "reference": reference.to_string() });
    Entry::new(permit.caller(), "create", "artifact", artifact).after(after)
}

struct Copy {
    from: i64,
    to: Repository,
    by: String,
    now: clock::Micros,
}

impl Copy {
    /// Parts go before their index, whose row counts their sizes; what belongs to a manifest goes after it.
    async fn with_all(&mut self, c: &mut Connection, root: &Artifact) -> Result<()> {
        let (mut seen, mut waiting) = (HashSet::new(), vec![(root.digest, false)]);
        while let Some((digest, parts_are_there)) = waiting.pop() {
            let Some(row) = artifact::find(c, self.from, &digest).await? else { continue };
            if parts_are_there {
                self.one(c, &row).await?;
                let accessories = artifact::accessories_of(c, &[row.id]).await?;
                waiting.extend(accessories.into_iter().map(|accessory| (accessory.digest, false)));
                continue;
            }
            if !seen.insert(digest) {
                continue;
            }
            if seen.len() > MOST_TOGETHER {
                return Err(too_many(root));
            }
            waiting.push((digest, true));
            let parts = artifact::parts_of(c, &[row.id]).await?;
            waiting.extend(parts.into_iter().map(|part| (part.digest, false)));
        }
        Ok(())
    }

    async fn one(&self, c: &mut Connection, row: &Artifact) -> Result<()> {
        let Some(found) = manifest::find(c, self.from, &row.digest).await? else { return Ok(()) };
        let parsed = Manifest::parse(&found.bytes, Some(&found.media_type))
            .map_err(|error| Error::invalid(error.code(), error.to_string()))?;
        let needs = Needs::of(&parsed, true);
        for (_, digest) in &needs.references {
            if blob::find_linked(c, self.from, digest).await?.is_some() {
                blob::link(c, self.to.id, digest, self.now).await?;
            }
        }
        let accessory = row.about.accessory.clone();
        let new = NewManifest {
            repository_id: self.to.id,
            digest: found.digest,
            media_type: found.media_type,
            artifact_type: found.artifact_type,
            kind: parsed.kind,
            size: found.size,
            subject: found.subject,
            annotations_json: found.annotations_json,
            about: About { accessory, ..about(&parsed, found.size, &[]) },
            bytes: found.bytes,
            pushed_at: self.now,
            pushed_by: self.by.clone(),
        };
        manifest::insert(c, &new, &needs.references).await?;
        if new.subject.is_none() && new.about.accessory.is_some() {
            self.signature_tags(c, &new.digest).await?;
        }
        Ok(())
    }

    /// The tags of a signature are how older clients find it.
    async fn signature_tags(&self, c: &mut Connection, digest: &Digest) -> Result<()> {
        for tag in tag::list_by_digest(c, self.from, digest, SIGNATURE_TAGS).await? {
            if let Some(tag) = tag.parse::<Tag>().ok().filter(|tag| tag.as_str().ends_with(".sig")) {
                tag::put(c, self.to.id, &tag, digest, self.now, &self.by).await?;
            }
        }
        Ok(())
    }
}

fn too_many(root: &Artifact) -> Error {
    Error::conflict(format!(
        "more than {MOST_TOGETHER} manifests belong to {}@{}; copy them with a client",
        root.repository, root.digest
    ))
}
