//! The types of settings that only a registry has: addresses, networks, sizes, urls, secrets.

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
    fn parse(text: &str) -> Result<Self, Mismatch> {
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
        match UNITS.iter().find(|(_, bytes)| self.0 != 0 && self.0 % bytes == 0) {
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

/// The address that clients are told: scheme, host and port, and nothing after them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ExternalUrl(pub(crate) url::Url);

impl ExternalUrl {
    fn parse(text: &str) -> Result<Self, Mismatch> {
        let url = url::Url::parse(text).map_err(|_| Mismatch::Kind)?;
        let because = |reason| Err(Mismatch::because(reason));
        match url.scheme() {
            "http" | "https" => {}
            _ => return because("neither http nor https"),
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return because("longer than scheme, host and port, and a registry has no path before /v2/");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return because("carrying a user name, which clients would all be told");
        }
        Ok(Self(url))
    }
}

impl fmt::Display for ExternalUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl Setting for ExternalUrl {
    const EXPECTED: &'static str = "SCHEME://HOST[:PORT] with http or https";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        value.text().ok_or(Mismatch::Kind).and_then(Self::parse)
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
}

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

/// What stands for a secret wherever it would be printed.
pub(crate) const MASK: &str = "********";

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whom it is meant for.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl Setting for Secret {
    const EXPECTED: &'static str = "a text";
    const SECRET: bool = true;

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        value.text().map(Self::new).ok_or(Mismatch::Kind)
    }

    fn show(&self) -> String {
        quoted(MASK)
    }

    fn describe(_: &Value) -> String {
        "a secret of another type".to_owned()
    }
}

/// `sqlite://PATH`, or `postgres://USER:PASSWORD@HOST/DATABASE`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The url with its password, for the driver.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// The SQLite file, unless the database is a server.
    pub(crate) fn sqlite_path(&self) -> Option<&Path> {
        self.0.strip_prefix("sqlite://").map(Path::new)
    }

    fn parse(text: &str, base: &Path) -> Result<Self, Mismatch> {
        match text.split_once("://") {
            Some(("sqlite", "")) => Err(Mismatch::because("without the path of its file")),
            Some(("sqlite", path)) => {
                Ok(Self(format!("sqlite://{}", absolute(base, Path::new(path)).display())))
            }
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => match url::Url::parse(text) {
                Ok(_) => Ok(Self(text.to_owned())),
                Err(error) => Err(Mismatch::because(format!("not a url ({error})"))),
            },
            Some(("mysql" | "mariadb", _)) => {
                Err(Mismatch::because("of MySQL, which is not supported; SQLite and PostgreSQL are"))
            }
            _ => Err(Mismatch::Kind),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_password(&self.0))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Setting for DatabaseUrl {
    const EXPECTED: &'static str = "sqlite://PATH or postgres://USER:PASSWORD@HOST/DATABASE";
    const SECRET: bool = true;

    fn read(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        value.text().ok_or(Mismatch::Kind).and_then(|text| Self::parse(text, base))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }

    fn describe(value: &Value) -> String {
        match value.text() {
            Some(text) => format!("{:?}", mask_password(text)),
            None => value.to_string(),
        }
    }
}

/// The url without its password. It works on text, because a url that cannot be parsed is shown too, and then to
/// whoever reads the log; a password also hides in `?password=`.
pub(crate) fn mask_password(url: &str) -> String {
    let masked = match url.split_once("://") {
        Some((scheme, rest)) => match rest.rsplit_once('@') {
            Some((identity, place)) => {
                let user = identity.split_once(':').map_or(identity, |(user, _)| user);
                let password = if identity.contains(':') { format!(":{MASK}") } else { String::new() };
                format!("{scheme}://{user}{password}@{place}")
            }
            None => url.to_owned(),
        },
        None => url.to_owned(),
    };
    match masked.split_once("password=") {
        Some((before, after)) => {
            let rest = after.find('&').map_or("", |end| &after[end..]);
            format!("{before}password={MASK}{rest}")
        }
        None => masked,
    }
}

/// Where blobs are kept: a folder, a bucket, or nowhere but in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StorageUrl {
    Folder(PathBuf),
    /// `s3://BUCKET[/PREFIX]`, as written.
    Bucket(String),
    Memory,
}

impl StorageUrl {
    fn parse(text: &str, base: &Path) -> Result<Self, Mismatch> {
        match text.split_once("://") {
            Some(("file", path)) if path.starts_with('/') => {
                Ok(Self::Folder(absolute(base, Path::new(path))))
            }
            Some(("file", _)) => Err(Mismatch::because("a file url without an absolute path")),
            Some(("s3", "")) => Err(Mismatch::because("without the name of its bucket")),
            Some(("s3", bucket)) if bucket.starts_with('/') => {
                Err(Mismatch::because("without the name of its bucket"))
            }
            Some(("s3", _)) => Ok(Self::Bucket(text.to_owned())),
            Some((scheme, _)) => Err(Mismatch::because(format!("of the unknown kind {scheme:?}"))),
            None if text == "memory:" => Ok(Self::Memory),
            None => Ok(Self::Folder(absolute(base, Path::new(text)))),
        }
    }
}

impl fmt::Display for StorageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::Bucket(url) => f.write_str(url),
            Self::Memory => f.write_str("memory:"),
        }
    }
}

