//! The types of settings that only a registry has: addresses, networks, sizes, paths, forms of logs.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};

use super::value::{Mismatch, Setting, Value, quoted};

/// Where to listen: `ADDRESS:PORT`, or `:PORT` for every address of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    /// None: every address, IPv6 and IPv4.
    pub(crate) address: Option<IpAddr>,
    pub(crate) port: u16,
}

impl ListenAddress {
    /// The socket address to bind. `[::]` takes IPv4 too; a machine without IPv6 has only `0.0.0.0`.
    pub(crate) fn to_bind(self) -> SocketAddr {
        let everywhere = || match std::net::UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)) {
            Ok(_) => Ipv6Addr::UNSPECIFIED.into(),
            Err(_) => Ipv4Addr::UNSPECIFIED.into(),
        };
        SocketAddr::new(self.address.unwrap_or_else(everywhere), self.port)
    }

    fn parse(text: &str) -> Result<Self, Mismatch> {
        if let Some(port) = text.strip_prefix(':') {
            return Ok(Self { address: None, port: parse_port(port)? });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(Self { address: Some(address.ip()), port: address.port() });
        }
        Err(explain_listen(text))
    }
}

fn parse_port(text: &str) -> Result<u16, Mismatch> {
    text.parse()
        .map_err(|_| Mismatch::because(format!("without a port: {text:?} is not between 0 and 65535")))
}

fn explain_listen(text: &str) -> Mismatch {
    match text.rsplit_once(':') {
        _ if text.parse::<IpAddr>().is_ok() => Mismatch::because("an address without a port"),
        _ if text.parse::<u16>().is_ok() => Mismatch::because("a port without the colon before it"),
        Some((host, port)) if port.parse::<u16>().is_ok() && !host.contains(['/', ':']) => {
            Mismatch::because("a host name, and only an address can be listened on")
        }
        _ => Mismatch::Kind,
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => SocketAddr::new(address, self.port).fmt(f),
            None => write!(f, ":{}", self.port),
        }
    }
}

impl Setting for ListenAddress {
    const EXPECTED: &'static str = "ADDRESS:PORT, or :PORT for every address";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        value.text().ok_or(Mismatch::Kind).and_then(Self::parse)
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

/// A network in CIDR form; a lone address is the network of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    pub(crate) address: IpAddr,
    /// How many leading bits count.
    pub(crate) prefix: u8,
}

impl Network {
    fn parse(text: &str) -> Result<Self, Mismatch> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| Mismatch::Kind)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix.map(str::parse) {
            None => longest,
            Some(Ok(prefix)) if prefix <= longest => prefix,
            Some(_) => return Err(Mismatch::because(format!("without a prefix between 0 and {longest}"))),
        };
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl Setting for Network {
    const EXPECTED: &'static str = "a network as ADDRESS/PREFIX";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        value.text().ok_or(Mismatch::Kind).and_then(Self::parse)
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

/// A number of bytes; written as a number, or as a text with KiB, MiB or GiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Bytes(pub(crate) u64);

/// Units from the largest, so that the first that divides a size without a rest is the one to show.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Bytes {
    /// `4 MiB`, `4mib`, `4194304`.
    pub(crate) fn parse(text: &str) -> Result<Self, Mismatch> {
        let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let number: u64 = digits.parse().map_err(|_| Mismatch::Kind)?;
        let unit = match text[digits.len()..].trim() {
            "" | "B" => 1,
            name => match UNITS.iter().find(|(unit, _)| unit.eq_ignore_ascii_case(name)) {
                Some((_, bytes)) => *bytes,
                None => {
                    return Err(Mismatch::because(format!(
                        "in {name:?}, and only KiB, MiB and GiB are known"
                    )));
                }
            },
        };
        number.checked_mul(unit).map(Self).ok_or_else(|| Mismatch::because("too large"))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match UNITS.iter().find(|(_, bytes)| self.0 != 0 && self.0.is_multiple_of(*bytes)) {
            Some((unit, bytes)) => write!(f, "{} {unit}", self.0 / bytes),
            None => write!(f, "{}", self.0),
        }
    }
}

