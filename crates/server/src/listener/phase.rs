//! Where the listener stands in its life, told to every connection without a lock on the way of a request.

use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The stages, in the only order in which they follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Stage {
    /// Requests are answered.
    Serving,
    /// Running requests end, new ones are refused.
    Draining,
    /// Whatever still runs is dropped.
    Cut,
}

/// The current stage and those who wait for the next.
#[derive(Debug, Default)]
pub(super) struct Phase {
    stage: AtomicU8,
    changed: Notify,
}

impl Phase {
    pub(super) fn stage(&self) -> Stage {
        match self.stage.load(Ordering::Acquire) {
            0 => Stage::Serving,
            1 => Stage::Draining,
            _ => Stage::Cut,
        }
    }

    /// Stages only ever go forward.
    pub(super) fn advance(&self, to: Stage) {
        self.stage.fetch_max(to as u8, Ordering::AcqRel);
        self.changed.notify_waiters();
    }

    /// Resolves at the next change after this call; look at [`Phase::stage`] after making it.
    pub(super) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Resolves when `stage` is reached, at once if it is.
    pub(super) async fn reached(&self, stage: Stage) {
        loop {
            let changed = self.changed();
            if self.stage() >= stage {
                return;
            }
            changed.await;
        }
    }
}
