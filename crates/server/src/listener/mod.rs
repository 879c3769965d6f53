//! The front door: one port for HTTP/1.1 and HTTP/2, plain and TLS, with limits, sendfile and an orderly end.
//!
//! [`Listener::bind`] takes the port, [`serve`] answers on it until its `shutdown` future resolves, and every
//! request carries a [`ConnectionInfo`] in its extensions. [`file_body`] turns a file into a response body that
//! travels by `sendfile(2)` where the connection allows it.

mod accept_trouble;
mod bind;
mod connection;
mod counters;
mod drive;
mod file_body;
mod guard;
mod options;
mod phase;
mod port_holder;
mod pulse;
mod sendfile;
mod serve;
mod sniff;
mod socket;
mod stall;
mod tls;
mod watched;

use std::net::SocketAddr;
use std::sync::Arc;

pub use bind::{BindError, Listener};
pub use connection::Handler;
pub use file_body::file_body;
pub use options::Options;
pub use port_holder::Holder;
pub use sendfile::SendfileTable;
pub use serve::{Drained, serve};
pub use tls::{SelfSigned, Tls, TlsError, self_signed, self_signed_names};

/// What a handler may know about the connection its request came in on; in every request's extensions.
#[derive(Clone, Debug)]
pub struct ConnectionInfo {
    /// The other end of the TCP connection: the client, or the proxy in front of us.
    pub peer: SocketAddr,
    /// Our end of it.
    pub local: SocketAddr,
    /// Whether this very connection is encrypted; a proxy's `X-Forwarded-Proto` is not looked at.
    pub scheme: Scheme,
    /// The version of HTTP that was agreed on.
    pub protocol: Protocol,
    /// Present where [`file_body`] can hand files to the kernel: plain HTTP/1.1.
    pub sendfile: Option<Arc<SendfileTable>>,
}

/// How a URL that reaches this connection begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain text.
    Http,
    /// TLS.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The version of HTTP spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP/1.0 or HTTP/1.1.
    Http1,
    /// HTTP/2, by ALPN or by prior knowledge.
    Http2,
}
