//! What the listener counts, through the `metrics` facade.

use metrics::{Counter, Gauge, counter, gauge};

use super::Scheme;

/// One connection in `hythe_connections_open`, from now until this is dropped.
pub(super) struct OpenConnection(Gauge);

impl OpenConnection {
    pub(super) fn count(scheme: Scheme) -> Self {
        let open = gauge!("hythe_connections_open", "scheme" => scheme.as_str());
        open.increment(1.0);
        counter!("hythe_connections_total", "scheme" => scheme.as_str()).increment(1);
        Self(open)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

/// Bytes that went from file to socket without passing through this process; looked up once a connection.
pub(super) fn sendfile_bytes() -> Counter {
    counter!("hythe_sendfile_bytes_total")
}

/// Connections that were turned away or ended by a limit, by reason.
pub(super) fn refused(reason: &'static str) {
    counter!("hythe_connections_refused_total", "reason" => reason).increment(1);
}
