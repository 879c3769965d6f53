//! One connection from its first byte to its end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tower::{Service, ServiceExt};

use super::counters::{self, OpenConnection};
use super::drive::Drive;
use super::guard::{GuardedRequest, TrackedResponse};
use super::phase::Stage;
use super::pulse::Pulse;
use super::sendfile::SendfileTable;
use super::serve::House;
use super::sniff::{self, Spoken};
use super::socket::Socket;
use super::watched::Watched;
use super::{ConnectionInfo, Protocol, Scheme};

/// What the port says to whatever it does not understand.
const WHAT_THIS_PORT_SPEAKS: &str =
    "this port speaks HTTP/1.1, HTTP/2 and TLS; what arrived here is none of them";
const TLS_IS_OFF: &str = "this port speaks plain HTTP only; TLS is turned off here";
const GOING_DOWN: &str = "this node is shutting down; please try again\n";
/// How often an HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const PING: Duration = Duration::from_secs(20);
/// The most that is read of an HTTP/1 connection at a time. hyper's own 408 KiB are no faster, and 64 pushes hold as many.
const READ_BUFFER: usize = 256 * 1024;
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
        let (house, pulse, info) = (Arc::clone(&self.house), Arc::clone(&self.pulse), self.info.clone());
        let protocol = self.info.protocol;
        let watching = (protocol == Protocol::Http1).then(|| Arc::clone(&pulse));
        let io = TokioIo::new(Watched { io, seen, pulse: watching });
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
        .max_header_size(house.options.max_header_bytes)
        .max_buf_size(READ_BUFFER.max(house.options.max_header_bytes));
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
