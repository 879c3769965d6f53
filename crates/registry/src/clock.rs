//! The time: this machine's clock, read in this one place, set right by the clock of the database that all nodes share.
//!
//! Nodes whose clocks are minutes apart would take each other's leases for run out and each other's tokens for made in the
//! future. So a node measures at its start and then every few seconds how far it is from the database, and goes by the
//! database's time. A machine without a shared database stays with its own.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since the epoch, as rows hold time.
pub type Micros = i64;

/// A measurement is no better than the time that the question took, and less than this is nobody's wrong clock.
const NOT_WORTH_IT: Micros = 1_000_000;
/// A question that took longer than this says too little.
const TOO_SLOW: Duration = Duration::from_millis(500);

/// This machine's clock minus the database's; 0 while they agree or nobody has looked.
static OFFSET: AtomicI64 = AtomicI64::new(0);

/// Now, by the clock that all nodes share.
pub fn now() -> Micros {
    local() - OFFSET.load(Ordering::Relaxed)
}

/// How far this machine's clock is ahead of the one that all nodes share; negative if it is behind.
pub fn offset() -> Micros {
    OFFSET.load(Ordering::Relaxed)
}

/// This machine's own clock.
fn local() -> Micros {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    micros(since_epoch)
}

/// Asks for the time that all nodes share and goes by it from now on.
///
/// # Errors
/// Those of the question; the time goes on as before then.
pub(crate) async fn follow<E>(ask: impl AsyncFnOnce() -> Result<Micros, E>) -> Result<(), E> {
    let (began, here) = (Instant::now(), local());
    let theirs = ask().await?;
    if let Some(offset) = offset_of(here, theirs, began.elapsed()) {
        set(offset);
    }
    Ok(())
}

/// What to go by when this machine said `here`, then asked, and got `theirs` so long after; nothing where that says too
/// little.
fn offset_of(here: Micros, theirs: Micros, took: Duration) -> Option<Micros> {
    let measured = here + micros(took / 2) - theirs;
    (took <= TOO_SLOW).then_some(if measured.abs() < NOT_WORTH_IT { 0 } else { measured })
}

/// A change is said once: it moves everything that goes by the time.
fn set(offset: Micros) {
    let before = OFFSET.swap(offset, Ordering::Relaxed);
    if (before - offset).abs() < NOT_WORTH_IT {
        return;
    }
    let seconds = offset / 1_000_000;
    match offset {
        0 => tracing::info!("the clock of this machine agrees with the database's again"),
        1.. => tracing::warn!(
            "the clock of this machine is {seconds} s ahead of the database's, whose time is used; set the clock right"
        ),
        _ => tracing::warn!(
            "the clock of this machine is {} s behind the database's, whose time is used; set the clock right",
            -seconds
        ),
    }
}

/// A span in the unit of rows; a span too long for it becomes the longest there is.
pub fn micros(span: Duration) -> Micros {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Whole seconds since the epoch, as tokens hold time (RFC 7519 `NumericDate`).
pub fn seconds(at: Micros) -> i64 {
    at.div_euclid(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Micros = 1_000_000;

    #[test]
    fn minutes_are_a_wrong_clock_and_less_than_a_second_is_noise() {
        let quick = Duration::from_millis(2);
        assert_eq!(offset_of(0, 180 * SECOND, quick), Some(1000 - 180 * SECOND));
        assert_eq!(offset_of(180 * SECOND, 0, quick), Some(180 * SECOND + 1000));
        assert_eq!(offset_of(0, 900_000, quick), Some(0));
        assert_eq!(offset_of(0, 180 * SECOND, Duration::from_secs(2)), None);
    }
}
