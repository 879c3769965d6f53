//! Putting back what was deleted: byte for byte, with its tags, its parts and what belongs to it.

use std::collections::{BTreeSet, HashSet};

use hythe_metadata::artifact::{self, About, Accessory};
use hythe_metadata::manifest::{self, NewManifest};
use hythe_metadata::repository::{self, Repository};
use hythe_metadata::tag::{self, Expected, Put};
use hythe_metadata::trash::{self, Filter, Kept};
use hythe_metadata::{Connection, blob, label};
use hythe_oci::digest::Digest;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::manifest::{Manifest, ReferenceKind};
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;

use crate::Registry;
use crate::access::Caller;
use crate::artifacts::about::about;
use crate::audit::Entry;
use crate::clock;
use crate::configuration::items::READ_ONLY;
use crate::error::{Error, Result};
use crate::immutable_rules::check_moved;
use crate::manifests::Needs;
use crate::projects::unknown_project;

/// Entries that are put back in one transaction, not counting what comes along with them.
const BATCH: u32 = 200;

/// Accessories of one manifest that come along.
const ACCESSORIES: u32 = 1000;

/// What to put back.
#[derive(Clone, Debug)]
pub struct Restore {
    /// Where it was.
    pub repository: RepositoryName,
    /// What.
    pub wanted: Wanted,
    /// Only what this act deleted.
    pub deletion: Option<String>,
    /// Whether the tag that is asked for may be taken from what it points to meanwhile.
    pub overwrite: bool,
}

/// What to put back of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All that the trash holds of it.
    Everything,
    /// What was deleted last with this tag.
    Tag(Tag),
    /// The manifest of this digest.
    Digest(Digest),
}

/// What was put back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Manifests.
    pub manifests: Vec<Digest>,
    /// Tags.
    pub tags: Vec<String>,
    /// Tags that point to something else meanwhile and were left alone.
    pub left: BTreeSet<String>,
    /// Manifests that what was put back names and that are neither in the repository nor in the trash.
    pub missing: BTreeSet<String>,
}

impl Restored {
    fn add(&mut self, other: Restored) {
        self.manifests.extend(other.manifests);
        self.tags.extend(other.tags);
        self.left.extend(other.left);
        self.missing.extend(other.missing);
    }
}

impl Registry {
    /// What was in the project with this id; whatever project it was in, where none is given. Everything is put back
    /// batch by batch, the rest all at once or not at all.
    pub(super) async fn restore(
        &self,
        caller: &Caller,
        project_id: Option<i64>,
        wanted: Restore,
    ) -> Result<Restored> {
        self.refuse_restore_while_read_only()?;
        let filter = Filter {
            project_id,
            repository: Some(wanted.repository.clone()),
            deletion: wanted.deletion.clone(),
        };
        let first = self.restore_batch(caller, &filter, &wanted, &[]).await?;
        let mut restored = first.ok_or_else(|| not_there(&wanted))?;
        if wanted.wanted != Wanted::Everything {
            return Ok(restored);
        }
        loop {
            let done = restored.tags.clone();
            match self.restore_batch(caller, &filter, &wanted, &done).await? {
                Some(more) => restored.add(more),
                None => return Ok(restored),
            }
        }
    }

    fn refuse_restore_while_read_only(&self) -> Result<()> {
        if self.configuration().truth(&READ_ONLY) {
            return Err(Error::denied(
                "the registry is read only now, nothing is put back; an administrator ends it with read_only at \
                 /api/v2.0/configurations",
            ));
        }
        Ok(())
    }

    /// None if there is nothing.
    async fn restore_batch(
        &self,
        caller: &Caller,
        filter: &Filter,
        wanted: &Restore,
        done: &[String],
    ) -> Result<Option<Restored>> {
        let (caller, filter, wanted, done) = (caller.clone(), filter.clone(), wanted.clone(), done.to_vec());
        self.database
            .try_transaction(move |c| {
                let (caller, filter, wanted) = (caller.clone(), filter.clone(), wanted.clone());
                let done = done.iter().cloned().collect();
                Box::pin(async move { restore_batch(c, &caller, &filter, &wanted, done).await })
            })
            .await
    }
}

