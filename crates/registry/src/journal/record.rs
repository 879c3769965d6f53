//! One line of the journal, and a segment of many.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use hythe_metadata::journal::{Blob, Key, Kind, Manifest, Project, Repository, State, Tag};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A segment that was read is not larger than this, in bytes: more than is ever written into one.
const LARGEST: u64 = 256 << 20;

/// What stands under a key, or nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Record {
    Project { id: i64, is: Option<ProjectRow> },
    Repository { id: i64, is: Option<RepositoryRow> },
    Blob { digest: String, is: Option<BlobRow> },
    Manifest { repository: i64, digest: String, is: Option<ManifestRow> },
    Tag { repository: i64, name: String, is: Option<TagRow> },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProjectRow {
    pub(super) name: String,
    pub(super) public: bool,
    pub(super) internal: bool,
    pub(super) created_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RepositoryRow {
    pub(super) name: String,
    pub(super) created_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct BlobRow {
    pub(super) size: i64,
    pub(super) location: String,
    pub(super) created_at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ManifestRow {
    pub(super) media_type: String,
    pub(super) pushed_at: i64,
    pub(super) pushed_by: String,
    /// Base64, for the bytes need not be text.
    pub(super) bytes: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TagRow {
    pub(super) digest: String,
    pub(super) updated_at: i64,
    pub(super) updated_by: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct End {
    records: usize,
}

impl Record {
    /// A state of another kind than the key's is nothing: no statement gives one.
    pub(super) fn new(key: &Key, state: State) -> Record {
        let (id, name, repository) = (key.name.parse().unwrap_or(0), key.name.clone(), key.parent);
        match (key.kind, state) {
            (Kind::Project, State::Project(row)) => Record::Project { id, is: Some(row.into()) },
            (Kind::Project, _) => Record::Project { id, is: None },
            (Kind::Repository, State::Repository(row)) => Record::Repository { id, is: Some(row.into()) },
            (Kind::Repository, _) => Record::Repository { id, is: None },
            (Kind::Blob, State::Blob(row)) => Record::Blob { digest: name, is: Some(row.into()) },
            (Kind::Blob, _) => Record::Blob { digest: name, is: None },
            (Kind::Manifest, State::Manifest(row)) => {
                Record::Manifest { repository, digest: name, is: Some(row.into()) }
            }
            (Kind::Manifest, _) => Record::Manifest { repository, digest: name, is: None },
            (Kind::Tag, State::Tag(row)) => Record::Tag { repository, name, is: Some(row.into()) },
            (Kind::Tag, _) => Record::Tag { repository, name, is: None },
        }
    }
}

impl From<Project> for ProjectRow {
    fn from(Project { name, public, internal, created_at }: Project) -> ProjectRow {
        ProjectRow { name, public, internal, created_at }
    }
}

impl From<Repository> for RepositoryRow {
    fn from(Repository { name, created_at }: Repository) -> RepositoryRow {
        RepositoryRow { name, created_at }
    }
}

impl From<Blob> for BlobRow {
    fn from(Blob { size, location, created_at }: Blob) -> BlobRow {
        BlobRow { size, location, created_at }
    }
}

impl From<Manifest> for ManifestRow {
    fn from(Manifest { media_type, pushed_at, pushed_by, bytes }: Manifest) -> ManifestRow {
        ManifestRow { media_type, pushed_at, pushed_by, bytes: BASE64_STANDARD.encode(bytes) }
    }
}

impl From<Tag> for TagRow {
    fn from(Tag { digest, updated_at, updated_by }: Tag) -> TagRow {
        TagRow { digest, updated_at, updated_by }
    }
}

/// A segment of these records. It takes its time: not for an async thread.
pub(super) fn segment(records: &[Record]) -> Result<Vec<u8>> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    records.iter().try_for_each(|record| line(&mut out, record))?;
    line(&mut out, &End { records: records.len() })?;
    out.finish().map_err(unwritten)
}

fn line(out: &mut impl Write, value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value).map_err(unwritten)?;
    line.push(b'\n');
    out.write_all(&line).map_err(unwritten)
}

fn unwritten(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::internal("the journal cannot be written", error)
}

/// The records of a segment; a text that says what is wrong with one that is not whole.
pub(super) fn records(segment: &[u8]) -> Result<Vec<Record>, String> {
    let mut text = String::new();
    let unpacked = GzDecoder::new(segment).take(LARGEST).read_to_string(&mut text);
    unpacked.map_err(|error| format!("it cannot be unpacked: {error}"))?;
    let mut lines: Vec<&str> = text.lines().collect();
    let end = lines.pop().and_then(|line| serde_json::from_str::<End>(line).ok());
    if end.is_none_or(|end| end.records != lines.len()) {
        return Err("it has no end".to_owned());
    }
    let read =
        |line: &&str| serde_json::from_str(line).map_err(|error| format!("a line of it is damaged: {error}"));
    lines.iter().map(read).collect()
}

impl ManifestRow {
    /// The manifest as it was pushed.
    pub(super) fn manifest(&self) -> Option<Vec<u8>> {
        BASE64_STANDARD.decode(&self.bytes).ok()
    }
}
