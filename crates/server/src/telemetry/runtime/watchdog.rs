//! Names a task that holds a worker too long, while it does, and once more when it lets go.
//!
//! Like Go's sysmon it looks from a thread of its own, often while something runs and seldom while nothing does.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use super::clock;
use super::monitor::{Ended, Monitor};
use super::workers::{Slot, Told, Workers};

/// Starts looking; `limit` is how long a task may go on without yielding.
pub(super) fn start(workers: &Arc<Workers>, limit: Duration) -> io::Result<Monitor> {
    let workers = Arc::clone(workers);
    Monitor::start("hythe-watchdog", move |ended| watch(&workers, limit, ended))
}

/// A poll's beginning is known, so a look that comes late measures no less; half the limit is still in time.
fn watch(workers: &Workers, limit: Duration, ended: &Ended) {
    let (often, seldom) = (limit / 10, limit / 2);
    let mut pause = often;
    while !ended.after(pause) {
        let mut running = false;
        for slot in workers.slots() {
            running |= look(&slot, limit);
        }
        pause = if running { often } else { (pause * 2).min(seldom) };
    }
}

/// Looks at one worker and names its task if it is time. Returns whether a task runs there.
fn look(slot: &Slot, limit: Duration) -> bool {
    let Some(since) = slot.since() else { return false };
    let held = clock::since(since);
    if held >= limit
        && let Some(told) = slot.told(since)
        && slot.name(since)
    {
        holds(slot, &told, held);
    }
    true
}

fn holds(slot: &Slot, told: &Told, held: Duration) {
    tracing::warn!(
        target: "hythe::watchdog",
        worker = slot.thread,
        held_ms = held.as_millis() as u64,
        request_id = told.request_id,
        route = told.route,
        "{told} has held worker {} for {} ms and still does",
        slot.thread,
        held.as_millis(),
    );
}

/// Said by the worker itself, at the end of a poll that was named.
pub(super) fn gave_back(slot: &Slot, told: &Told, held: Duration) {
    tracing::warn!(
        target: "hythe::watchdog",
        worker = slot.thread,
        held_ms = held.as_millis() as u64,
        request_id = told.request_id,
        route = told.route,
        "{told} gave worker {} back after {} ms",
        slot.thread,
        held.as_millis(),
    );
}
