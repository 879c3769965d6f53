//! A deadline that moves with progress, cheap enough to keep on every read or write.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Expires when nothing has moved for a while. The timer is made at the first wait and moved only when it fires,
/// never at each byte: most transfers end without having touched the timer wheel more than once.
#[derive(Debug)]
pub(super) struct Stall {
    timeout: Duration,
    moved: bool,
    deadline: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { timeout, moved: true, deadline: Instant::now(), sleep: None }
    }

    /// Something moved: the wait begins anew at the next [`Stall::poll_expired`].
    pub(super) fn moved(&mut self) {
        self.moved = true;
    }

    /// To be called when nothing can move now; wakes the task at the deadline.
    pub(super) fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.moved {
            self.moved = false;
            self.deadline = Instant::now() + self.timeout;
        }
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(self.deadline)));
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= self.deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(self.deadline);
        }
        Poll::Pending
    }
}
