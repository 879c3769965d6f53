//! What to do when `accept` fails: wait a little longer each time, and say so once, not at every try.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

const SHORTEST_WAIT: Duration = Duration::from_millis(5);
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The same trouble is mentioned again after this long, with its count.
const REMINDER: Duration = Duration::from_secs(60);

/// The failures in a row, or nearly so: at the limit of open files, every connection that ends lets one in.
#[derive(Debug, Default)]
pub(super) struct AcceptTrouble {
    failures: u64,
    consecutive: u32,
    kind: Option<i32>,
    mentioned: Option<Instant>,
    last: Option<Instant>,
}

impl AcceptTrouble {
    /// How long to wait before the next `accept`.
    pub(super) fn wait_after(&mut self, error: &io::Error) -> Duration {
        if concerns_one_connection(error) {
            return Duration::ZERO;
        }
        self.failures += 1;
        self.last = Some(Instant::now());
        if self.is_news(error) {
            tracing::error!(%error, failures = self.failures, "cannot accept connections; trying on");
            self.kind = error.raw_os_error();
            self.mentioned = Some(Instant::now());
        }
        let wait = SHORTEST_WAIT * 2_u32.saturating_pow(self.consecutive.min(16));
        self.consecutive = self.consecutive.saturating_add(1);
        wait.min(LONGEST_WAIT)
    }

    /// A connection was accepted. Only when that has been so for a while is the trouble called over.
    pub(super) fn over(&mut self) {
        self.consecutive = 0;
        if self.last.is_some_and(|at| at.elapsed() >= REMINDER) {
            tracing::info!(failures = self.failures, "accepting connections again");
            *self = Self::default();
        }
    }

    fn is_news(&self, error: &io::Error) -> bool {
        let is_reminder = self.mentioned.is_none_or(|at| at.elapsed() >= REMINDER);
        is_reminder || error.raw_os_error() != self.kind
    }
}

/// The client was gone before it was accepted; the next one is not concerned.
fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMFILE: i32 = 24;

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_start_anew() {
        let mut trouble = AcceptTrouble::default();
        let full = io::Error::from_raw_os_error(EMFILE);
        let waits: Vec<_> = (0..20).map(|_| trouble.wait_after(&full)).collect();
        assert_eq!(waits[0], SHORTEST_WAIT);
        assert!(waits.is_sorted());
        assert_eq!(waits[19], LONGEST_WAIT);
        trouble.over();
        assert_eq!(trouble.wait_after(&full), SHORTEST_WAIT);
    }

    #[tokio::test(start_paused = true)]
    async fn the_same_trouble_is_mentioned_once_a_minute() {
        let mut trouble = AcceptTrouble::default();
        let full = io::Error::from_raw_os_error(EMFILE);
        assert!(trouble.is_news(&full));
        trouble.wait_after(&full);
        assert!(!trouble.is_news(&full));
        trouble.over();
        assert!(!trouble.is_news(&full), "one connection let in between is no reason to say it all again");
        assert!(trouble.is_news(&io::Error::from_raw_os_error(EMFILE - 1)));
        tokio::time::advance(REMINDER).await;
        assert!(trouble.is_news(&full));
    }

    #[test]
    fn a_client_that_left_is_no_trouble() {
        let mut trouble = AcceptTrouble::default();
        assert_eq!(trouble.wait_after(&io::ErrorKind::ConnectionAborted.into()), Duration::ZERO);
        assert_eq!(trouble.failures, 0);
    }
}
