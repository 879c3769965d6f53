//! What a collection did or would do: numbers for the progress of its job, lines for the log.

use serde::{Deserialize, Serialize};

use crate::clock::Micros;
use crate::jobs::Run;

/// Things that are named in the log, one a line; further ones are only counted.
const NAMED: u64 = 5000;

/// The numbers of a collection; of a dry run, what would go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Collected {
    /// Entries of the trash that had expired.
    pub expired: u64,
    /// Artifacts without a tag that went to the trash.
    pub untagged: u64,
    /// Links to blobs that no manifest of the repository needed.
    pub links: u64,
    /// Blobs that nobody had.
    pub blobs: u64,
    /// Their bytes, which go from storage after a while.
    pub freed_space: u64,
}

pub(super) struct Report<'a> {
    run: &'a Run,
    dry: bool,
    done: Collected,
    named: u64,
}

impl Report<'_> {
    pub(super) fn new(run: &Run, dry: bool) -> Report<'_> {
        Report { run, dry, done: Collected::default(), named: 0 }
    }

    pub(super) fn add(&mut self, change: impl FnOnce(&mut Collected)) {
        change(&mut self.done);
        self.run.progress(&self.done);
    }

    /// A thing and why it goes.
    pub(super) fn name(&mut self, line: impl FnOnce() -> String) {
        self.named += 1;
        if self.named <= NAMED {
            self.run.log(line());
        }
    }

    /// Whether further things are only counted.
    pub(super) fn is_full(&self) -> bool {
        self.named >= NAMED
    }

    pub(super) fn end(&self) {
        if self.named > NAMED {
            self.run.log(format!("{} more are not listed", self.named - NAMED));
        }
        let Collected { expired, untagged, links, blobs, freed_space } = self.done;
        let went = if self.dry { "would go" } else { "went" };
        self.run.log(format!(
            "{expired} entries of the trash had expired; {untagged} untagged artifacts, {links} unneeded links and \
             {blobs} blobs of {freed_space} bytes {went}"
        ));
        self.run.progress(&self.done);
    }
}

/// A time as a person reads it.
pub(super) fn time(at: Micros) -> String {
    jiff::Timestamp::from_microsecond(at).map_or_else(|_| at.to_string(), |time| format!("{time:.0}"))
}
