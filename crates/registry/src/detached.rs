//! Work that a request waits for, and that goes on when the request does not.
//!
//! The request's own task does it: a task beside it would cost two switches of threads for each piece of a body, a tenth
//! of the time of a push. Only when the request is dropped does the work move to a task of its own.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// What the work ended with, or what it panicked with.
type Ended<T> = Result<T, Box<dyn Any + Send>>;

/// Work that is done even if this is dropped; `tracker` counts it until then.
pub(crate) struct Detached<T: Send + 'static> {
    work: Option<Pin<Box<dyn Future<Output = Ended<T>> + Send>>>,
    tracker: TaskTracker,
    _counted: TaskTrackerToken,
}

impl<T: Send + 'static> Detached<T> {
    pub(crate) fn new(tracker: &TaskTracker, work: impl Future<Output = T> + Send + 'static) -> Self {
        let work = AssertUnwindSafe(work).catch_unwind().boxed();
        Self { work: Some(work), tracker: tracker.clone(), _counted: tracker.token() }
    }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = Ended<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Ended<T>> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let ended = work.as_mut().poll(cx);
        if ended.is_ready() {
            self.work = None;
        }
        ended
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        // Without a runtime the process is ending; what crashes leave behind is cleaned up as after one.
        if let (Some(work), Ok(runtime)) = (self.work.take(), Handle::try_current()) {
            self.tracker.spawn_on(work, &runtime);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn goes_on_when_it_is_dropped_and_is_counted_until_it_ends() {
        let tracker = TaskTracker::new();
        let (go_on, told) = oneshot::channel::<()>();
        let (say, done) = oneshot::channel::<()>();
        let work = Detached::new(&tracker, async move {
            told.await.unwrap();
            say.send(()).unwrap();
        });
        let waited = tokio::time::timeout(Duration::from_millis(10), work).await;
        assert!(waited.is_err());
        tracker.close();
        assert!(tokio::time::timeout(Duration::from_millis(10), tracker.wait()).await.is_err());
        go_on.send(()).unwrap();
        done.await.unwrap();
        tracker.wait().await;
    }

    #[tokio::test]
    async fn a_panic_ends_the_work_and_not_who_waits() {
        let tracker = TaskTracker::new();
        let ended = Detached::new(&tracker, async { std::hint::black_box(None::<u8>).unwrap() }).await;
        assert!(ended.is_err());
        tracker.close();
        tracker.wait().await;
    }
}
