//! Addresses that are settings: of the registry, its database and its storage; and what must not be printed.

use std::fmt;
use std::path::{Path, PathBuf};

use super::types::absolute;
use super::value::{Mismatch, Setting, Value, quoted};

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

    /// A url on the command line; the error says what is wrong with it and never what it is.
    pub(crate) fn of_argument(text: &str) -> Result<Self, String> {
        let base = std::env::current_dir().map_err(|error| error.to_string())?;
        Self::parse(text, &base).map_err(|mismatch| match mismatch {
            Mismatch::Because(reason) => reason,
            _ => format!("it is not {}", Self::EXPECTED),
        })
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
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                match url::Url::parse(&with_one_host(text)) {
                    Ok(_) => Ok(Self(text.to_owned())),
                    Err(error) => Err(Mismatch::because(format!("not a url ({error})"))),
                }
            }
            Some(("mysql" | "mariadb", _)) => {
                Err(Mismatch::because("of MySQL, which is not supported; SQLite and PostgreSQL are"))
            }
            _ => Err(Mismatch::Kind),
        }
    }
}

/// PostgreSQL's addresses may name several hosts, `HOST:PORT,HOST:PORT`, for a fail-over; no other url may. The driver reads
/// them all, and to be told apart from nonsense the first will do.
fn with_one_host(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let hosts_at = authority.rfind('@').map_or(0, |at| at + 1);
    let (user, hosts) = authority.split_at(hosts_at);
    let first = hosts.split(',').next().unwrap_or(hosts);
    format!("{scheme}://{user}{first}{path}")
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
            None if text.starts_with("s3:") => {
                Err(Mismatch::because("without the two slashes before the name of its bucket"))
            }
            None if text.starts_with("file:") => {
                Err(Mismatch::because("a file url without an absolute path"))
            }
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
    fn relative_paths_count_from_the_source() {
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
        for url in ["s3:bucket", "s3:/foo"] {
            assert_refused::<StorageUrl>(url, "without the two slashes before the name of its bucket");
        }
        assert_shows::<StorageUrl>("./s3:foo", "/etc/hythe/s3:foo");
        assert_refused::<StorageUrl>("s3://", "without the name of its bucket");
    }

    #[test]
    fn a_database_may_have_several_hosts() {
        for url in [
            "postgres://me@a:5432,b:5433/rows?target_session_attrs=read-write",
            "postgresql://a,b,c",
            "postgres://u:p,q@a:1/r",
        ] {
            assert_eq!(read::<DatabaseUrl>(url).unwrap().reveal(), url);
        }
        assert!(read::<DatabaseUrl>("postgres://a:port,b/rows").is_err());
        assert!(!read::<DatabaseUrl>("postgres://me:secret@a,b/rows").unwrap().show().contains("secret"));
    }
}