impl Setting for StorageUrl {
    const EXPECTED: &'static str = "a folder or s3://BUCKET/PREFIX";

    fn read(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        value.text().ok_or(Mismatch::Kind).and_then(|text| Self::parse(text, base))
    }

    fn show(&self) -> String {
        quoted(&self.to_string())
    }
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
    fn sizes_are_read_and_shown_in_the_largest_unit_that_fits() {
        assert_shows::<Bytes>("4194304", "4 MiB");
        assert_shows::<Bytes>("4 mib", "4 MiB");
        assert_shows::<Bytes>("1000", "1000");
        assert_shows::<Bytes>("0", "0");
        assert_refused::<Bytes>("4 MB", "in \"MB\", and only KiB, MiB and GiB are known");
        assert_refused::<Bytes>("99999999999 GiB", "too large");
    }

    #[test]
    fn relative_paths_count_from_the_source() {
        assert_shows::<PathBuf>("./data", "/etc/hythe/data");
        assert_shows::<PathBuf>("/data", "/data");
        assert_shows::<StorageUrl>("blobs", "/etc/hythe/blobs");
        assert_shows::<DatabaseUrl>("sqlite://./hythe.db", "sqlite:///etc/hythe/hythe.db");
    }

    #[test]
    fn an_external_url_is_scheme_host_and_port() {
        assert_shows::<ExternalUrl>("https://hub.example.com:8070", "https://hub.example.com:8070");
        assert_refused::<ExternalUrl>("ftp://hub", "neither http nor https");
        assert_refused::<ExternalUrl>(
            "https://hub/registry",
            "longer than scheme, host and port, and a registry has no path before /v2/",
        );
    }

    #[test]
    fn no_password_is_shown_even_of_a_url_that_is_wrong() {
        assert_eq!(mask_password("postgres://u:p@ss@h/d"), "postgres://u:********@h/d");
        assert_eq!(mask_password("postgres://u@h/d"), "postgres://u@h/d");
        assert_eq!(
            mask_password("postgres://h/d?password=x&sslmode=require"),
            "postgres://h/d?password=********&sslmode=require"
        );
        assert_eq!(
            format!("{:?}", read::<DatabaseUrl>("postgres://u:secret@h/d").unwrap()),
            "postgres://u:********@h/d"
        );
        assert_eq!(read::<Secret>("hidden").unwrap().show(), "\"********\"");
    }

    #[test]
    fn databases_and_stores_of_other_kinds_are_named() {
        assert_refused::<DatabaseUrl>(
            "mysql://h/d",
            "of MySQL, which is not supported; SQLite and PostgreSQL are",
        );
        assert_refused::<StorageUrl>("gs://bucket", "of the unknown kind \"gs\"");
        assert_refused::<StorageUrl>("s3://", "without the name of its bucket");
    }
}
