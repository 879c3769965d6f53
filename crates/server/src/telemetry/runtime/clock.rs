//! A clock that costs a few nanoseconds: the kernel's tick, some milliseconds fine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the monotonic clock as of the last tick. Never 0.
pub(super) fn ticks() -> u64 {
    let now = clock_gettime(ClockId::MonotonicCoarse);
    (now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64).max(1)
}

/// Time since an earlier reading.
pub(super) fn since(earlier: u64) -> Duration {
    Duration::from_nanos(ticks().saturating_sub(earlier))
}
