//! People of a directory: LDAP and Active Directory (RFC 4511).
//!
//! A conversation is one connection: bind as the search account, find the person, bind as the person, and read their
//! groups as the search account again. Where people bind directly, by a pattern, the search account is not needed.

mod connection;
mod dn;
mod filter;
mod groups;
mod settings;
mod subject;
mod tls;
mod trouble;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use hythe_oci::error_code::ErrorCode;
use ldap3::dn_escape;
use rustls::ClientConfig;
use tokio::sync::Semaphore;
use url::Url;

use super::identity::{Group, Identity};
use crate::error::{Error, Kind, Result};
use connection::{Connection, Entry, Search};
pub(crate) use dn::normal as normal_dn;
use settings::USER;
pub use settings::{GroupLookup, LdapSettings, Scope};

/// What a step gives, or one line that says what went wrong.
type Outcome<T> = std::result::Result<T, String>;

/// Steps one conversation has at most on its way to the groups, each with the timeout of the settings.
const STEPS: u32 = 6;
/// Conversations at the same time: a storm of sign-ins must not become a storm of connections.
const CONVERSATIONS_AT_MOST: usize = 32;
/// People or groups a search for an administrator's eyes gives at most.
const SHOWN_AT_MOST: usize = 100;
/// A directory that can be asked.
pub struct Directory {
    name: String,
    settings: LdapSettings,
    servers: Vec<Url>,
    tls: Arc<ClientConfig>,
    /// The server that was reached last.
    lucky: AtomicUsize,
    kept: groups::Kept,
    turns: Arc<Semaphore>,
}

impl Directory {
    /// Takes settings in; nothing is asked yet.
    ///
    /// # Errors
    /// [`Kind::BadRequest`] for settings that could never work.
    pub fn new(name: &str, settings: LdapSettings) -> Result<Directory> {
        settings.validate()?;
        Ok(Directory {
            name: name.to_owned(),
            servers: settings.servers()?,
            tls: tls::client(&settings.ca_certificate)?,
            lucky: AtomicUsize::new(0),
            kept: groups::Kept::new(&settings),
            turns: Arc::new(Semaphore::new(CONVERSATIONS_AT_MOST)),
            settings,
        })
    }

    /// Who this name and password are; none if the directory does not say so.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if it cannot be asked.
    pub async fn authenticate(self: &Arc<Self>, name: &str, password: &str) -> Result<Option<Identity>> {
        if password.is_empty() || !is_plausible(name) {
            return Ok(None);
        }
        let (directory, name, password) = (self.clone(), name.to_owned(), password.to_owned());
        self.within_limits(async move { directory.talk_about_password(&name, &password).await }).await
    }

    /// The person of this name as the directory has them now, without a password; none if there is no such person.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if it cannot be asked.
    pub async fn find(self: &Arc<Self>, name: &str) -> Result<Option<Identity>> {
        if !is_plausible(name) {
            return Ok(None);
        }
        let (directory, name) = (self.clone(), name.to_owned());
        self.within_limits(async move {
            let mut connection = directory.connect_to_search().await?;
            directory.describe(&mut connection, &name).await
        })
        .await
    }

    /// Somebody this directory described before, as it has them now, whatever their name is today; none if they are gone.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if it cannot be asked.
    pub async fn find_again(self: &Arc<Self>, subject: &str) -> Result<Option<Identity>> {
        let (directory, subject) = (self.clone(), subject.to_owned());
        self.within_limits(async move {
            let mut connection = directory.connect_to_search().await?;
            let settings = &directory.settings;
            let (base, scope, filter) = match subject::filter(&subject) {
                Some(filter) => (&*settings.base_dn, settings.scope, filter::and(&settings.filter, &filter)),
                None => (&*subject, Scope::Base, filter::or_anything(&settings.filter)),
            };
            let found = directory.search_people_at(&mut connection, base, scope, &filter, 2).await?;
            let Some(person) = found.iter().find(|entry| subject::of(entry) == subject) else {
                return Ok(None);
            };
            let groups = groups::find(&directory, &mut connection, person).await?;
            Ok(directory.identity(person, (*groups).clone()))
        })
        .await
    }

