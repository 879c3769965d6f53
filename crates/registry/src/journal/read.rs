//! Reading the journal back: a registry from its storage alone.
//!
//! Once through all segments for the last word on every key, of which everything but manifests is kept in memory (some 300
//! bytes a blob); once more for the manifests. Whatever is there already stays, so that a rebuild that was broken off is
//! simply begun again.

use std::collections::{BTreeMap, HashMap};

use hythe_blobs::Shelf;
use hythe_metadata::manifest::NewManifest;
use hythe_metadata::project::NewProject;
use hythe_metadata::{Connection, blob, journal, manifest, project, repository, setting, tag};
use hythe_oci::digest::Digest;
use hythe_oci::manifest::Manifest;
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_oci::tag::Tag;

use super::record::{BlobRow, ManifestRow, ProjectRow, Record, RepositoryRow, TagRow, records};
use super::{COMPLETE, FOLDER};
use crate::Registry;
use crate::access::system_rights::garbage_collection::Create;
use crate::access::{Everywhere, Permit};
use crate::clock;
use crate::error::{Error, Result};
use crate::manifests::restored;

/// Rows that are written in one transaction.
const ROWS: usize = 500;
/// The setting that says that rows are those of a rebuild that was broken off.
const UNFINISHED: &str = "rebuild";

/// What a rebuild has brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rebuilt {
    /// Projects, as they were named and shown; nobody is a member of them.
    pub projects: u64,
    /// Repositories.
    pub repositories: u64,
    /// Blobs.
    pub blobs: u64,
    /// Manifests.
    pub manifests: u64,
    /// Tags.
    pub tags: u64,
}

/// What a rebuild says on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// How far it is.
    Step(String),
    /// What cannot be brought back, and why.
    Lost(String),
}

/// The last word on everything, manifests by the segment that holds it.
#[derive(Default)]
struct Words {
    projects: BTreeMap<i64, ProjectRow>,
    repositories: BTreeMap<i64, RepositoryRow>,
    blobs: HashMap<String, BlobRow>,
    manifests: HashMap<(i64, String), usize>,
    tags: BTreeMap<(i64, String), TagRow>,
}

impl Words {
    fn take(&mut self, record: Record, segment: usize) {
        match record {
            Record::Project { id, is } => put(&mut self.projects, id, is),
            Record::Repository { id, is } => put(&mut self.repositories, id, is),
            Record::Tag { repository, name, is } => put(&mut self.tags, (repository, name), is),
            Record::Blob { digest, is: Some(row) } => drop(self.blobs.insert(digest, row)),
            Record::Blob { digest, is: None } => drop(self.blobs.remove(&digest)),
            Record::Manifest { repository, digest, is: Some(_) } => {
                self.manifests.insert((repository, digest), segment);
            }
            Record::Manifest { repository, digest, is: None } => {
                self.manifests.remove(&(repository, digest));
            }
        }
    }
}

fn put<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: Option<V>) {
    match value {
        Some(value) => drop(map.insert(key, value)),
        None => drop(map.remove(&key)),
    }
}

/// A rebuild under way.
struct Rebuild<'r> {
    registry: &'r Registry,
    segments: Vec<String>,
    words: Words,
    /// The tags of each manifest, by its repository and digest: some tell what it is.
    tagged: HashMap<(i64, String), Vec<Tag>>,
    done: Rebuilt,
    tell: &'r mut (dyn FnMut(Told) + Send),
}

impl Registry {
    /// Brings projects, repositories, manifests and tags back from the journal in the storage, into a database that has
    /// no repository yet. What is told meanwhile goes to `tell`.
    pub async fn rebuild(
        &self,
        _permit: &Permit<Create, Everywhere>,
        tell: &mut (dyn FnMut(Told) + Send),
    ) -> Result<Rebuilt> {
        self.begin_rebuild().await?;
        let segments = self.find_journal(tell).await?;
        let (words, tagged, done) = (Words::default(), HashMap::new(), Rebuilt::default());
        let mut rebuild = Rebuild { registry: self, segments, words, tagged, done, tell };
        rebuild.listen().await?;
        rebuild.projects().await?;
        rebuild.repositories().await?;
        rebuild.blobs().await?;
        rebuild.manifests().await?;
        rebuild.tags().await?;
        let done = rebuild.done;
        self.note_rebuild("").await?;
        Ok(done)
    }

    async fn begin_rebuild(&self) -> Result<()> {
        let mut c = self.database.connect().await?;
        let unfinished = setting::find(&mut c, UNFINISHED).await?.is_some_and(|text| !text.is_empty());
        let first = repository::catalog(&mut c, repository::Visible::All, None, 1).await?;
        drop(c);
        match first.first() {
            Some(name) if !unfinished => Err(Error::bad_request(format!(
                "the database has repositories ({name}); rebuild into an empty one (another file, or a new database)"
            ))),
            _ => self.note_rebuild("unfinished").await,
        }
    }

