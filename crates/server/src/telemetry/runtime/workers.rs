//! What each worker polls at this moment, written by the worker and read by the monitors.
//!
//! A worker pays for it at every poll: two uncontended locks, two stores and a read of the coarse clock.
//! The fine clock is read only where the schedule trace asks for the longest poll.

use std::cell::{Cell, OnceCell};
use std::fmt;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, TaskMeta};
use tokio::task;

use super::{clock, watchdog};
use crate::telemetry::request::RequestContext;

/// All workers of a runtime.
#[derive(Debug, Default)]
pub(super) struct Workers {
    slots: Mutex<Vec<Weak<Slot>>>,
}

/// One worker's thread.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) thread: String,
    /// When the poll under way began, on the coarse clock; 0 between polls.
    since: AtomicU64,
    /// The `since` of the poll that the watchdog has named last.
    named: AtomicU64,
    polled: Mutex<Option<Polled>>,
    longest: Mutex<Option<(Duration, Told)>>,
}

/// A task in a poll, and the request it serves there, if any.
#[derive(Debug, Clone)]
pub(super) struct Polled {
    task: task::Id,
    spawned_at: &'static Location<'static>,
    request: Option<RequestContext>,
}

/// What is said of a [`Polled`]. It holds no request, whose span would not close before its last holder goes.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) task: task::Id,
    pub(super) spawned_at: &'static Location<'static>,
    pub(super) request_id: Option<String>,
    pub(super) route: Option<&'static str>,
}

/// A worker's own end of its slot.
struct Own {
    slot: Arc<Slot>,
    began: Cell<Option<Instant>>,
}

thread_local!(static OWN: OnceCell<Own> = const { OnceCell::new() });

/// Makes the runtime keep the slots. `fine`: with the longest poll, for two reads of the fine clock a poll.
pub(super) fn hook(builder: &mut Builder, workers: &Arc<Workers>, fine: bool) {
    let workers = Arc::clone(workers);
    builder.on_before_task_poll(move |meta| {
        OWN.with(|own| own.get_or_init(|| workers.register()).begin(meta, fine));
    });
    builder.on_after_task_poll(|_| {
        OWN.with(|own| own.get().map(Own::end));
    });
}

/// See [`super::now_polling`]. Does nothing on a thread without a slot.
pub(super) fn now_polling(request: &RequestContext) {
    OWN.with(|own| {
        let Some(own) = own.get() else { return };
        if let Some(polled) = own.slot.polled().as_mut() {
            polled.request = Some(request.clone());
        }
    });
}

/// Names for threads, of workers and of blocking calls alike: tokio does not say which it asks for.
pub(super) fn thread_name() -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    format!("hythe-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

impl Workers {
    fn register(&self) -> Own {
        let slot = Arc::new(Slot {
            thread: thread::current().name().unwrap_or("unnamed").to_owned(),
            since: AtomicU64::new(0),
            named: AtomicU64::new(0),
            polled: Mutex::default(),
            longest: Mutex::default(),
        });
        self.lock().push(Arc::downgrade(&slot));
        Own { slot, began: Cell::new(None) }
    }

    /// The slots of the threads that live.
    pub(super) fn slots(&self) -> Vec<Arc<Slot>> {
        let mut slots = self.lock();
        slots.retain(|slot| slot.strong_count() > 0);
        slots.iter().filter_map(Weak::upgrade).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Own {
    fn begin(&self, meta: &TaskMeta<'_>, fine: bool) {
        *self.slot.polled() = Some(Polled { task: meta.id(), spawned_at: meta.spawned_at(), request: None });
        self.slot.since.store(clock::ticks(), Ordering::Release);
        if fine {
            self.began.set(Some(Instant::now()));
        }
    }

    fn end(&self) {
        let slot = &*self.slot;
        let since = slot.since.load(Ordering::Relaxed);
        slot.since.store(0, Ordering::Release);
        let polled = slot.polled().take();
        let Some(polled) = polled else { return };
        if slot.named.load(Ordering::Relaxed) == since {
            watchdog::gave_back(slot, &polled.told(), clock::since(since));
        }
        if let Some(began) = self.began.take() {
            slot.note(began.elapsed(), &polled);
        }
    }
}

impl Slot {
    /// When the poll under way began, on the coarse clock.
    pub(super) fn since(&self) -> Option<u64> {
        Some(self.since.load(Ordering::Acquire)).filter(|since| *since != 0)
    }

    /// What is in the poll that began at `since`, if that still is the one under way.
    pub(super) fn told(&self, since: u64) -> Option<Told> {
        let told = self.polled().as_ref()?.told();
        (self.since() == Some(since)).then_some(told)
    }

    /// Marks that poll as named; false if it was before.
    pub(super) fn name(&self, since: u64) -> bool {
        self.named.swap(since, Ordering::Relaxed) != since
    }

    /// The longest poll that ended since this was asked last.
    pub(super) fn take_longest(&self) -> Option<(Duration, Told)> {
        self.longest.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn note(&self, took: Duration, polled: &Polled) {
        let mut longest = self.longest.lock().unwrap_or_else(PoisonError::into_inner);
        if longest.as_ref().is_none_or(|(other, _)| took > *other) {
            *longest = Some((took, polled.told()));
        }
    }

    fn polled(&self) -> MutexGuard<'_, Option<Polled>> {
        self.polled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Polled {
    fn told(&self) -> Told {
        let request = self.request.as_ref();
        Told {
            task: self.task,
            spawned_at: self.spawned_at,
            request_id: request.map(|request| request.id().to_string()),
            route: request.map(RequestContext::route),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} spawned at {}:{}", self.task, self.spawned_at.file(), self.spawned_at.line())?;
        if let (Some(route), Some(id)) = (self.route, &self.request_id) {
            write!(f, " in request {route} {id}")?;
        }
        Ok(())
    }
}