    /// People whose name contains a text, without their groups; 100 at most.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if it cannot be asked.
    pub async fn search_people(self: &Arc<Self>, part: &str) -> Result<Vec<Identity>> {
        let (directory, part) = (self.clone(), part.to_owned());
        self.within_limits(async move {
            let settings = &directory.settings;
            let filter = filter::containing(&settings.filter, &settings.uid_attribute, &part);
            let mut connection = directory.connect_to_search().await?;
            let entries = directory.search_entries(&mut connection, &filter, SHOWN_AT_MOST).await?;
            Ok(entries
                .iter()
                .filter_map(|entry| directory.identity(entry, groups::Found::default()))
                .collect())
        })
        .await
    }

    /// Groups whose name contains a text, or the one of this distinguished name; 100 at most.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if it cannot be asked.
    pub async fn search_groups(self: &Arc<Self>, part: &str, dn: &str) -> Result<Vec<Group>> {
        let (directory, part, dn) = (self.clone(), part.to_owned(), dn.to_owned());
        self.within_limits(async move {
            let settings = &directory.settings;
            let (base, scope) = if dn.is_empty() {
                (settings.group_base(), settings.group_scope)
            } else {
                (&*dn, Scope::Base)
            };
            let wanted = Search {
                base,
                scope,
                filter: &filter::containing(groups::filter(settings), &settings.group_name_attribute, &part),
                attributes: &[&settings.group_name_attribute],
                at_most: SHOWN_AT_MOST,
            };
            let found = directory.connect_to_search().await?.search(&wanted).await?;
            Ok(found.into_iter().map(|entry| groups::group(settings, entry)).collect())
        })
        .await
    }

    /// Whether the settings work: connects, binds the search account and reads one person.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] with the reason.
    pub async fn ping(self: &Arc<Self>) -> Result<()> {
        let directory = self.clone();
        self.within_limits(async move {
            let mut connection = directory.connect_to_search().await?;
            let filter =
                filter::containing(&directory.settings.filter, &directory.settings.uid_attribute, "");
            directory.search_entries(&mut connection, &filter, 1).await.map(|_| ())
        })
        .await
    }

