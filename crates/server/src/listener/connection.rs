//! One connection from its first byte to its end.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceExt};

use super::counters::{self, OpenConnection};
use super::guard::{GuardedRequest, TrackedResponse};
use super::phase::Stage;
use super::pulse::{Pulse, Waiting};
use super::sendfile::SendfileTable;
use super::serve::House;
use super::sniff::{self, Spoken};
use super::socket::Socket;
use super::{ConnectionInfo, Protocol, Scheme};

/// What the port says to whatever it does not understand.
const WHAT_THIS_PORT_SPEAKS: &str =
    "this port speaks HTTP/1.1, HTTP/2 and TLS; what arrived here is none of them";
const TLS_IS_OFF: &str = "this port speaks plain HTTP only; TLS is turned off here";
const GOING_DOWN: &str = "this node is shutting down; please try again\n";
/// An idle HTTP/2 client that does not answer our goodbye within this is not there any more.
const GOODBYE: Duration = Duration::from_secs(5);
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);
/// TLS records that rustls prepares before it writes them out in one go.
const TLS_BUFFER: usize = 256 * 1024;

/// What answers requests: an `axum::Router` does.
pub trait Handler:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send> + Clone + Send + 'static
{
}

impl<S> Handler for S where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static
{
}

/// Serves `stream` until either side is done with it.
pub(super) async fn run<S: Handler>(house: Arc<House>, service: S, mut stream: TcpStream, peer: SocketAddr) {
    let pulse = Pulse::start(&house.options);
    let Ok(local) = stream.local_addr() else { return };
    // Answers are written whole, so waiting for more to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let Some(spoken) = listen_first(&house, &mut stream).await else { return };
    let info = ConnectionInfo {
        peer: canonical(peer),
        local: canonical(local),
        scheme: if spoken == Spoken::Tls { Scheme::Https } else { Scheme::Http },
        protocol: if matches!(spoken, Spoken::Http2(_)) { Protocol::Http2 } else { Protocol::Http1 },
        sendfile: matches!(spoken, Spoken::Http1(_)).then(SendfileTable::new),
    };
    let _open = OpenConnection::count(info.scheme);
    let server = Server { house, service, pulse, info };
    match spoken {
        Spoken::Tls => server.tls(stream).await,
        Spoken::Http1(seen) | Spoken::Http2(seen) => server.plain(stream, seen).await,
        Spoken::Unknown => {
            counters::refused("not_http");
            sniff::part(&mut stream, "400 Bad Request", WHAT_THIS_PORT_SPEAKS).await;
        }
        Spoken::Nothing => {}
    }
}

/// The first bytes, or `None` when they take too long or the house closes meanwhile.
async fn listen_first(house: &House, stream: &mut TcpStream) -> Option<Spoken> {
    tokio::select! {
        spoken = timeout(house.options.header_timeout, sniff::sniff(stream)) => match spoken {
            Ok(spoken) => spoken.ok(),
            Err(_) => {
                counters::refused("header_timeout");
                None
            }
        },
        () = house.phase.reached(Stage::Draining) => None,
    }
}

/// `::ffff:10.0.0.1`, as a socket for both families says it, is `10.0.0.1` to everybody else.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

struct Server<S> {
    house: Arc<House>,
    service: S,
    pulse: Arc<Pulse>,
    info: ConnectionInfo,
}

impl<S: Handler> Server<S> {
    async fn plain(self, stream: TcpStream, seen: Bytes) {
        let socket = Socket::new(stream, self.house.options.write_timeout);
        let socket = match &self.info.sendfile {
            Some(table) => socket.with_files(Arc::clone(table)),
            None => socket,
        };
        self.http(socket, seen).await;
    }

    async fn tls(mut self, mut stream: TcpStream) {
        let Some(tls) = self.house.tls.clone() else {
            counters::refused("tls_is_off");
            return sniff::part(&mut stream, "400 Bad Request", TLS_IS_OFF).await;
        };
        let socket = Socket::new(stream, self.house.options.write_timeout);
        let handshake = TlsAcceptor::from(tls.config)
            .accept_with(socket, |session| session.set_buffer_limit(Some(TLS_BUFFER)));
        let handshake = timeout(self.house.options.handshake_timeout, handshake);
        let handshake = tokio::select! {
            handshake = handshake => handshake,
            () = self.house.phase.reached(Stage::Draining) => return,
        };
        let stream = match handshake {
            Ok(Ok(stream)) => stream,
            // The stranger's own doing, as often as he likes: counted, not a line in the log each.
            Ok(Err(error)) => {
                tracing::debug!(peer = %self.info.peer, %error, "TLS handshake failed");
                return counters::refused("tls_handshake");
            }
            Err(_) => return counters::refused("tls_handshake_timeout"),
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.info.protocol = Protocol::Http2;
        }
        self.http(stream, Bytes::new()).await;
    }

