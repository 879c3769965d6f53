//! Kinds of jobs: their names, how often each is tried, and the one place where a job meets what does it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::events::Happening;
use super::{Halt, Run};
use crate::Registry;

/// Declares the kinds with their words in the rows.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $word:literal;)+) => {
        /// What a job does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($(#[$doc])* $kind,)+ }

        impl Kind {
            /// All that this binary knows; during an upgrade there may be jobs of others, which it leaves alone.
            pub const ALL: &[Kind] = &[$(Kind::$kind,)+];

            /// Its word in rows, in the API and on the command line; in capitals it is what Harbor calls the kind.
            pub const fn as_str(self) -> &'static str {
                match self { $(Kind::$kind => $word,)+ }
            }
        }
    };
}

kinds! {
    /// Removes old events of the audit log.
    AuditPurge = "purge_audit_log";
    /// Deletes what no rule of a project's retention policy keeps.
    Retention = "retention";
    /// Holds the storage against the rows.
    StorageAudit = "storage_audit";
    /// Finds what nobody needs any more and takes its rows away.
    GarbageCollection = "garbage_collection";
    /// Removes bytes from storage that no row names any more.
    BytesRemoval = "bytes_removal";
    /// Counts anew what projects hold.
    QuotaRecount = "quota_recount";
}

impl Kind {
    /// How often a job of this kind is begun before it is given up.
    pub(super) fn attempts(self) -> u16 {
        match self {
            Kind::AuditPurge
            | Kind::Retention
            | Kind::GarbageCollection
            | Kind::BytesRemoval
            | Kind::QuotaRecount => 3,
            Kind::StorageAudit => 10,
        }
    }
}

/// Which kinds of job follow from what happens; each job gets what [`super::tell`] was given as its payload.
pub(super) const FOLLOWERS: &[(Happening, Kind)] = &[];

impl Registry {
    /// Does the job. What a handler writes goes through [`Run::transaction`], so that a node that has lost the job
    /// changes nothing; between two steps it asks [`Run::check`] whether to go on. It may be cut off at any `await`,
    /// and begun anew by another node.
    pub(super) async fn perform(self: Arc<Self>, run: Run, kind: Kind) -> Result<(), Halt> {
        match kind {
            Kind::AuditPurge => self.run_audit_purge(&run).await,
            Kind::Retention => self.run_retention(&run).await,
            Kind::StorageAudit => self.run_storage_audit(&run).await,
            Kind::GarbageCollection => self.run_garbage_collection(&run).await,
            Kind::BytesRemoval => self.run_bytes_removal(&run).await,
            Kind::QuotaRecount => self.run_quota_recount(&run).await,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        Kind::ALL.iter().copied().find(|kind| kind.as_str().eq_ignore_ascii_case(text)).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
            let text = text.get(..64).unwrap_or(text);
            format!("{text:?} is no kind of job; known are {}", known.join(", "))
        })
    }
}
