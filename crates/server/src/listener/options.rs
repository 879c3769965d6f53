//! Limits and timeouts of the listener, with the defaults that a registry on the open Internet can live with.

use std::time::Duration;

/// How much and how long a stranger may hold of us.
#[derive(Clone, Debug)]
pub struct Options {
    /// Connections open at once; a plain one beyond gets a 503, a TLS one is closed. Never more than three
    /// quarters of the process's file descriptors, so that files and databases keep theirs.
    pub max_connections: usize,
    /// Bytes of a request's first line and headers together (HTTP/2: after decompression); more is a 431.
    pub max_header_bytes: usize,
    /// From the first byte of a request (from `accept` for a connection's first one) to the end of its headers.
    pub header_timeout: Duration,
    /// From the end of a response to the first byte of the next request.
    pub idle_timeout: Duration,
    /// From the first byte of a TLS handshake to its end.
    pub handshake_timeout: Duration,
    /// A request body that brings no byte for this long ends with an error.
    pub body_timeout: Duration,
    /// A response of which the client takes no byte for this long ends with its connection. Longer than
    /// `body_timeout`: a client that unpacks to a slow disk stops reading for a while.
    pub write_timeout: Duration,
    /// Bytes a client may send ahead on one HTTP/2 stream.
    pub http2_stream_window: u32,
    /// Bytes a client may send ahead on one HTTP/2 connection, all streams together.
    pub http2_connection_window: u32,
    /// Largest HTTP/2 frame taken.
    pub http2_frame_size: u32,
    /// Requests under way at once on one HTTP/2 connection.
    pub http2_streams: u32,
    /// How long running transfers may go on after `shutdown`; what is left then is cut.
    pub drain_timeout: Duration,
    /// How often the certificate's files are looked at for a change.
    pub certificate_poll: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_connections: 8192,
            max_header_bytes: 64 * 1024,
            header_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(120),
            handshake_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(120),
            http2_stream_window: 4 * 1024 * 1024,
            http2_connection_window: 16 * 1024 * 1024,
            http2_frame_size: 256 * 1024,
            http2_streams: 128,
            drain_timeout: Duration::from_secs(30),
            certificate_poll: Duration::from_secs(5),
        }
    }
}
