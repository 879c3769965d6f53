//! One conversation with a directory server: connect, bind, search.

use std::collections::HashMap;
use std::time::Duration;

use ldap3::adapters::{Adapter, EntriesOnly, PagedResults};
use ldap3::{
    Ldap, LdapConnAsync, LdapConnSettings, LdapError, LdapResult, SearchEntry, SearchOptions, StdStream,
};
use tokio::net::TcpStream;
use url::Url;

use super::settings::Scope;
use super::trouble::{
    INVALID_CREDENTIALS, INVALID_DN_SYNTAX, NO_SUCH_OBJECT, REFERRAL, SIZE_LIMIT_EXCEEDED, result_words,
    words,
};
use super::{Directory, Outcome};

/// Entries asked for at a time; Active Directory gives no more than 1,000 in one answer.
const PAGE: i32 = 500;

/// A connection to one of the servers; it ends when it is dropped.
pub(super) struct Connection {
    ldap: Ldap,
    server: String,
    timeout_seconds: u32,
}

/// An entry with its attributes by lower-case name.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) dn: String,
    texts: HashMap<String, Vec<String>>,
    bytes: HashMap<String, Vec<Vec<u8>>>,
}

/// What to search for.
pub(super) struct Search<'s> {
    pub(super) base: &'s str,
    pub(super) scope: Scope,
    pub(super) filter: &'s str,
    pub(super) attributes: &'s [&'s str],
    pub(super) at_most: usize,
}

impl Connection {
    /// Connects to the first server that can be reached, beginning with the one that was reached last.
    pub(super) async fn open(directory: &Directory) -> Outcome<Connection> {
        let mut reasons = Vec::new();
        for (number, server) in directory.servers_by_luck() {
            match Connection::open_one(directory, server).await {
                Ok(connection) => {
                    directory.reached(number);
                    return Ok(connection);
                }
                Err(error) => {
                    reasons.push(format!("{server}: {}", words(&error, directory.settings.timeout_seconds)))
                }
            }
        }
        Err(reasons.join("; "))
    }

    async fn open_one(directory: &Directory, server: &Url) -> Result<Connection, LdapError> {
        let settings = &directory.settings;
        let mut how = LdapConnSettings::new()
            .set_conn_timeout(settings.timeout())
            .set_starttls(settings.start_tls)
            .set_std_stream(StdStream::Tcp(dial(server, settings.timeout()).await?));
        how = if settings.verify_certificate {
            how.set_config(directory.tls.clone())
        } else {
            how.set_no_tls_verify(true)
        };
        let (driver, ldap) = LdapConnAsync::from_url_with_settings(how, server).await?;
        tokio::spawn(async move {
            if let Err(error) = driver.drive().await {
                tracing::debug!(%error, "a connection to a directory broke");
            }
        });
        Ok(Connection { ldap, server: server.to_string(), timeout_seconds: settings.timeout_seconds })
    }

    /// Binds; false if name or password is wrong. An empty password is never sent: servers take it for a wish to be
    /// nobody and say yes (RFC 4513 section 5.1.2).
    pub(super) async fn bind(&mut self, dn: &str, password: &str) -> Outcome<bool> {
        if dn.is_empty() || password.is_empty() {
            return Ok(false);
        }
        let result = self.timed().simple_bind(dn, password).await;
        let result = result.map_err(|error| self.words(&error))?;
        match result.rc {
            0 => Ok(true),
            // A name that is no DN, or none that may bind, is a wrong name.
            INVALID_CREDENTIALS | NO_SUCH_OBJECT | INVALID_DN_SYNTAX => Ok(false),
            _ => Err(self.says(&result_words(&result))),
        }
    }

    /// Entries in pages. References to other servers are left out: following them would send the password on.
    pub(super) async fn search(&mut self, wanted: &Search<'_>) -> Outcome<Vec<Entry>> {
        let found = self.collect(wanted).await;
        found.map_err(|error| self.words(&error))
    }

