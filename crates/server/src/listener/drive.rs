//! Keeping a connection going until it ends, expires or is cut.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper_util::server::graceful::GracefulConnection;
use tokio::time::{Instant, Sleep, sleep_until};

use super::phase::Stage;
use super::pulse::{Pulse, WaitingFor};
use super::serve::House;
use super::{ConnectionInfo, Protocol, counters};

/// An idle HTTP/2 client that does not answer our goodbye within this is not there any more.
const GOODBYE: Duration = Duration::from_secs(5);

/// Keeps a hyper connection going and watches what hyper does not: deadlines and the house's closing time.
pub(super) struct Drive {
    house: Arc<House>,
    pulse: Arc<Pulse>,
    info: ConnectionInfo,
    /// The last stage that was acted on.
    seen: Stage,
    /// Told to end after what is under way.
    closing: bool,
    /// When an idle HTTP/2 client is given up that does not answer our goodbye.
    goodbye: Option<Instant>,
    /// Had requests under way when the house began to close.
    drained: bool,
}

/// How a connection ended.
enum End {
    Closed(Result<(), hyper::Error>),
    Expired(&'static str),
    Cut,
}

impl Drive {
    pub(super) fn new(house: Arc<House>, pulse: Arc<Pulse>, info: ConnectionInfo) -> Self {
        Self { house, pulse, info, seen: Stage::Serving, closing: false, goodbye: None, drained: false }
    }

    pub(super) async fn run<C: GracefulConnection<Error = hyper::Error>>(mut self, connection: C) {
        let house = Arc::clone(&self.house);
        let mut connection = pin!(connection);
        let mut timer = pin!(sleep_until(Instant::now() + house.options.header_timeout));
        let mut changed = pin!(house.phase.changed());
        let mut is_first_poll = true;
        let end = poll_fn(|cx| {
            self.begin_turn();
            if let Poll::Ready(result) = connection.as_mut().poll(cx) {
                return Poll::Ready(End::Closed(result));
            }
            // Looking at the stage is a plain load; the list of those who wait for a change has a lock, which
            // all connections share, so it is touched only here at the start and when a change has come.
            let has_changed = house.phase.stage() > self.seen;
            if has_changed {
                changed.set(house.phase.changed());
                self.enter(house.phase.stage(), connection.as_mut());
                cx.waker().wake_by_ref();
            }
            if (has_changed || std::mem::take(&mut is_first_poll)) && changed.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
            if self.seen == Stage::Cut {
                return Poll::Ready(End::Cut);
            }
            self.poll_deadline(cx, connection.as_mut(), timer.as_mut()).map(End::Expired)
        })
        .await;
        self.finish(end);
    }

    fn begin_turn(&self) {
        if let Some(table) = &self.info.sendfile {
            table.begin_turn();
        }
    }

    fn enter<C: GracefulConnection>(&mut self, stage: Stage, connection: Pin<&mut C>) {
        if self.seen == Stage::Serving {
            self.drained = self.pulse.is_busy();
        }
        self.seen = stage;
        if stage == Stage::Draining {
            self.close_after_requests(connection);
            // Not of one that fell idle a moment ago: the end of its response may still be on the way.
            if self.pulse.is_idle_for(GOODBYE) {
                self.expect_goodbye();
            }
        }
    }

    fn close_after_requests<C: GracefulConnection>(&mut self, connection: Pin<&mut C>) {
        self.closing = true;
        connection.graceful_shutdown();
    }

    /// HTTP/2 ends when the client has acknowledged our goodbye; this one may not be there any more.
    fn expect_goodbye(&mut self) {
        if self.info.protocol == Protocol::Http2 {
            self.goodbye = Some(Instant::now() + GOODBYE);
        }
    }

    /// Acts on whatever has been waited for too long; says why the connection is to be dropped, if it is.
    fn poll_deadline<C: GracefulConnection>(
        &mut self,
        cx: &mut Context<'_>,
        mut connection: Pin<&mut C>,
        mut timer: Pin<&mut Sleep>,
    ) -> Poll<&'static str> {
        loop {
            let waiting = self.pulse.waiting();
            let Some(deadline) = self.deadline(waiting) else { return Poll::Pending };
            // The timer is moved when it is too late or has fired, not at each request.
            if deadline < timer.deadline() {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(cx));
            if Instant::now() < deadline {
                timer.as_mut().reset(deadline);
                continue;
            }
            match waiting {
                WaitingFor::Head(_) => return Poll::Ready("header_timeout"),
                WaitingFor::Window(_) => return Poll::Ready("write_timeout"),
                _ if self.closing => return Poll::Ready("goodbye_timeout"),
                _ => {
                    self.close_after_requests(connection.as_mut());
                    self.expect_goodbye();
                    cx.waker().wake_by_ref();
                }
            }
        }
    }

    /// Until when to wait; `None` where something else watches.
    fn deadline(&self, waiting: WaitingFor) -> Option<Instant> {
        match waiting {
            WaitingFor::Head(at) | WaitingFor::Window(at) => Some(at),
            WaitingFor::Request(_) if self.closing => self.goodbye,
            WaitingFor::Request(at) => Some(at),
            // The streams of HTTP/2 are tasks of their own, which do not wake this one: look again later.
            WaitingFor::Us if self.info.protocol == Protocol::Http2 => {
                Some(Instant::now() + self.house.options.write_timeout)
            }
            WaitingFor::Us => None,
        }
    }

    fn finish(self, end: End) {
        match &end {
            End::Closed(Err(error)) => tracing::debug!(peer = %self.info.peer, %error, "connection ended"),
            End::Expired(reason) => counters::refused(reason),
            End::Closed(Ok(())) | End::Cut => {}
        }
        if self.drained {
            self.house.count_drained(matches!(end, End::Cut));
        }
    }
}
