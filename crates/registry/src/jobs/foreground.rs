//! The foreground: requests under way on this node, to which work in the background gives way.

use std::time::Duration;

use tokio::time::Instant;

use crate::Registry;

/// How often a job that waits looks again.
const LOOK: Duration = Duration::from_millis(20);

/// How long one step of a job waits at most, so that work goes on under any load, only slowly.
const PATIENCE: Duration = Duration::from_millis(500);

/// While anybody asks for anything, a job rests so many times as long as it worked: where there is one writer (SQLite),
/// pushes wait for each of its transactions.
const REST: u32 = 15;

impl Registry {
    /// Waits while many requests are under way, and rests while there are any after a step that took `worked`; for half a
    /// second at most, each.
    pub(super) async fn give_way(&self, worked: Duration) {
        wait_while(|| self.load().requests >= self.options.jobs.busy_from).await;
        self.rest_after(worked, REST).await;
    }

    /// Rests `times` as long as a step took, half a second at most, if anybody asks for anything.
    pub(crate) async fn rest_after(&self, worked: Duration, times: u32) {
        if self.load().requests > 0 {
            tokio::time::sleep(rest(worked, times)).await;
        }
    }
}

fn rest(worked: Duration, times: u32) -> Duration {
    worked.saturating_mul(times).min(PATIENCE)
}

async fn wait_while(busy: impl Fn() -> bool) {
    let begun = Instant::now();
    while busy() && begun.elapsed() < PATIENCE {
        tokio::time::sleep(LOOK).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_is_longer_than_the_work_and_has_an_end() {
        assert_eq!(rest(Duration::from_millis(4), REST), Duration::from_millis(60));
        assert_eq!(rest(Duration::from_secs(4), 1), PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn work_waits_for_requests_and_never_for_long() {
        let begun = Instant::now();
        wait_while(|| false).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        wait_while(|| begun.elapsed() < 2 * LOOK).await;
        assert_eq!(begun.elapsed(), 2 * LOOK);
        wait_while(|| true).await;
        assert_eq!(begun.elapsed(), 2 * LOOK + PATIENCE);
    }
}
