//! The groups of a person in a directory, nested ones too, within limits and with what was found kept for a while.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::connection::{Connection, Entry, Search};
use super::settings::{GroupLookup, LdapSettings, Scope};
use super::{Directory, Outcome, dn, filter};
use crate::sources::identity::Group;

/// Active Directory's rule that follows members of members (LDAP_MATCHING_RULE_IN_CHAIN).
const IN_CHAIN: &str = "1.2.840.113556.1.4.1941";
/// The classes of groups: RFC 4519's two, RFC 2307's, and Active Directory's.
const ANY_GROUP: &str = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=group))";
/// Entries kept; one has some hundred bytes.
const KEPT_AT_MOST: u64 = 50_000;
/// Groups asked for in one filter.
const ASKED_AT_ONCE: usize = 50;

/// What was found, by normal DN: groups where entries name theirs, else the groups of people. One of the two is used,
/// so that what a directory takes away is gone after one such time and not after two.
pub(super) struct Kept {
    groups: Cache<String, Option<Arc<GroupEntry>>>,
    memberships: Cache<String, Arc<Found>>,
}

/// A group as it was read.
struct GroupEntry {
    group: Group,
    parents: Vec<String>,
}

/// Groups, and whether one of them makes an administrator.
#[derive(Clone, Default)]
pub(super) struct Found {
    pub(super) groups: Vec<Group>,
    pub(super) administrator: bool,
}

impl Kept {
    pub(super) fn new(settings: &LdapSettings) -> Kept {
        let life = Duration::from_secs(settings.cache_seconds.into());
        Kept {
            groups: Cache::builder().max_capacity(KEPT_AT_MOST).time_to_live(life).build(),
            memberships: Cache::builder().max_capacity(KEPT_AT_MOST).time_to_live(life).build(),
        }
    }
}

/// The groups of the person of this entry.
pub(super) async fn find(
    directory: &Directory,
    connection: &mut Connection,
    person: &Entry,
) -> Outcome<Arc<Found>> {
    if directory.settings.group_lookup == GroupLookup::None {
        return Ok(Arc::default());
    }
    let key = dn::normal(&person.dn);
    if let Some(found) = directory.kept.memberships.get(&key) {
        return Ok(found);
    }
    let mut walk = Walk { directory, connection, seen: HashSet::new(), found: Found::default() };
    let outcome = match directory.settings.group_lookup {
        GroupLookup::Attribute => walk.up_from(person).await,
        GroupLookup::Search => walk.search_up_from(person).await,
        GroupLookup::Chain => walk.follow_chain_from(person).await,
        GroupLookup::None => Ok(()),
    };
    outcome?;
    let found = Arc::new(walk.found);
    if directory.settings.group_lookup != GroupLookup::Attribute {
        directory.kept.memberships.insert(key, found.clone());
    }
    Ok(found)
}

/// A walk from a person up through their groups. It meets each group once, so that groups in a circle end it.
struct Walk<'w> {
    directory: &'w Directory,
    connection: &'w mut Connection,
    seen: HashSet<String>,
    found: Found,
}

