//! User groups: what an administrator sees of the groups that sources know, and makes ahead of them.

use hythe_metadata::Window;
use hythe_metadata::ids::GroupId;
use hythe_metadata::user_group::{self, Filter, NewGroup, UserGroup};
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::access::system_rights::user_group as right;
use crate::access::{Everywhere, Permit, SelfPermit};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::sources::ldap::normal_dn;

/// Harbor's limit.
const LONGEST_NAME: usize = 255;
const LONGEST_DN: usize = 2_048;

/// A group to be made.
#[derive(Clone, Debug)]
pub struct CreateGroup {
    /// The name to show; may be empty for a directory's group, which then has the one of its DN.
    pub name: String,
    /// Harbor's number: 1 directory, 2 HTTP, 3 provider.
    pub kind: i16,
    /// A directory's group: its distinguished name.
    pub ldap_group_dn: String,
}

impl Registry {
    /// A page of the groups the filter lets through, in the order of their ids, and how many there are.
    pub async fn list_user_groups(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        filter: &Filter,
        window: Window<GroupId>,
    ) -> Result<(Vec<UserGroup>, i64)> {
        self.page_of_user_groups(filter, window).await
    }

    /// The group of this id.
    pub async fn get_user_group(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
        id: GroupId,
    ) -> Result<UserGroup> {
        self.find_user_group(id).await
    }

    async fn find_user_group(&self, id: GroupId) -> Result<UserGroup> {
        let mut connection = self.database.connect().await?;
        user_group::find(&mut connection, id).await?.ok_or_else(|| unknown(id))
    }

    /// Groups whose name contains a text, for whoever wants to give one of them a role.
    pub async fn search_user_groups(
        &self,
        _permit: &SelfPermit,
        part: &str,
        window: Window<GroupId>,
    ) -> Result<(Vec<UserGroup>, i64)> {
        let filter = Filter { name_contains: Some(part.to_owned()), ..Filter::default() };
        self.page_of_user_groups(&filter, window).await
    }

    /// The group that a request names by its DN or by name and kind, made if nobody of it has signed in yet.
    pub async fn ensure_user_group<R, P>(
        &self,
        _permit: &Permit<R, P>,
        wanted: CreateGroup,
    ) -> Result<GroupId> {
        let new = new_group(wanted)?;
        let group = self
            .database
            .transaction(move |c| {
                let new = new.clone();
                Box::pin(async move { user_group::ensure(c, &new, clock::now()).await })
            })
            .await?;
        Ok(group.id)
    }

    async fn page_of_user_groups(
        &self,
        filter: &Filter,
        window: Window<GroupId>,
    ) -> Result<(Vec<UserGroup>, i64)> {
        let mut connection = self.database.connect().await?;
        let groups = user_group::list(&mut connection, filter, window).await?;
        Ok((groups, user_group::count(&mut connection, filter).await?))
    }

    /// Makes a group, so that it can be given roles before anybody of it has signed in.
    pub async fn create_user_group(
        &self,
        permit: &Permit<right::Create, Everywhere>,
        wanted: CreateGroup,
    ) -> Result<UserGroup> {
        let new = new_group(wanted)?;
        let name = new.name.clone();
        let entry = Entry::new(permit.caller(), "create", "user-group", &name);
        self.database
            .transaction(move |c| {
                let (new, entry) = (new.clone(), entry.clone());
                Box::pin(async move {
                    let made = user_group::create(c, &new, clock::now()).await?;
                    entry.write(c).await?;
                    Ok(made)
                })
            })
            .await
            .map_err(|error| match error {
                hythe_metadata::Error::Conflict { .. } => {
                    Error::conflict(format!("there is a group {name} of this kind already"))
                }
                other => other.into(),
            })
    }

    /// Renames a directory's group. A provider's group is known by its name alone.
    pub async fn rename_user_group(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        id: GroupId,
        name: &str,
    ) -> Result<()> {
        let group = self.find_user_group(id).await?;
        validate_name(name)?;
        if group.kind != user_group::LDAP && group.name != name {
            let words = "a group without a distinguished name is known by its name, which cannot change";
            return Err(Error::conflict(words));
        }
        let name = name.to_owned();
        let entry = Entry::new(permit.caller(), "update", "user-group", &group.name)
            .after(serde_json::json!({ "name": name }));
        self.database
            .transaction(move |c| {
                let (name, entry) = (name.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    user_group::rename(c, id, &name, clock::now()).await
                })
            })
            .await?;
        Ok(())
    }

    /// Deletes a group with its roles. If its source still has it, it comes back, without roles.
    pub async fn delete_user_group(
        &self,
        permit: &Permit<right::Delete, Everywhere>,
        id: GroupId,
    ) -> Result<()> {
        let entry =
            Entry::new(permit.caller(), "delete", "user-group", &self.find_user_group(id).await?.name);
        let deleted = self
            .database
            .transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move {
                    entry.write(c).await?;
                    user_group::delete(c, id).await
                })
            })
            .await?;
        if deleted { Ok(()) } else { Err(unknown(id)) }
    }
}

/// Groups whose name contains a text, and of this distinguished name if one is given.
pub fn filter(name_part: &str, ldap_group_dn: &str) -> Filter {
    let dn = Some(ldap_group_dn).filter(|dn| !dn.is_empty());
    Filter {
        name_contains: Some(name_part.to_owned()),
        identity: dn.map(|dn| identity_of(user_group::LDAP, "", dn)),
        kind: None,
    }
}

/// What tells a group from others: a directory's by its DN however it is spelt, others by their name.
pub(crate) fn identity_of(kind: i16, name: &str, ldap_group_dn: &str) -> String {
    if kind == user_group::LDAP {
        format!("{kind}:{}", normal_dn(ldap_group_dn))
    } else {
        format!("{kind}:{name}")
    }
}

/// A group to be made, checked.
pub(crate) fn new_group(wanted: CreateGroup) -> Result<NewGroup> {
    let CreateGroup { name, kind, ldap_group_dn } = wanted;
    let wrong = |words: &str| Error::bad_request(words.to_owned());
    let (name, dn) = match kind {
        user_group::LDAP if ldap_group_dn.is_empty() || !ldap_group_dn.contains('=') => {
            return Err(wrong(
                "a directory's group needs ldap_group_dn, such as cn=developers,ou=groups,dc=example,dc=com",
            ));
        }
        user_group::LDAP if ldap_group_dn.len() > LONGEST_DN => {
            return Err(wrong("ldap_group_dn is too long"));
        }
        user_group::LDAP if name.is_empty() => (ldap_group_dn.clone(), ldap_group_dn),
        user_group::LDAP => (name, ldap_group_dn),
        user_group::HTTP | user_group::OIDC => (name, String::new()),
        _ => return Err(wrong("group_type must be 1 (directory), 2 (HTTP) or 3 (provider)")),
    };
    validate_name(&name)?;
    Ok(NewGroup { identity: identity_of(kind, &name, &dn), name, kind, ldap_group_dn: dn })
}

fn validate_name(name: &str) -> Result<()> {
    if (1..=LONGEST_NAME).contains(&name.len()) && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::bad_request(format!("a group's name has 1 to {LONGEST_NAME} bytes")))
}

fn unknown(id: GroupId) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no user group {id}"))
}
