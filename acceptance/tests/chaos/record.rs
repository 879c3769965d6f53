//! What all clients wrote down, and what they share.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::history::{Operation, What};

/// What all clients wrote down.
#[derive(Default)]
pub(crate) struct Record {
    /// What was asked and found under a name, by the path of its manifest.
    pub(crate) operations: Vec<(String, Operation)>,
    /// Blobs and manifests that were acknowledged, by the path that must give them back.
    pub(crate) kept: Vec<String>,
    /// Tags that retention may take when enough were pushed after them: path and time of each push.
    pub(crate) rotated: Vec<Rotated>,
    /// Answers that no fault excuses.
    pub(crate) violations: Vec<String>,
    pub(crate) unanswered: usize,
}

/// A push of a tag that retention looks at.
#[derive(Clone, Debug)]
pub(crate) struct Rotated {
    pub(crate) path: String,
    pub(crate) begun: Duration,
    /// Nothing where no answer came.
    pub(crate) ended: Option<Duration>,
}

/// What clients share.
pub(crate) struct Ground {
    pub(crate) host: String,
    pub(crate) project: String,
    pub(crate) begun: Instant,
    pub(crate) over: AtomicBool,
    pub(crate) record: Mutex<Record>,
    /// How often things were done that are not in the record, to see that they were done at all.
    pub(crate) done: Done,
}

/// See [`Ground::done`].
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) chunks: AtomicUsize,
    pub(crate) rivals: AtomicUsize,
    pub(crate) restored: AtomicUsize,
    pub(crate) told: AtomicUsize,
    pub(crate) collections: AtomicUsize,
    pub(crate) retentions: AtomicUsize,
}

impl Ground {
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    pub(crate) fn write_down(&self, path: &str, begun: Duration, answered: bool, what: What, client: usize) {
        let ended = answered.then(|| self.now());
        let mut record = self.record.lock().unwrap();
        record.unanswered += usize::from(!answered);
        record.operations.push((path.to_owned(), Operation { begun, ended, what, client }));
    }

    pub(crate) fn keep(&self, path: String) {
        self.record.lock().unwrap().kept.push(path);
    }

    pub(crate) fn accuse(&self, client: usize, words: &str) {
        let words = format!("{:?} client {client}: {words}", self.now());
        self.record.lock().unwrap().violations.push(words);
    }
}

/// One more of these.
pub(crate) fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}
