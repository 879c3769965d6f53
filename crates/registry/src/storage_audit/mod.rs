//! The audit of the storage: what lies in it against what rows say, both ways, page by page.
//!
//! Both sides are read in the order of locations, so that one pass over the list and one over an index find what either
//! has alone, and nothing is held but a page. What is younger than [`Options::min_age`] is left to whoever is at it. A step
//! can be repeated, and an audit goes on from the [`Position`] of another.

mod finding;
mod page;
mod rehash;
mod resume;
mod run;

use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::{Shelf, Stored};
use hythe_metadata::upload;
use hythe_oci::upload_id::UploadId;
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock;
use crate::error::Result;

pub use finding::{Fault, Finding, Outcome};
use rehash::Meter;
pub use run::StorageAuditChange;

/// Names of the storage that are looked at in one step.
const PAGE: usize = 1000;

/// What the audit is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Repair what can be repaired.
    pub repair: bool,
    /// Read every byte and hold it against its digest.
    pub rehash: bool,
    /// MiB a second that reading may take; 0 for as fast as it goes.
    pub rate: u32,
    /// What is younger is not looked at: seconds.
    pub min_age: u64,
}

impl Default for Options {
    fn default() -> Options {
        Options { repair: false, rehash: false, rate: 0, min_age: 24 * 60 * 60 }
    }
}

/// How far an audit is, and what it has counted so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Blobs are done, uploads are next.
    pub uploads: bool,
    /// Everything on the shelf up to this name is done.
    pub after: String,
    /// Nothing is left to be looked at.
    pub done: bool,
    /// What was counted.
    pub counts: Counts,
}

/// What an audit has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Objects or files that were listed.
    pub stored: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Bytes that were read and hashed.
    pub read_bytes: u64,
    /// Things of each fault.
    pub orphans: u64,
    /// Uploads in storage that no row knows.
    pub leftovers: u64,
    /// Blobs whose bytes are not there.
    pub missing: u64,
    /// Blobs of which there are more or fewer bytes than there should be.
    pub wrong_size: u64,
    /// Blobs whose bytes are not those of their digest.
    pub rotten: u64,
    /// Of all these, those that were repaired.
    pub repaired: u64,
}

impl Counts {
    /// Everything that is wrong, repaired or not.
    pub fn faults(&self) -> u64 {
        self.orphans + self.leftovers + self.missing + self.wrong_size + self.rotten
    }

    fn add(&mut self, finding: &Finding) {
        let count = match finding.fault {
            Fault::Orphan => &mut self.orphans,
            Fault::Leftover => &mut self.leftovers,
            Fault::Missing => &mut self.missing,
            Fault::WrongSize => &mut self.wrong_size,
            Fault::Rotten => &mut self.rotten,
        };
        *count += 1;
        self.repaired += u64::from(matches!(finding.outcome, Outcome::Repaired(_)));
    }
}

/// An audit under way.
pub struct Audit {
    registry: Arc<Registry>,
    options: Options,
    position: Position,
    meter: Meter,
}

impl Audit {
    /// One that goes on from a position; the default position is the beginning.
    pub fn new(registry: Arc<Registry>, options: Options, position: Position) -> Audit {
        Audit { registry, options, position, meter: Meter::new(options.rate) }
    }

    /// How far it is.
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Looks at the next page; nothing when there is none.
    pub async fn step(&mut self) -> Result<Option<Vec<Finding>>> {
        if self.position.done {
            return Ok(None);
        }
        let shelf = if self.position.uploads { Shelf::Uploads } else { Shelf::Blobs };
        let listed = self.registry.blobs.list(shelf, &self.position.after, PAGE).await?;
        let end = (listed.len() == PAGE).then(|| listed.last().map(|last| last.name.clone())).flatten();
        self.position.counts.stored += listed.len() as u64;
        self.position.counts.stored_bytes += listed.iter().map(|stored| stored.size).sum::<u64>();
        let findings = match shelf {
            Shelf::Blobs => self.blobs(listed, end.as_deref()).await?,
            _ => self.uploads(&listed).await?,
        };
        findings.iter().for_each(|finding| self.position.counts.add(finding));
        match (end, shelf) {
            (Some(end), _) => self.position.after = end,
            (None, Shelf::Blobs) => (self.position.uploads, self.position.after) = (true, String::new()),
            (None, _) => self.position.done = true,
        }
        Ok(Some(findings))
    }

    /// Bytes of uploads that no row knows: nobody can go on with them.
    async fn uploads(&self, listed: &[Stored]) -> Result<Vec<Finding>> {
        let old: Vec<&Stored> = listed.iter().filter(|stored| self.is_old(stored)).collect();
        let ids: Vec<UploadId> = old.iter().filter_map(|stored| stored.upload).collect();
        // The rows are read after the list: an upload has its row before it has bytes.
        let mut c = self.registry.database.connect().await?;
        let known = upload::known(&mut c, &ids).await?;
        drop(c);
        let mut findings = Vec::new();
        for stored in old {
            let Some(id) = stored.upload.filter(|id| !known.contains(id)) else { continue };
            let outcome = match self.options.repair {
                false => Outcome::left("`--repair` removes it"),
                true => {
                    self.registry.blobs.abandon(id).await?;
                    Outcome::repaired("removed")
                }
            };
            findings.push(Finding::new(Fault::Leftover, &stored.name, stored.size, outcome));
        }
        Ok(findings)
    }

    /// Old enough that nobody is at it. What has no time was begun by somebody whose row would be there.
    fn is_old(&self, stored: &Stored) -> bool {
        let age = Duration::from_secs(self.options.min_age);
        stored.modified_at.saturating_add(clock::micros(age)) <= clock::now()
    }
}

/// Behind every name.
fn listed_end() -> String {
    char::MAX.to_string()
}
