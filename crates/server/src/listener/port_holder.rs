//! Who holds a port: the listening socket's inode from `/proc/net/tcp*`, looked up among every process's files.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// A process that listens on an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// Its command line, or its short name where that is empty.
    pub command: String,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} ({})", self.pid, self.command)
    }
}

/// The process that keeps `address` from being bound; `None` where it is another user's or another container's.
pub(super) fn find(address: SocketAddr) -> Option<Holder> {
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| listening_inodes(table, address)).concat();
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        holds_any(&entry.path(), &sockets).then(|| Holder { pid, command: command(&entry.path()) })
    })
}

fn listening_inodes(table: &str, address: SocketAddr) -> Vec<String> {
    let text = fs::read_to_string(table).unwrap_or_default();
    text.lines().filter_map(|line| listening_inode(line, address)).collect()
}

/// `socket:[inode]` of a line of the table if it is a listener that stands in the way of `address`.
fn listening_inode(line: &str, address: SocketAddr) -> Option<String> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_whitespace();
    let (ip, port) = fields.nth(1)?.split_once(':')?;
    let listening = fields.nth(1)? == LISTEN;
    let same_port = u16::from_str_radix(port, 16).ok()? == address.port();
    let inode = fields.nth(5)?;
    (listening && same_port && collide(parse_ip(ip)?, address.ip())).then(|| format!("socket:[{inode}]"))
}

/// The kernel prints addresses as 32-bit words in the machine's byte order.
fn parse_ip(hex: &str) -> Option<IpAddr> {
    let words = |range| u32::from_str_radix(hex.get(range)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::V4(Ipv4Addr::from(words(0..8)?))),
        32 => {
            let bytes = [words(0..8)?, words(8..16)?, words(16..24)?, words(24..32)?].concat();
            Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?)))
        }
        _ => None,
    }
}

fn collide(held: IpAddr, wanted: IpAddr) -> bool {
    held.is_unspecified() || wanted.is_unspecified() || held.to_canonical() == wanted.to_canonical()
}

fn holds_any(process: &Path, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(process.join("fd")) else { return false };
    files
        .flatten()
        .filter_map(|file| fs::read_link(file.path()).ok())
        .any(|target| sockets.iter().any(|socket| target.as_os_str() == socket.as_str()))
}

fn command(process: &Path) -> String {
    const LONGEST: usize = 120;
    let line = fs::read(process.join("cmdline")).unwrap_or_default();
    let words = line.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    let readable: String = words.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    if readable.is_empty() {
        return fs::read_to_string(process.join("comm")).unwrap_or_default().trim().to_owned();
    }
    readable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_socket_is_found_with_this_process() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = find(socket.local_addr().unwrap()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(!holder.command.is_empty());
    }

    #[test]
    fn nobody_holds_a_free_port() {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        drop(socket);
        assert_eq!(find(address), None);
    }

    #[test]
    fn addresses_are_read_as_the_kernel_writes_them() {
        if cfg!(target_endian = "big") {
            return;
        }
        assert_eq!(parse_ip("0100007F"), Some("127.0.0.1".parse().unwrap()));
        assert_eq!(parse_ip("00000000000000000000000001000000"), Some("::1".parse().unwrap()));
        assert_eq!(parse_ip("0000000000000000FFFF00000100007F"), Some("::ffff:127.0.0.1".parse().unwrap()));
        assert_eq!(parse_ip("01"), None);
    }

    #[test]
    fn any_address_stands_in_the_way_of_every_one() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(collide(ip("::"), ip("127.0.0.1")));
        assert!(collide(ip("127.0.0.1"), ip("0.0.0.0")));
        assert!(collide(ip("::ffff:10.0.0.1"), ip("10.0.0.1")));
        assert!(!collide(ip("127.0.0.1"), ip("127.0.0.2")));
    }
}