    /// How long an answer is believed.
    pub(super) fn cache_time(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.settings.cache_seconds.into())
    }

    /// Whether it can be asked about somebody who has shown no password.
    pub(super) fn can_look_up(&self) -> bool {
        self.settings.user_bind_pattern.is_empty() || !self.settings.bind_dn.is_empty()
    }

    async fn talk_about_password(&self, name: &str, password: &str) -> Outcome<Option<Identity>> {
        if self.settings.user_bind_pattern.is_empty() {
            self.search_then_bind(name, password).await
        } else {
            self.bind_then_search(name, password).await
        }
    }

    async fn search_then_bind(&self, name: &str, password: &str) -> Outcome<Option<Identity>> {
        let mut connection = self.connect_to_search().await?;
        let Some(person) = self.person(&mut connection, name).await? else { return Ok(None) };
        if !connection.bind(&person.dn, password).await? {
            return Ok(None);
        }
        self.bind_search_account(&mut connection).await?;
        let found = groups::find(self, &mut connection, &person).await?;
        Ok(self.identity(&person, (*found).clone()))
    }

    async fn bind_then_search(&self, name: &str, password: &str) -> Outcome<Option<Identity>> {
        let mut connection = Connection::open(self).await?;
        let name = self.bare_name(name);
        if !connection.bind(&self.bind_name(name), password).await? {
            return Ok(None);
        }
        if !self.settings.bind_dn.is_empty() {
            self.bind_search_account(&mut connection).await?;
        }
        self.describe(&mut connection, name).await
    }

    /// `alice` of `alice@ad.example.com`, where the pattern would add that very end.
    fn bare_name<'n>(&self, name: &'n str) -> &'n str {
        let end = self.settings.user_bind_pattern.split(USER).nth(1).unwrap_or_default();
        if end.starts_with('@') { name.strip_suffix(end).unwrap_or(name) } else { name }
    }

    /// The pattern with the name in it, escaped where the pattern is a distinguished name.
    fn bind_name(&self, name: &str) -> String {
        let pattern = &self.settings.user_bind_pattern;
        if pattern.contains('=') {
            return pattern.replace(USER, &dn_escape(name));
        }
        pattern.replace(USER, name)
    }

    async fn connect_to_search(&self) -> Outcome<Connection> {
        let mut connection = Connection::open(self).await?;
        self.bind_search_account(&mut connection).await?;
        Ok(connection)
    }

    async fn bind_search_account(&self, connection: &mut Connection) -> Outcome<()> {
        let settings = &self.settings;
        if settings.bind_dn.is_empty()
            || connection.bind(&settings.bind_dn, settings.bind_password.reveal()).await?
        {
            return Ok(());
        }
        let words =
            format!("it refuses the search account {}; check bind_dn and bind_password", settings.bind_dn);
        Err(connection.says(&words))
    }

    async fn describe(&self, connection: &mut Connection, name: &str) -> Outcome<Option<Identity>> {
        let Some(person) = self.person(connection, name).await? else { return Ok(None) };
        let found = groups::find(self, connection, &person).await?;
        Ok(self.identity(&person, (*found).clone()))
    }

    /// The one entry of this name. A name that two entries have belongs to neither.
    async fn person(&self, connection: &mut Connection, name: &str) -> Outcome<Option<Entry>> {
        let filter = filter::with(&self.settings.filter, &self.settings.uid_attribute, name);
        let mut entries = self.search_entries(connection, &filter, 2).await?;
        if entries.len() > 1 {
            tracing::warn!(
                source = self.name,
                name,
                "two entries of the directory have this name; nobody is signed in"
            );
            return Ok(None);
        }
        Ok(entries.pop())
    }

    async fn search_entries(
        &self,
        connection: &mut Connection,
        filter: &str,
        at_most: usize,
    ) -> Outcome<Vec<Entry>> {
        self.search_people_at(connection, &self.settings.base_dn, self.settings.scope, filter, at_most).await
    }

    async fn search_people_at(
        &self,
        connection: &mut Connection,
        base: &str,
        scope: Scope,
        filter: &str,
        at_most: usize,
    ) -> Outcome<Vec<Entry>> {
        let attributes = [
            self.settings.uid_attribute.as_str(),
            self.settings.email_attribute.as_str(),
            self.settings.name_attribute.as_str(),
            self.settings.membership_attribute.as_str(),
            subject::ENTRY_UUID,
            subject::OBJECT_GUID,
        ];
        connection.search(&Search { base, scope, filter, attributes: &attributes, at_most }).await
    }

    fn identity(&self, person: &Entry, found: groups::Found) -> Option<Identity> {
        let text = |attribute: &str| person.first(attribute).unwrap_or_default().to_owned();
        Some(Identity {
            subject: subject::of(person),
            name: person.first(&self.settings.uid_attribute)?.to_owned(),
            email: text(&self.settings.email_attribute),
            full_name: text(&self.settings.name_attribute),
            groups: found.groups,
            administrator: found.administrator,
        })
    }

    /// The servers with their numbers, the one that was reached last first.
    fn servers_by_luck(&self) -> impl Iterator<Item = (usize, &Url)> {
        let lucky = self.lucky.load(Ordering::Relaxed).min(self.servers.len().saturating_sub(1));
        let (before, from) = self.servers.split_at(lucky);
        let numbers = (lucky..self.servers.len()).chain(0..lucky);
        numbers.zip(from.iter().chain(before))
    }

    fn reached(&self, number: usize) {
        self.lucky.store(number, Ordering::Relaxed);
    }

    /// Runs a conversation as a task of its own with a deadline: a server that says nothing holds nobody up, and one
    /// whose bytes the library cannot take ends that task alone.
    async fn within_limits<T: Send + 'static>(
        &self,
        conversation: impl Future<Output = Outcome<T>> + Send + 'static,
    ) -> Result<T> {
        let turns = self.turns.clone();
        let task = tokio::spawn(async move {
            let _turn = turns.acquire().await.map_err(|_| "the node is stopping".to_owned())?;
            conversation.await
        });
        let stop = task.abort_handle();
        let outcome = match tokio::time::timeout(self.settings.timeout() * STEPS, task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err("its answer cannot be read".to_owned()),
            Err(_) => {
                stop.abort();
                Err(format!("it took longer than {} s", (self.settings.timeout() * STEPS).as_secs()))
            }
        };
        outcome.map_err(|reason| {
            let words = format!("directory {} cannot be asked: {reason}", self.name);
            Error::new(Kind::Unavailable, ErrorCode::Unavailable, words)
        })
    }
}

/// A name that a directory could know; what is not is not worth a connection.
fn is_plausible(name: &str) -> bool {
    (1..=255).contains(&name.len()) && !name.chars().any(char::is_control)
}