impl Walk<'_> {
    fn settings(&self) -> &LdapSettings {
        &self.directory.settings
    }

    fn levels(&self) -> u32 {
        if self.settings().nested_groups { self.settings().nesting_at_most } else { 1 }
    }

    fn is_full(&self) -> bool {
        let full = self.seen.len() >= self.settings().groups_at_most as usize;
        if full {
            tracing::warn!(
                source = self.directory.name,
                groups = self.seen.len(),
                "somebody is in more groups than groups_at_most; further ones are left out"
            );
        }
        full
    }

    /// Meets a group for the first time; false if it was met before.
    fn meet(&mut self, normal_dn: &str) -> bool {
        if normal_dn == dn::normal(&self.settings().administrator_group_dn) {
            self.found.administrator = true;
        }
        self.seen.insert(normal_dn.to_owned())
    }

    /// By the attribute in which entries name their groups, a level at a time.
    async fn up_from(&mut self, person: &Entry) -> Outcome<()> {
        let mut level = person.all(&self.settings().membership_attribute).to_vec();
        for _ in 0..self.levels() {
            let mut next = Vec::new();
            for name in std::mem::take(&mut level) {
                if self.is_full() {
                    return Ok(());
                }
                if self.meet(&dn::normal(&name))
                    && let Some(entry) = self.read(&name).await?
                {
                    self.found.groups.push(entry.group.clone());
                    next.extend(entry.parents.iter().cloned());
                }
            }
            level = next;
        }
        Ok(())
    }

    /// A group's entry, as it was read not long ago or now; none for one that the settings leave out.
    async fn read(&mut self, name: &str) -> Outcome<Option<Arc<GroupEntry>>> {
        let normal = dn::normal(name);
        if !dn::is_within(&normal, &dn::normal(&self.settings().group_base_dn)) {
            return Ok(None);
        }
        if let Some(kept) = self.directory.kept.groups.get(&normal) {
            return Ok(kept);
        }
        let entry = self.fetch(name).await?.map(Arc::new);
        self.directory.kept.groups.insert(normal, entry.clone());
        Ok(entry)
    }

    async fn fetch(&mut self, name: &str) -> Outcome<Option<GroupEntry>> {
        let settings = &self.directory.settings;
        let wanted = Search {
            base: name,
            scope: Scope::Base,
            filter: &filter::or_anything(&settings.group_filter),
            attributes: &[&settings.group_name_attribute, &settings.membership_attribute],
            at_most: 1,
        };
        let found = match self.connection.search(&wanted).await {
            Ok(found) => found.into_iter().next(),
            // Without a filter to pass, a group that may not be read still counts: the person's entry names it.
            Err(_) if settings.group_filter.is_empty() => Some(Entry::named(name)),
            Err(reason) => {
                tracing::debug!(source = self.directory.name, group = name, reason, "a group cannot be read");
                None
            }
        };
        let parents = |entry: &Entry| entry.all(&settings.membership_attribute).to_vec();
        Ok(found.map(|entry| GroupEntry { parents: parents(&entry), group: group(settings, entry) }))
    }

    /// By the attribute in which groups name their members, one search a level.
    async fn search_up_from(&mut self, person: &Entry) -> Outcome<()> {
        let settings = &self.directory.settings;
        let by_name = settings.member_attribute.eq_ignore_ascii_case("memberUid");
        let first =
            if by_name { person.first(&settings.uid_attribute).unwrap_or_default() } else { &person.dn };
        let mut level = vec![first.to_owned()];
        for _ in 0..self.levels() {
            let mut next = Vec::new();
            for members in std::mem::take(&mut level).chunks(ASKED_AT_ONCE) {
                let members: Vec<&str> = members.iter().map(String::as_str).collect();
                let filter = filter::with_any(&settings.group_filter, &settings.member_attribute, &members);
                next.extend(self.search(&filter).await?);
            }
            // Groups of this kind hold names of people and no other groups.
            if by_name || next.is_empty() {
                return Ok(());
            }
            level = next;
        }
        Ok(())
    }

    /// One search; the server does the walking.
    async fn follow_chain_from(&mut self, person: &Entry) -> Outcome<()> {
        let settings = &self.directory.settings;
        let attribute = format!("{}:{IN_CHAIN}:", settings.member_attribute);
        self.search(&filter::with(&settings.group_filter, &attribute, &person.dn)).await.map(|_| ())
    }

    /// Takes in the groups a search finds; the names of those met for the first time.
    async fn search(&mut self, filter: &str) -> Outcome<Vec<String>> {
        let settings = &self.directory.settings;
        let wanted = Search {
            base: settings.group_base(),
            scope: settings.group_scope,
            filter,
            attributes: &[&settings.group_name_attribute],
            at_most: settings.groups_at_most as usize,
        };
        let mut names = Vec::new();
        for entry in self.connection.search(&wanted).await? {
            if self.is_full() {
                break;
            }
            if self.meet(&dn::normal(&entry.dn)) {
                names.push(entry.dn.clone());
                self.found.groups.push(group(settings, entry));
            }
        }
        Ok(names)
    }
}

/// What tells groups from other entries in a search that names no member: the operator's filter, else what servers call
/// groups.
pub(super) fn filter(settings: &LdapSettings) -> &str {
    match settings.group_filter.as_str() {
        "" => ANY_GROUP,
        filter => filter,
    }
}

/// The group of an entry; one without the attribute is called by the first part of its DN.
pub(super) fn group(settings: &LdapSettings, entry: Entry) -> Group {
    let name = entry.first(&settings.group_name_attribute).unwrap_or_else(|| dn::first_value(&entry.dn));
    Group { name: name.to_owned(), dn: entry.dn }
}
