//! Taking the port, and saying who has it when it cannot be had.

use std::io;
use std::net::SocketAddr;

use rustix::net::sockopt;
use tokio::net::{TcpListener, TcpSocket};

use super::port_holder::{self, Holder};

/// Connections the kernel may hold ready for `accept`; `net.core.somaxconn` caps it.
const BACKLOG: u32 = 4096;

/// Bound and listening sockets that nobody answers on yet.
#[derive(Debug)]
pub struct Listener {
    pub(super) sockets: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// No address was given at all.
    #[error("no address to listen on; give one with --listen, such as 0.0.0.0:5000")]
    NoAddress,
    /// Another process listens there.
    #[error(
        "cannot listen on {address}: it is held by {holder}; stop that process or choose another address with \
         --listen"
    )]
    Held {
        /// What was asked for.
        address: SocketAddr,
        /// Who has it.
        holder: Holder,
    },
    /// Somebody listens there whom this user may not look at.
    #[error(
        "cannot listen on {address}: it is held by a process that this user cannot see (`ss -ltnp` as root names \
         it); choose another address with --listen"
    )]
    HeldByUnknown {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Ports below 1024 want a capability.
    #[error(
        "cannot listen on {address}: permission denied; ports below 1024 need root or CAP_NET_BIND_SERVICE, so \
         grant it (systemd: AmbientCapabilities=CAP_NET_BIND_SERVICE) or choose a higher port with --listen"
    )]
    Denied {
        /// What was asked for.
        address: SocketAddr,
    },
    /// No interface has the address.
    #[error(
        "cannot listen on {address}: no interface of this machine has that address; choose one that `ip address` \
         shows, or 0.0.0.0 for all, with --listen"
    )]
    NotHere {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Anything else the kernel answers.
    #[error("cannot listen on {address}: {source}")]
    Io {
        /// What was asked for.
        address: SocketAddr,
        /// The kernel's word.
        source: io::Error,
    },
}

impl Listener {
    /// Takes every address or none. Port 0 lets the kernel choose; [`Listener::local_addr`] tells what.
    ///
    /// Must be called within a tokio runtime, which will drive the sockets.
    pub fn bind(addresses: &[SocketAddr]) -> Result<Self, BindError> {
        let mut listener = Self { sockets: Vec::new(), addresses: Vec::new() };
        for &address in addresses {
            let only_v6 = address.is_ipv6() && v4_twin_is_listed(addresses, address);
            let socket = listen(address, only_v6).map_err(|source| explain(address, source))?;
            let local = socket.local_addr().map_err(|source| BindError::Io { address, source })?;
            listener.sockets.push(socket);
            listener.addresses.push(local);
        }
        if listener.sockets.is_empty() { Err(BindError::NoAddress) } else { Ok(listener) }
    }

    /// The first address, with the port that the kernel chose.
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// All addresses, in the order in which they were asked for.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }
}

/// `[::]:5000` usually serves IPv4 too, which would collide with a `0.0.0.0:5000` given beside it.
fn v4_twin_is_listed(addresses: &[SocketAddr], v6: SocketAddr) -> bool {
    addresses.iter().any(|other| other.is_ipv4() && other.port() == v6.port())
}

fn listen(address: SocketAddr, only_v6: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if only_v6 {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn explain(address: SocketAddr, source: io::Error) -> BindError {
    match source.kind() {
        io::ErrorKind::AddrInUse => match port_holder::find(address) {
            Some(holder) => BindError::Held { address, holder },
            None => BindError::HeldByUnknown { address },
        },
        io::ErrorKind::PermissionDenied => BindError::Denied { address },
        io::ErrorKind::AddrNotAvailable => BindError::NotHere { address },
        _ => BindError::Io { address, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn busy_port_names_address_process_and_remedy() {
        let first = Listener::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let text = Listener::bind(&[first.local_addr()]).unwrap_err().to_string();
        assert!(text.contains(&first.local_addr().to_string()), "{text}");
        assert!(text.contains(&format!("process {}", std::process::id())), "{text}");
        assert!(text.contains("--listen"), "{text}");
    }

    #[tokio::test]
    async fn foreign_address_is_explained() {
        let error = Listener::bind(&["192.0.2.1:0".parse().unwrap()]).unwrap_err();
        assert!(matches!(error, BindError::NotHere { .. }), "{error}");
    }

    #[tokio::test]
    async fn both_families_share_a_port() {
        let first = Listener::bind(&["0.0.0.0:0".parse().unwrap()]).unwrap();
        let port = first.local_addr().port();
        drop(first);
        let any = [SocketAddr::from(([0, 0, 0, 0], port)), format!("[::]:{port}").parse().unwrap()];
        assert_eq!(Listener::bind(&any).unwrap().local_addrs(), any);
    }

    #[test]
    fn refusals_are_told_apart() {
        let address = "127.0.0.1:80".parse().unwrap();
        let denied = explain(address, io::ErrorKind::PermissionDenied.into());
        assert!(denied.to_string().contains("CAP_NET_BIND_SERVICE"));
        assert!(matches!(explain(address, io::ErrorKind::OutOfMemory.into()), BindError::Io { .. }));
    }

    #[tokio::test]
    async fn no_address_is_an_error() {
        assert!(matches!(Listener::bind(&[]), Err(BindError::NoAddress)));
    }
}