    async fn http<IO>(self, io: IO, seen: Bytes)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(Watched { io, seen, pulse: Arc::clone(&self.pulse) });
        let (house, pulse, info) = (Arc::clone(&self.house), Arc::clone(&self.pulse), self.info.clone());
        let protocol = self.info.protocol;
        let service = service_fn(move |request| self.answer(request));
        match protocol {
            Protocol::Http1 => {
                let connection = http1(&house).serve_connection(io, service);
                Drive::new(house, pulse, info).run(connection).await;
            }
            Protocol::Http2 => {
                let connection = http2(&house).serve_connection(io, service);
                Drive::new(house, pulse, info).run(connection).await;
            }
        }
    }

    /// One request, from its headers to the start of its answer.
    fn answer(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<TrackedResponse>, Infallible>> + Send + use<S> {
        let underway = match self.info.protocol {
            Protocol::Http1 => self.pulse.request(),
            Protocol::Http2 => self.pulse.stream_request(),
        };
        let refused = self.house.phase.stage() >= Stage::Draining;
        let service = self.service.clone();
        let info = self.info.clone();
        let body_timeout = self.house.options.body_timeout;
        async move {
            let response = if refused {
                going_down(request.version())
            } else {
                let mut request = request.map(|body| GuardedRequest::wrap(body, body_timeout));
                request.extensions_mut().insert(info);
                service.oneshot(request).await?
            };
            Ok(response.map(|body| TrackedResponse::new(body, underway)))
        }
    }
}

fn going_down(version: Version) -> Response<Body> {
    let mut response = Response::new(Body::from(GOING_DOWN));
    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    if version < Version::HTTP_2 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn http1(house: &House) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // `Pulse` does this: hyper's would also count the time between requests.
        .header_read_timeout(None)
        .max_header_size(house.options.max_header_bytes);
    builder
}

fn http2(house: &House) -> http2::Builder<super::serve::Tracked> {
    let options = &house.options;
    let mut builder = http2::Builder::new(house.executor());
    builder
        .timer(TokioTimer::new())
        .initial_stream_window_size(options.http2_stream_window)
        .initial_connection_window_size(options.http2_connection_window)
        .max_frame_size(options.http2_frame_size)
        .max_concurrent_streams(options.http2_streams)
        .max_header_list_size(u32::try_from(options.max_header_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder
}

/// Keeps a hyper connection going and watches what hyper does not: deadlines and the house's closing time.
struct Drive {
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
    fn new(house: Arc<House>, pulse: Arc<Pulse>, info: ConnectionInfo) -> Self {
        Self { house, pulse, info, seen: Stage::Serving, closing: false, goodbye: None, drained: false }
    }

    async fn run<C: GracefulConnection<Error = hyper::Error>>(mut self, connection: C) {
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
        self.seen = stage;
        if stage == Stage::Draining {
            self.drained = self.pulse.is_busy();
            self.close_after_requests(connection);
        }
    }

    fn close_after_requests<C: GracefulConnection>(&mut self, connection: Pin<&mut C>) {
        self.closing = true;
        // Not for one that fell idle a moment ago: the end of its response may still be on the way.
        if self.info.protocol == Protocol::Http2 && self.pulse.is_idle_for(GOODBYE) {
            self.goodbye = Some(Instant::now() + GOODBYE);
        }
        connection.graceful_shutdown();
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
                Waiting::ForHead(_) => return Poll::Ready("header_timeout"),
                Waiting::ForWindow(_) => return Poll::Ready("write_timeout"),
                _ if self.closing => return Poll::Ready("goodbye_timeout"),
                _ => {
                    self.close_after_requests(connection.as_mut());
                    cx.waker().wake_by_ref();
                }
            }
        }
    }

    /// Until when to wait; `None` where something else watches.
    fn deadline(&self, waiting: Waiting) -> Option<Instant> {
        match waiting {
            Waiting::ForHead(at) | Waiting::ForWindow(at) => Some(at),
            Waiting::ForRequest(_) if self.closing => self.goodbye,
            Waiting::ForRequest(at) => Some(at),
            // The streams of HTTP/2 are tasks of their own, which do not wake this one: look again later.
            Waiting::ForUs if self.info.protocol == Protocol::Http2 => {
                Some(Instant::now() + self.house.options.write_timeout)
            }
            Waiting::ForUs => None,
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

/// Puts the bytes that were read to tell the protocol in front of the rest, and notes when bytes arrive.
struct Watched<IO> {
    io: IO,
    seen: Bytes,
    pulse: Arc<Pulse>,
}

impl<IO: AsyncRead + Unpin> AsyncRead for Watched<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        if self.seen.is_empty() {
            ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        } else {
            let len = self.seen.len().min(buf.remaining());
            buf.put_slice(&self.seen.split_to(len));
        }
        if buf.filled().len() > before {
            self.pulse.received();
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Watched<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