async fn restore_batch(
    c: &mut Connection,
    caller: &Caller,
    filter: &Filter,
    wanted: &Restore,
    done: HashSet<String>,
) -> Result<Option<Restored>> {
    let entries = find_entries(c, filter, wanted).await?;
    if entries.is_empty() {
        return Ok(None);
    }
    let name = &wanted.repository;
    let repository = repository::ensure(c, name, clock::now()).await?;
    let repository = repository.ok_or_else(|| unknown_project(&name.project()))?;
    let project_id = repository.project_id;
    let mut work = Work {
        filter: Filter { deletion: None, ..filter.clone() },
        by: caller.name().unwrap_or("anonymous").to_owned(),
        repository,
        wanted,
        waiting: entries.into_iter().rev().map(|id| (id, false)).collect(),
        seen: HashSet::new(),
        done,
        restored: Restored::default(),
    };
    while let Some((id, parts_are_there)) = work.waiting.pop() {
        work.one(c, id, parts_are_there).await?;
    }
    entry(caller, wanted, &work.restored).in_project(project_id).write(c).await?;
    Ok(Some(work.restored))
}

/// What was deleted last comes first.
async fn find_entries(c: &mut Connection, filter: &Filter, wanted: &Restore) -> Result<Vec<i64>> {
    Ok(match &wanted.wanted {
        Wanted::Everything => {
            trash::list(c, filter, None, 0, BATCH).await?.into_iter().map(|entry| entry.id).collect()
        }
        Wanted::Tag(tag) => trash::find_by_tag(c, filter, tag).await?.into_iter().collect(),
        Wanted::Digest(digest) => trash::find_by_digest(c, filter, digest).await?.into_iter().collect(),
    })
}

fn entry(caller: &Caller, wanted: &Restore, restored: &Restored) -> Entry {
    let repository = &wanted.repository;
    let (kind, resource) = match &wanted.wanted {
        Wanted::Everything => ("repository", repository.to_string()),
        Wanted::Tag(tag) => ("tag", format!("{repository}:{tag}")),
        Wanted::Digest(digest) => ("artifact", format!("{repository}@{digest}")),
    };
    let after = serde_json::json!({ "manifests": restored.manifests.len(), "tags": restored.tags.len() });
    Entry::new(caller, "restore", kind, resource).after(after)
}

struct Work<'a> {
    /// Parts and accessories may have been deleted by another act.
    filter: Filter,
    by: String,
    repository: Repository,
    wanted: &'a Restore,
    /// Entries, and whether their parts have been looked after.
    waiting: Vec<(i64, bool)>,
    seen: HashSet<i64>,
    /// Tags that were put back before, of entries that were deleted later.
    done: HashSet<String>,
    restored: Restored,
}

