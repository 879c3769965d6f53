//! How to ask a directory: the settings of a source of kind `ldap`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::Url;

use super::filter;
use crate::error::{Error, Result};
use crate::sources::Secret;

/// Servers one source may have.
const SERVERS_AT_MOST: usize = 8;
/// Stands for the name in `user_bind_pattern`.
pub(super) const USER: &str = "{user}";

/// Settings of a directory. What is left out has the value that suits OpenLDAP; Active Directory wants
/// `uid_attribute` `sAMAccountName` and often `group_lookup` `chain`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LdapSettings {
    /// One or more of `ldap://host[:389]` and `ldaps://host[:636]`, apart by blanks: the next is asked when one is away.
    pub url: String,
    /// Begin TLS on `ldap://` connections before anything secret is sent.
    pub start_tls: bool,
    /// Whether certificates are checked.
    pub verify_certificate: bool,
    /// PEM certificates to trust instead of the system's.
    pub ca_certificate: String,
    /// Seconds to wait for a connection, and for each answer.
    pub timeout_seconds: u32,
    /// The account that searches; empty to search without one.
    pub bind_dn: String,
    /// Its password.
    pub bind_password: Secret,
    /// Binds people directly in place of searching for them first: `{user}@ad.example.com`, `AD\{user}` or
    /// `uid={user},ou=people,dc=example,dc=com`. Without `bind_dn` they then search with their own rights.
    pub user_bind_pattern: String,
    /// Where people are.
    pub base_dn: String,
    /// How far below it.
    pub scope: Scope,
    /// What else must be true of them, as a filter; empty for nothing.
    pub filter: String,
    /// The attribute that holds the name to sign in with.
    pub uid_attribute: String,
    /// The attribute that holds the address.
    pub email_attribute: String,
    /// The attribute that holds the name people know.
    pub name_attribute: String,
    /// How the groups of a person are found.
    pub group_lookup: GroupLookup,
    /// Where groups are; empty for anywhere (`attribute`) or for `base_dn` (the others).
    pub group_base_dn: String,
    /// How far below it.
    pub group_scope: Scope,
    /// What else must be true of groups, as a filter; empty for nothing. One that it leaves out is not followed further.
    pub group_filter: String,
    /// The attribute that holds a group's name.
    pub group_name_attribute: String,
    /// `attribute`: where a person and a group tell the groups they are in.
    pub membership_attribute: String,
    /// `search`, `chain`: where a group tells its members. With `memberUid` it is asked for the name, else for the DN.
    pub member_attribute: String,
    /// Whether members of a group in a group are members of the outer one.
    pub nested_groups: bool,
    /// How many groups deep to look.
    pub nesting_at_most: u32,
    /// How many groups one person may be in; further ones are left out, with a warning.
    pub groups_at_most: u32,
    /// Whose members are administrators: a group's distinguished name.
    pub administrator_group_dn: String,
    /// How long an answer about groups is believed.
    pub cache_seconds: u32,
}

/// How far below a base a search goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The base itself.
    Base,
    /// What is right below it.
    OneLevel,
    /// Everything below it.
    #[default]
    Subtree,
}

impl Scope {
    /// Harbor's number for it, which is the protocol's (RFC 4511 section 4.5.1.2).
    pub fn number(self) -> i64 {
        match self {
            Scope::Base => 0,
            Scope::OneLevel => 1,
            Scope::Subtree => 2,
        }
    }

    /// The scope of this number.
    pub fn from_number(number: i64) -> Option<Scope> {
        [Scope::Base, Scope::OneLevel, Scope::Subtree].into_iter().find(|scope| scope.number() == number)
    }
}

/// How the groups of a person are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum GroupLookup {
    /// Entries name their groups (`memberOf`); each is read for its name and its own groups.
    #[default]
    Attribute,
    /// Groups name their members; one search a level of nesting.
    Search,
    /// Active Directory follows the chain itself (LDAP_MATCHING_RULE_IN_CHAIN); one search in all.
    Chain,
    /// Groups are not looked for.
    None,
}

