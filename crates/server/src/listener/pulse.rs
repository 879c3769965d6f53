//! What one connection is doing right now, so that the task that drives it knows when it has waited too long.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::options::Options;

/// Shared by a connection's reader, its requests and the task that watches its deadlines.
///
/// hyper has a header timeout of its own, but starts it at the end of the previous response, which makes it the
/// idle timeout as well; the two differ here, hence this.
#[derive(Debug)]
pub(super) struct Pulse {
    opened: Instant,
    header_timeout: Duration,
    idle_timeout: Duration,
    write_timeout: Duration,
    requests: AtomicUsize,
    in_head: AtomicBool,
    since_ms: AtomicU64,
    streams: Mutex<Vec<Weak<Stream>>>,
}

/// When an HTTP/2 stream was last given a frame of its response that the client has not made room for yet;
/// milliseconds since the connection opened, 0 while it is our turn.
#[derive(Debug, Default)]
struct Stream(AtomicU64);

/// What the connection waits for, and until when it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitingFor {
    /// Requests are under way: their bodies have timeouts of their own.
    Us,
    /// An HTTP/2 client is to open its window for a response.
    Window(Instant),
    /// Between requests.
    Request(Instant),
    /// Amid a request's headers, or before the first request.
    Head(Instant),
}

impl Pulse {
    /// A connection accepted just now: its first request's headers are due.
    pub(super) fn start(options: &Options) -> Arc<Self> {
        Arc::new(Self {
            opened: Instant::now(),
            header_timeout: options.header_timeout,
            idle_timeout: options.idle_timeout,
            write_timeout: options.write_timeout,
            requests: AtomicUsize::new(0),
            in_head: AtomicBool::new(true),
            since_ms: AtomicU64::new(0),
            streams: Mutex::default(),
        })
    }

    /// Bytes came in; between requests they begin the next one's headers.
    pub(super) fn received(&self) {
        if !self.is_busy() && !self.in_head.swap(true, Ordering::Relaxed) {
            self.since_ms.store(self.now_ms(), Ordering::Relaxed);
        }
    }

    /// A request's headers are complete; it is under way until the returned guard is dropped.
    pub(super) fn request(self: &Arc<Self>) -> Underway {
        self.begin(None)
    }

    /// The same for a request on an HTTP/2 stream, whose flow control the socket's own timeout cannot see.
    pub(super) fn stream_request(self: &Arc<Self>) -> Underway {
        let stream = Arc::new(Stream::default());
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(&stream));
        drop(streams);
        self.begin(Some(stream))
    }

    fn begin(self: &Arc<Self>, stream: Option<Arc<Stream>>) -> Underway {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.in_head.store(false, Ordering::Relaxed);
        Underway { pulse: Arc::clone(self), stream }
    }

    /// Whether any request is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.requests.load(Ordering::Acquire) > 0
    }

    /// Whether no request has been under way for `span`.
    pub(super) fn is_idle_for(&self, span: Duration) -> bool {
        !self.is_busy() && self.at(self.since_ms.load(Ordering::Relaxed)).elapsed() >= span
    }

    pub(super) fn waiting(&self) -> WaitingFor {
        if self.is_busy() {
            return self.longest_without_window().map_or(WaitingFor::Us, WaitingFor::Window);
        }
        let since = self.at(self.since_ms.load(Ordering::Relaxed));
        match self.in_head.load(Ordering::Relaxed) {
            true => WaitingFor::Head(since + self.header_timeout),
            false => WaitingFor::Request(since + self.idle_timeout),
        }
    }

    fn longest_without_window(&self) -> Option<Instant> {
        let streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let handed = streams.iter().filter_map(Weak::upgrade).map(|stream| stream.0.load(Ordering::Relaxed));
        handed.filter(|ms| *ms > 0).min().map(|ms| self.at(ms) + self.write_timeout)
    }

    fn at(&self, ms: u64) -> Instant {
        self.opened + Duration::from_millis(ms)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// A request under way, up to the last byte of its response's body.
#[derive(Debug)]
pub(super) struct Underway {
    pulse: Arc<Pulse>,
    stream: Option<Arc<Stream>>,
}

impl Underway {
    /// The response's body was asked for a frame, and had one or not.
    pub(super) fn handed_out(&self, frame: bool) {
        if let Some(stream) = &self.stream {
            let since = if frame { self.pulse.now_ms().max(1) } else { 0 };
            stream.0.store(since, Ordering::Relaxed);
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        // The moment is written first: who sees no request left must not see an old one.
        self.pulse.since_ms.store(self.pulse.now_ms(), Ordering::Relaxed);
        self.pulse.requests.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_waits_for_head_then_us_then_the_next_request() {
        let options = Options::default();
        let pulse = Pulse::start(&options);
        assert_eq!(pulse.waiting(), WaitingFor::Head(Instant::now() + options.header_timeout));
        let underway = pulse.request();
        pulse.received();
        assert_eq!(pulse.waiting(), WaitingFor::Us);
        tokio::time::advance(Duration::from_secs(7)).await;
        drop(underway);
        assert_eq!(pulse.waiting(), WaitingFor::Request(Instant::now() + options.idle_timeout));
        tokio::time::advance(Duration::from_secs(3)).await;
        pulse.received();
        assert_eq!(pulse.waiting(), WaitingFor::Head(Instant::now() + options.header_timeout));
        tokio::time::advance(Duration::from_secs(1)).await;
        pulse.received();
        assert_eq!(
            pulse.waiting(),
            WaitingFor::Head(Instant::now() + options.header_timeout - Duration::from_secs(1)),
            "later bytes of one head must not push its deadline"
        );
    }
}