    async fn collect(&mut self, wanted: &Search<'_>) -> Result<Vec<Entry>, LdapError> {
        let adapters: Vec<Box<dyn Adapter<'_, String, Vec<String>>>> =
            vec![Box::new(EntriesOnly::new()), Box::new(PagedResults::new(PAGE))];
        let attributes: Vec<String> = wanted.attributes.iter().map(|name| (*name).to_owned()).collect();
        let seconds = i32::try_from(self.timeout_seconds).unwrap_or(i32::MAX);
        let ldap = self.timed().with_search_options(SearchOptions::new().timelimit(seconds));
        let mut stream = ldap
            .streaming_search_with(adapters, wanted.base, scope(wanted.scope), wanted.filter, attributes)
            .await?;
        let mut entries = Vec::new();
        while entries.len() < wanted.at_most {
            match stream.next().await {
                Ok(Some(found)) => entries.push(Entry::from(SearchEntry::construct(found))),
                Ok(None) => return ended(entries, stream.finish().await),
                Err(LdapError::LdapResult { result }) => return ended(entries, result),
                Err(error) => return Err(error),
            }
        }
        let _ = stream.finish().await;
        Ok(entries)
    }

    fn timed(&mut self) -> &mut Ldap {
        self.ldap.with_timeout(Duration::from_secs(self.timeout_seconds.into()))
    }

    fn words(&self, error: &LdapError) -> String {
        self.says(&words(error, self.timeout_seconds))
    }

    /// A reason with the server it is about: a source may have several.
    pub(super) fn says(&self, reason: &str) -> String {
        format!("{}: {reason}", self.server)
    }
}

/// Connects without Nagle's algorithm, which holds small requests back for 40 ms a round.
async fn dial(server: &Url, timeout: Duration) -> Result<std::net::TcpStream, LdapError> {
    let host = server.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = server.port().unwrap_or(if server.scheme() == "ldaps" { 636 } else { 389 });
    let stream = tokio::time::timeout(timeout, TcpStream::connect((host, port))).await??;
    stream.set_nodelay(true)?;
    Ok(stream.into_std()?)
}

/// What a search gave, by how it ended: a server that stops early has still found what it gave.
fn ended(entries: Vec<Entry>, result: LdapResult) -> Result<Vec<Entry>, LdapError> {
    match result.rc {
        0 | SIZE_LIMIT_EXCEEDED | REFERRAL => Ok(entries),
        _ => Err(LdapError::LdapResult { result }),
    }
}

fn scope(scope: Scope) -> ldap3::Scope {
    match scope {
        Scope::Base => ldap3::Scope::Base,
        Scope::OneLevel => ldap3::Scope::OneLevel,
        Scope::Subtree => ldap3::Scope::Subtree,
    }
}

impl Entry {
    /// An entry of which only the name is known.
    pub(super) fn named(dn: &str) -> Entry {
        Entry { dn: dn.to_owned(), ..Entry::default() }
    }

    /// The first value of an attribute.
    pub(super) fn first(&self, attribute: &str) -> Option<&str> {
        self.all(attribute).first().map(String::as_str).filter(|value| !value.is_empty())
    }

    /// All values of an attribute.
    pub(super) fn all(&self, attribute: &str) -> &[String] {
        self.texts.get(&attribute.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }

    /// The first value of an attribute that need not be text.
    pub(super) fn first_bytes(&self, attribute: &str) -> Option<&[u8]> {
        let name = attribute.to_ascii_lowercase();
        let text = || self.texts.get(&name)?.first().map(String::as_bytes);
        self.bytes.get(&name).and_then(|values| values.first()).map(Vec::as_slice).or_else(text)
    }
}

impl From<SearchEntry> for Entry {
    fn from(entry: SearchEntry) -> Entry {
        let lower = |name: String| name.to_ascii_lowercase();
        Entry {
            dn: entry.dn,
            texts: entry.attrs.into_iter().map(|(name, values)| (lower(name), values)).collect(),
            bytes: entry.bin_attrs.into_iter().map(|(name, values)| (lower(name), values)).collect(),
        }
    }
}
