//! The system clock, read in this one place, so that tests and reviews know where time enters.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Microseconds since the epoch, as rows hold time.
pub type Micros = i64;

/// Now.
pub fn now() -> Micros {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    micros(since_epoch)
}

/// A span in the unit of rows; a span too long for it becomes the longest there is.
pub fn micros(span: Duration) -> Micros {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

/// Whole seconds since the epoch, as tokens hold time (RFC 7519 `NumericDate`).
pub fn seconds(at: Micros) -> i64 {
    at.div_euclid(1_000_000)
}