    /// The rows are not what any journal goes on from, so a new one has to be begun.
    async fn note_rebuild(&self, text: &'static str) -> Result<()> {
        let noted = self.database.transaction(move |c| {
            Box::pin(async move {
                journal::forget(c).await?;
                setting::put(c, UNFINISHED, text).await
            })
        });
        Ok(noted.await?)
    }

    /// The segments of the newest journal that tells everything, in their order.
    async fn find_journal(&self, tell: &mut (dyn FnMut(Told) + Send)) -> Result<Vec<String>> {
        let (mut journals, mut after) = (BTreeMap::<String, Vec<String>>::new(), format!("notes/{FOLDER}/"));
        loop {
            let page = self.blobs.list(Shelf::Notes, &after, 1000).await?;
            for note in &page {
                let name = note.name.strip_prefix("notes/").unwrap_or_default();
                if let [FOLDER, journal, _] = name.split('/').collect::<Vec<_>>()[..] {
                    journals.entry(journal.to_owned()).or_default().push(name.to_owned());
                }
            }
            match page.last() {
                Some(last) => after.clone_from(&last.name),
                None => break,
            }
        }
        let is_complete = |notes: &Vec<String>| notes.iter().any(|note| note.ends_with(COMPLETE));
        let newest =
            journals.iter().rev().find(|(_, notes)| is_complete(notes)).or(journals.iter().next_back());
        let Some((journal, notes)) = newest else {
            return Err(Error::bad_request("the storage holds no journal; is it the one of this registry?"));
        };
        if !is_complete(notes) {
            tell(Told::Lost(format!("journal {journal} was not finished; there may be more than it tells")));
        }
        Ok(notes.iter().filter(|note| !note.ends_with(COMPLETE)).cloned().collect())
    }
}