impl Setting for Bytes {
    const EXPECTED: &'static str = "a number of bytes, or a text with KiB, MiB or GiB";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        match value {
            Value::Integer(number) => {
                u64::try_from(*number).map(Self).map_err(|_| Mismatch::because("below zero"))
            }
            Value::Given(text) | Value::Text(text) => Self::parse(text),
            _ => Err(Mismatch::Kind),
        }
    }

    fn show(&self) -> String {
        let text = self.to_string();
        if text.contains(' ') { quoted(&text) } else { text }
    }
}

impl Setting for PathBuf {
    const EXPECTED: &'static str = "a path";

    fn read(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        value.text().map(|path| absolute(base, Path::new(path))).ok_or(Mismatch::Kind)
    }

    fn show(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

/// `path` seen from `base`, without the `.` steps; `..` stays, because a symbolic link may stand before it.
pub(crate) fn absolute(base: &Path, path: &Path) -> PathBuf {
    base.join(path).components().filter(|part| *part != Component::CurDir).collect()
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    Text,
    Json,
}

impl Setting for LogFormat {
    const EXPECTED: &'static str = "auto, text or json";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        match value.text() {
            Some("auto") => Ok(Self::Auto),
            Some("text") => Ok(Self::Text),
            Some("json") => Ok(Self::Json),
            _ => Err(Mismatch::Kind),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Auto => quoted("auto"),
            Self::Text => quoted("text"),
            Self::Json => quoted("json"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Setting>(text: &str) -> Result<T, Mismatch> {
        T::read(&Value::Given(text.to_owned()), Path::new("/etc/hythe"))
    }

    #[track_caller]
    fn assert_shows<T: Setting + fmt::Debug>(text: &str, shown: &str) {
        assert_eq!(read::<T>(text).unwrap().show().trim_matches('"'), shown);
    }

    #[track_caller]
    fn assert_refused<T: Setting + fmt::Debug>(text: &str, reason: &str) {
        assert_eq!(read::<T>(text).unwrap_err(), Mismatch::because(reason));
    }

    #[test]
    fn listens_on_an_address_or_on_all() {
        assert_shows::<ListenAddress>(":5000", ":5000");
        assert_shows::<ListenAddress>("127.0.0.1:80", "127.0.0.1:80");
        assert_shows::<ListenAddress>("[::1]:80", "[::1]:80");
        let all = read::<ListenAddress>(":5000").unwrap().to_bind();
        assert!(all.ip().is_unspecified() && all.port() == 5000);
    }

    #[test]
    fn a_wrong_listen_address_says_what_is_missing() {
        assert_refused::<ListenAddress>("5000", "a port without the colon before it");
        assert_refused::<ListenAddress>("127.0.0.1", "an address without a port");
        assert_refused::<ListenAddress>(
            "localhost:5000",
            "a host name, and only an address can be listened on",
        );
        assert_refused::<ListenAddress>(":70000", "without a port: \"70000\" is not between 0 and 65535");
        assert_eq!(read::<ListenAddress>("http://x:1"), Err(Mismatch::Kind));
    }

    #[test]
    fn networks_have_a_prefix_that_fits() {
        assert_shows::<Network>("10.0.0.0/8", "10.0.0.0/8");
        assert_shows::<Network>("10.1.2.3", "10.1.2.3/32");
        assert_shows::<Network>("fd00::/8", "fd00::/8");
        assert_refused::<Network>("10.0.0.0/33", "without a prefix between 0 and 32");
        assert_eq!(read::<Network>("ten"), Err(Mismatch::Kind));
    }

    #[test]
    fn relative_paths_count_from_the_source() {
        assert_shows::<PathBuf>("./data", "/etc/hythe/data");
        assert_shows::<PathBuf>("/data", "/data");
    }

    #[test]
    fn sizes_are_read_and_shown_in_the_largest_unit_that_fits() {
        assert_shows::<Bytes>("4194304", "4 MiB");
        assert_shows::<Bytes>("4 mib", "4 MiB");
        assert_shows::<Bytes>("1000", "1000");
        assert_shows::<Bytes>("0", "0");
        assert_refused::<Bytes>("4 MB", "in \"MB\", and only KiB, MiB and GiB are known");
        assert_refused::<Bytes>("99999999999 GiB", "too large");
    }
}
