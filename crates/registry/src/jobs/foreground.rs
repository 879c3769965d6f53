//! The foreground: requests under way on this node, to which work in the background gives way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How often a job that waits looks again.
const LOOK: Duration = Duration::from_millis(20);

/// How long one step of a job waits at most, so that work goes on under any load, only slowly.
const PATIENCE: Duration = Duration::from_millis(500);

/// Counts requests from their first byte to the last of their answers. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Foreground(Arc<AtomicUsize>);

/// One request under way, until this is dropped.
#[derive(Debug)]
pub struct Underway(Arc<AtomicUsize>);

impl Foreground {
    /// Counts a request.
    pub fn begin(&self) -> Underway {
        self.0.fetch_add(1, Ordering::Relaxed);
        Underway(self.0.clone())
    }

    /// How many requests are under way.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// Waits while so many requests or more are under way, for half a second at most; how long it was.
    pub(crate) async fn give_way(&self, busy_from: usize) -> Duration {
        let begun = Instant::now();
        while self.count() >= busy_from && begun.elapsed() < PATIENCE {
            tokio::time::sleep(LOOK).await;
        }
        begun.elapsed()
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn work_waits_for_requests_and_never_for_long() {
        let foreground = Foreground::default();
        let requests: Vec<_> = (0..3).map(|_| foreground.begin()).collect();
        assert_eq!(foreground.give_way(4).await, Duration::ZERO);
        assert!(foreground.give_way(3).await >= PATIENCE);
        drop(requests);
        assert_eq!(foreground.give_way(3).await, Duration::ZERO);
    }
}