impl Work<'_> {
    /// Parts go before their index, whose row counts their sizes; what belongs to a manifest goes after it.
    async fn one(&mut self, c: &mut Connection, id: i64, parts_are_there: bool) -> Result<()> {
        if !parts_are_there && !self.seen.insert(id) {
            return Ok(());
        }
        let Some(kept) = trash::take(c, id).await? else { return Ok(()) };
        if !parts_are_there {
            let parts = self.find_parts(c, &kept).await?;
            if !parts.is_empty() {
                self.waiting.push((id, true));
                self.waiting.extend(parts.into_iter().map(|part| (part, false)));
                return Ok(());
            }
        }
        if kept.bytes.is_some() {
            self.manifest(c, &kept).await?;
            let accessories = trash::list_accessories(c, &self.filter, &kept.digest, ACCESSORIES).await?;
            self.waiting.extend(accessories.into_iter().map(|accessory| (accessory, false)));
        }
        self.tags(c, &kept).await?;
        trash::delete(c, id).await?;
        Ok(())
    }

    /// What has to be put back before: the children of an index; the manifest of a tag that was deleted alone.
    async fn find_parts(&mut self, c: &mut Connection, kept: &Kept) -> Result<Vec<i64>> {
        let names = match &kept.bytes {
            Some(bytes) => children(&parse(bytes, &kept.media_type)?),
            None => vec![kept.digest],
        };
        let mut parts = Vec::new();
        for digest in manifest::missing(c, self.repository.id, &names).await? {
            match trash::find_by_digest(c, &self.filter, &digest).await? {
                Some(part) if self.seen.contains(&part) => {}
                Some(part) => parts.push(part),
                None => {
                    self.restored.missing.insert(digest.to_string());
                }
            }
        }
        Ok(parts)
    }

    async fn manifest(&mut self, c: &mut Connection, kept: &Kept) -> Result<()> {
        let Some(bytes) = &kept.bytes else { return Ok(()) };
        let (id, now) = (self.repository.id, clock::now());
        for digest in trash::blobs_of(c, kept.id).await? {
            blob::link(c, id, &digest, now).await?;
        }
        let parsed = parse(bytes, &kept.media_type)?;
        let needs = Needs::of(&parsed, true);
        if !manifest::insert(c, &row(id, &parsed, kept, bytes), &needs.references).await? {
            return Ok(());
        }
        // It is young again for whoever collects what has no tag.
        artifact::touch(c, id, &kept.digest).await?;
        artifact::add_pulls(c, &self.repository.name, &kept.digest, kept.pulls, kept.pulled_at).await?;
        label::attach_those_left(c, id, &kept.digest, &kept.labels, now).await?;
        self.restored.manifests.push(kept.digest);
        Ok(())
    }

    /// The tag that was asked for is taken back only if that was allowed; others that point elsewhere are left alone.
    async fn tags(&mut self, c: &mut Connection, kept: &Kept) -> Result<()> {
        if !manifest::missing(c, self.repository.id, &[kept.digest]).await?.is_empty() {
            return Ok(());
        }
        for name in &kept.tags {
            let Ok(tag) = name.parse::<Tag>() else { continue };
            if self.done.contains(name) {
                continue;
            }
            let asked_for = self.wanted.wanted == Wanted::Tag(tag.clone());
            let expected = if asked_for && self.wanted.overwrite { Expected::Any } else { Expected::Absent };
            let (id, now, by) = (self.repository.id, clock::now(), self.by.as_str());
            match tag::put_if(c, id, &tag, &kept.digest, now, by, expected).await? {
                Put::Done(before) => {
                    if before.is_some_and(|before| before != kept.digest) {
                        check_moved(c, &self.repository, name).await?;
                    }
                    self.done.insert(name.clone());
                    self.restored.tags.push(name.clone());
                }
                Put::Conflict(current) if current == Some(kept.digest) => {}
                Put::Conflict(_) if asked_for => return Err(taken(&self.repository.name, &tag)),
                Put::Conflict(_) => {
                    self.restored.left.insert(name.clone());
                }
            }
        }
        Ok(())
    }
}

fn row(repository_id: i64, parsed: &Manifest, kept: &Kept, bytes: &[u8]) -> NewManifest {
    let of = |(subject, kind): &(Digest, String)| Accessory { subject: *subject, kind: kind.clone() };
    let accessory = kept.accessory.as_ref().map(of);
    NewManifest {
        repository_id,
        digest: kept.digest,
        media_type: kept.media_type.clone(),
        artifact_type: parsed.referrer_type().map(str::to_owned),
        kind: parsed.kind,
        size: bytes.len() as u64,
        bytes: bytes.to_vec(),
        subject: parsed.subject.as_ref().map(|subject| subject.digest),
        annotations_json: serde_json::to_string(&parsed.annotations).unwrap_or_else(|_| "{}".to_owned()),
        about: About { accessory, ..about(parsed, bytes.len() as u64, &[]) },
        pushed_at: kept.pushed_at,
        pushed_by: kept.pushed_by.clone(),
    }
}

fn parse(bytes: &[u8], media_type: &str) -> Result<Manifest> {
    Manifest::parse(bytes, Some(media_type)).map_err(|error| Error::invalid(error.code(), error.to_string()))
}

fn children(manifest: &Manifest) -> Vec<Digest> {
    let references = manifest.references().filter(|(kind, _)| *kind == ReferenceKind::Manifest);
    references.map(|(_, descriptor)| descriptor.digest).collect()
}

fn not_there(wanted: &Restore) -> Error {
    let repository = &wanted.repository;
    let what = match &wanted.wanted {
        Wanted::Everything => format!("nothing of {repository}"),
        Wanted::Tag(tag) => format!("no {repository}:{tag}"),
        Wanted::Digest(digest) => format!("no {repository}@{digest}"),
    };
    Error::unknown(
        ErrorCode::ManifestUnknown,
        format!("the trash holds {what}; `hythe trash ls` shows what it holds"),
    )
}

fn taken(repository: &RepositoryName, tag: &Tag) -> Error {
    Error::conflict(format!(
        "{repository}:{tag} points to something else by now; restore it by digest, or say that it is to be overwritten"
    ))
}