impl Default for LdapSettings {
    fn default() -> Self {
        let text = str::to_owned;
        LdapSettings {
            url: String::new(),
            start_tls: false,
            verify_certificate: true,
            ca_certificate: String::new(),
            timeout_seconds: 5,
            bind_dn: String::new(),
            bind_password: Secret::default(),
            user_bind_pattern: String::new(),
            base_dn: String::new(),
            scope: Scope::Subtree,
            filter: String::new(),
            uid_attribute: text("uid"),
            email_attribute: text("mail"),
            name_attribute: text("cn"),
            group_lookup: GroupLookup::Attribute,
            group_base_dn: String::new(),
            group_scope: Scope::Subtree,
            group_filter: String::new(),
            group_name_attribute: text("cn"),
            membership_attribute: text("memberOf"),
            member_attribute: text("member"),
            nested_groups: true,
            nesting_at_most: 8,
            groups_at_most: 500,
            administrator_group_dn: String::new(),
            cache_seconds: 60,
        }
    }
}

impl LdapSettings {
    /// Refuses what could never work, so that the mistake shows where it is made and not at the next sign-in.
    pub fn validate(&self) -> Result<()> {
        self.servers()?;
        if self.base_dn.trim().is_empty() {
            return Err(wrong(
                "base_dn",
                "it is empty; say where people are, such as ou=people,dc=example,dc=com",
            ));
        }
        if !self.user_bind_pattern.is_empty() && !self.user_bind_pattern.contains(USER) {
            return Err(wrong("user_bind_pattern", "it lacks {user}, which stands for the name"));
        }
        if !self.bind_dn.is_empty() && self.bind_password.is_empty() {
            return Err(wrong("bind_password", "bind_dn has no password, and servers take that for nobody"));
        }
        filter::parse(&self.filter).map_err(|reason| wrong("filter", &reason))?;
        filter::parse(&self.group_filter).map_err(|reason| wrong("group_filter", &reason))?;
        self.validate_attributes()?;
        self.validate_numbers()
    }

    fn validate_attributes(&self) -> Result<()> {
        let attributes = [
            ("uid_attribute", &self.uid_attribute),
            ("group_name_attribute", &self.group_name_attribute),
            ("membership_attribute", &self.membership_attribute),
            ("member_attribute", &self.member_attribute),
        ];
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._;".contains(c);
        match attributes.iter().find(|(_, name)| name.is_empty() || !name.chars().all(allowed)) {
            Some((key, _)) => Err(wrong(key, "it is no name of an attribute")),
            None => Ok(()),
        }
    }

    fn validate_numbers(&self) -> Result<()> {
        let within = |key: &str, value: u32, least: u32, most: u32| {
            if (least..=most).contains(&value) {
                return Ok(());
            }
            Err(wrong(key, &format!("{value} is not between {least} and {most}")))
        };
        within("timeout_seconds", self.timeout_seconds, 1, 60)?;
        within("nesting_at_most", self.nesting_at_most, 1, 32)?;
        within("groups_at_most", self.groups_at_most, 1, 5_000)?;
        within("cache_seconds", self.cache_seconds, 0, 24 * 60 * 60)
    }

    /// The servers in the order in which they are asked.
    pub(super) fn servers(&self) -> Result<Vec<Url>> {
        let servers = self.url.split([' ', ',', '\t', '\n']).filter(|part| !part.is_empty());
        let servers = servers.map(server).collect::<Result<Vec<Url>>>()?;
        match servers.len() {
            0 => Err(wrong("url", "it is empty; write ldap://host or ldaps://host")),
            1..=SERVERS_AT_MOST => Ok(servers),
            count => Err(wrong("url", &format!("it names {count} servers; {SERVERS_AT_MOST} at most"))),
        }
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.into())
    }

    /// The base of searches for groups.
    pub(super) fn group_base(&self) -> &str {
        if self.group_base_dn.is_empty() { &self.base_dn } else { &self.group_base_dn }
    }
}

/// Harbor takes a host without a scheme for `ldap://host`, so that is taken too.
fn server(text: &str) -> Result<Url> {
    let with_scheme = if text.contains("://") { text.to_owned() } else { format!("ldap://{text}") };
    let url = Url::parse(&with_scheme).map_err(|error| wrong("url", &format!("{text}: {error}")))?;
    match (url.scheme(), url.host_str()) {
        ("ldap" | "ldaps", Some(host)) if !host.is_empty() => Ok(url),
        ("ldap" | "ldaps", _) => Err(wrong("url", &format!("{text} names no host"))),
        (other, _) => Err(wrong("url", &format!("{text} has the scheme {other}, not ldap or ldaps"))),
    }
}

fn wrong(key: &str, reason: &str) -> Error {
    Error::bad_request(format!("the directory's setting {key} cannot be used: {reason}"))
        .with_detail(serde_json::json!({ "setting": key }))
}