impl Rebuild<'_> {
    async fn listen(&mut self) -> Result<()> {
        for number in 0..self.segments.len() {
            for record in self.read(number, true).await? {
                self.words.take(record, number);
            }
            if number % 100 == 99 {
                let text = format!("read {} of {} segments", number + 1, self.segments.len());
                (self.tell)(Told::Step(text));
            }
        }
        Ok(())
    }

    /// A segment that is damaged is told of once, and what it says is lost.
    async fn read(&mut self, number: usize, first: bool) -> Result<Vec<Record>> {
        let name = &self.segments[number];
        let bytes = self.registry.blobs.read_note(name).await?;
        let read = bytes.map_or_else(|| Err("it is gone".to_owned()), |bytes| records(&bytes));
        Ok(read.unwrap_or_else(|reason| {
            if first {
                (self.tell)(Told::Lost(format!("segment {name} of the journal: {reason}")));
            }
            Vec::new()
        }))
    }

    fn lost(&mut self, what: impl Into<String>) {
        (self.tell)(Told::Lost(what.into()));
    }

    async fn projects(&mut self) -> Result<()> {
        for row in std::mem::take(&mut self.words.projects).into_values() {
            let Ok(name) = row.name.parse::<ProjectName>() else {
                self.lost(format!("project {:?}: it is no name", row.name));
                continue;
            };
            let new = NewProject {
                name,
                public: row.public,
                internal: row.internal,
                created_at: row.created_at,
                created_by: None,
            };
            let made = self.registry.database.transaction(move |c| {
                let new = new.clone();
                Box::pin(async move {
                    if project::find(c, &new.name).await?.is_none() {
                        project::create(c, &new).await?;
                    }
                    Ok(())
                })
            });
            made.await?;
            self.done.projects += 1;
        }
        Ok(())
    }

    async fn repositories(&mut self) -> Result<()> {
        let rows = self.words.repositories.clone();
        for row in rows.values() {
            let Ok(name) = row.name.parse::<RepositoryName>() else {
                self.lost(format!("repository {:?}: it is no name", row.name));
                continue;
            };
            let (asked, at) = (name.clone(), row.created_at);
            let made = self.registry.database.transaction(move |c| {
                let name = asked.clone();
                Box::pin(async move { repository::ensure(c, &name, at).await })
            });
            match made.await? {
                Some(_) => self.done.repositories += 1,
                None => self.lost(format!("repository {name}: the journal does not tell of its project")),
            }
        }
        Ok(())
    }

    async fn blobs(&mut self) -> Result<()> {
        // As if they had come now: what nothing names yet, garbage collection shall leave alone for a while.
        let now = clock::now();
        let rows: Vec<blob::Blob> = self
            .words
            .blobs
            .iter()
            .filter_map(|(digest, row)| {
                let (digest, size) = (digest.parse().ok()?, u64::try_from(row.size).ok()?);
                Some(blob::Blob { digest, size, location: row.location.clone() })
            })
            .collect();
        for page in rows.chunks(ROWS) {
            let page = page.to_vec();
            self.done.blobs += page.len() as u64;
            let recorded = self.registry.database.transaction(move |c| {
                let page = page.clone();
                Box::pin(async move {
                    for row in &page {
                        blob::record(c, row, now).await?;
                    }
                    Ok(())
                })
            });
            recorded.await?;
        }
        (self.tell)(Told::Step(format!("{} blobs are there", self.done.blobs)));
        Ok(())
    }

    async fn manifests(&mut self) -> Result<()> {
        for ((repository, name), row) in &self.words.tags {
            if let Ok(tag) = name.parse() {
                self.tagged.entry((*repository, row.digest.clone())).or_default().push(tag);
            }
        }
        for number in 0..self.segments.len() {
            let mut page = Vec::new();
            for record in self.read(number, false).await? {
                let Record::Manifest { repository, digest, is: Some(row) } = record else { continue };
                if self.words.manifests.get(&(repository, digest.clone())) == Some(&number) {
                    page.extend(self.manifest(repository, &digest, &row));
                }
            }
            for page in page.chunks(ROWS) {
                self.insert(page.to_vec()).await?;
            }
        }
        (self.tell)(Told::Step(format!("{} manifests are there", self.done.manifests)));
        Ok(())
    }

    /// The row of a manifest and the blobs that it needs.
    fn manifest(&mut self, repository: i64, digest: &str, row: &ManifestRow) -> Option<Restored> {
        let name = self.words.repositories.get(&repository)?.name.parse::<RepositoryName>().ok()?;
        let parsed = row.manifest().zip(digest.parse::<Digest>().ok()).and_then(|(bytes, digest)| {
            let manifest = Manifest::parse(&bytes, Some(&row.media_type)).ok()?;
            (hythe_blobs::hash::digest_of(digest.algorithm(), &bytes) == digest)
                .then_some((bytes, digest, manifest))
        });
        let Some((bytes, digest, manifest)) = parsed else {
            self.lost(format!("manifest {name}@{digest}: what the journal tells of it is damaged"));
            return None;
        };
        let tags = self.tagged.get(&(repository, digest.to_string())).map(Vec::as_slice).unwrap_or_default();
        let (mut new, references) = restored(&manifest, digest, bytes, tags);
        (new.pushed_at, new.pushed_by) = (row.pushed_at, row.pushed_by.clone());
        Some(Restored { name, new, references })
    }

    async fn insert(&mut self, page: Vec<Restored>) -> Result<()> {
        self.done.manifests += page.len() as u64;
        let inserted = self.registry.database.transaction(move |c| {
            let page = page.clone();
            Box::pin(async move {
                for restored in &page {
                    restored.insert(c).await?;
                }
                Ok(())
            })
        });
        Ok(inserted.await?)
    }

    async fn tags(&mut self) -> Result<()> {
        let tags = std::mem::take(&mut self.words.tags);
        for ((repository, name), row) in tags {
            let Some(of) = self.words.repositories.get(&repository).map(|row| row.name.clone()) else {
                continue;
            };
            let pointed = self.tag(&of, &name, &row).await?;
            match pointed {
                true => self.done.tags += 1,
                false => self.lost(format!("tag {of}:{name}: its manifest {} is not there", row.digest)),
            }
        }
        Ok(())
    }

    /// False if what it points to is not there.
    async fn tag(&self, repository: &str, name: &str, row: &TagRow) -> Result<bool> {
        let (Ok(repository), Ok(name), Ok(digest)) =
            (repository.parse::<RepositoryName>(), name.parse::<Tag>(), row.digest.parse::<Digest>())
        else {
            return Ok(false);
        };
        let (at, by) = (row.updated_at, row.updated_by.clone());
        let pointed = self.registry.database.transaction(move |c| {
            let (repository, name, by) = (repository.clone(), name.clone(), by.clone());
            Box::pin(async move {
                let Some(repository) = repository::find(c, &repository).await? else { return Ok(false) };
                if !manifest::missing(c, repository.id, &[digest]).await?.is_empty() {
                    return Ok(false);
                }
                tag::put(c, repository.id, &name, &digest, at, &by).await?;
                Ok(true)
            })
        });
        Ok(pointed.await?)
    }
}

/// A manifest on its way into its repository.
#[derive(Clone)]
struct Restored {
    name: RepositoryName,
    new: NewManifest,
    references: Vec<(hythe_oci::manifest::ReferenceKind, Digest)>,
}

impl Restored {
    async fn insert(&self, c: &mut Connection) -> hythe_metadata::Result<()> {
        let Some(repository) = repository::find(c, &self.name).await? else { return Ok(()) };
        let new = NewManifest { repository_id: repository.id, ..self.new.clone() };
        for (_, digest) in &self.references {
            // Other manifests are referred to as well, and what the journal does not tell of cannot be linked.
            if blob::find(c, digest).await?.is_some() {
                blob::link(c, repository.id, digest, clock::now()).await?;
            }
        }
        manifest::insert(c, &new, &self.references).await.map(|_| ())
    }
}
