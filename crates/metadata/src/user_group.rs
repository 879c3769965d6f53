//! User groups: groups of directories and providers, and who is in them as their source said last.

use crate::Window;
use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row, Value, list as json_list};
use crate::error::{Error, Result};
use crate::ids::{GroupId, Micros, UserId};

/// Harbor's number of a directory's group.
pub const LDAP: i16 = 1;
/// Harbor's number of a group of its HTTP proxy.
pub const HTTP: i16 = 2;
/// Harbor's number of a provider's group.
pub const OIDC: i16 = 3;

/// A row of `user_group`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserGroup {
    /// Its id.
    pub id: GroupId,
    /// The name to show.
    pub name: String,
    /// [`LDAP`], [`HTTP`] or [`OIDC`].
    pub kind: i16,
    /// A directory's group: its distinguished name, as it was written; else empty.
    pub ldap_group_dn: String,
    /// When it was made.
    pub created_at: Micros,
    /// When it was renamed last.
    pub updated_at: Micros,
}

/// A group to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// The name to show.
    pub name: String,
    /// [`LDAP`], [`HTTP`] or [`OIDC`].
    pub kind: i16,
    /// A directory's group: its distinguished name; else empty.
    pub ldap_group_dn: String,
    /// What tells it from others, in the form that is compared; unique.
    pub identity: String,
}

/// Which groups to list; the default is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A part of the name, in any case.
    pub name_contains: Option<String>,
    /// Only this one.
    pub identity: Option<String>,
    /// Only this kind.
    pub kind: Option<i16>,
}

/// Makes a group. [`Error::Conflict`] if there is one of this identity.
pub async fn create(c: &mut Connection, new: &NewGroup, now: Micros) -> Result<UserGroup> {
    let made = c.query_optional(&CREATE, &values(new, now)).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("user group {} exists already", new.name) })
}

/// The group of this identity, made if there is none.
pub async fn ensure(c: &mut Connection, new: &NewGroup, now: Micros) -> Result<UserGroup> {
    c.execute(&CREATE_QUIETLY, &values(new, now)).await?;
    c.query_one(&FIND_BY_IDENTITY, &[(&new.identity).into()]).await
}

fn values(new: &NewGroup, now: Micros) -> [Value<'_>; 5] {
    [(&new.name).into(), new.kind.into(), (&new.ldap_group_dn).into(), (&new.identity).into(), now.into()]
}

/// The group of this id.
pub async fn find(c: &mut Connection, id: GroupId) -> Result<Option<UserGroup>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// A page of groups in the order of their ids.
pub async fn list(c: &mut Connection, filter: &Filter, window: Window<GroupId>) -> Result<Vec<UserGroup>> {
    let [part, identity, kind] = conditions(filter);
    let Window { after, skip, limit } = window;
    c.query(&LIST, &[after.into(), part, identity, kind, limit.into(), skip.into()]).await
}

/// How many groups the filter lets through.
pub async fn count(c: &mut Connection, filter: &Filter) -> Result<i64> {
    c.query_one(&COUNT, &conditions(filter)).await
}

fn conditions(filter: &Filter) -> [Value<'_>; 3] {
    let part = filter.name_contains.as_deref().unwrap_or("").to_ascii_lowercase();
    [part.into(), filter.identity.as_ref().into(), filter.kind.into()]
}

/// Renames a group; false if there is no such group.
pub async fn rename(c: &mut Connection, id: GroupId, name: &str, now: Micros) -> Result<bool> {
    c.changes(&RENAME, &[id.into(), name.into(), now.into()]).await
}

/// Deletes a group with the roles that were given to it; false if there is no such group.
pub async fn delete(c: &mut Connection, id: GroupId) -> Result<bool> {
    c.changes(&DELETE, &[id.into()]).await
}

/// The groups a user is in, in the order of their names.
pub async fn of_user(c: &mut Connection, user: UserId) -> Result<Vec<UserGroup>> {
    c.query(&OF_USER, &[user.into()]).await
}

/// Whether a user is in these groups and in no others.
pub async fn is_set_of_user(c: &mut Connection, user: UserId, groups: &[NewGroup]) -> Result<bool> {
    let present: i64 = c.query_one(&COUNT_OF_USER, &[user.into(), identities(groups)]).await?;
    let total: i64 = c.query_one(&COUNT_ALL_OF_USER, &[user.into()]).await?;
    Ok(present == total && usize::try_from(present).is_ok_and(|present| present == groups.len()))
}

/// Puts a user into these groups and out of all others; groups that are missing are made. Nothing is written where
/// everything is so already. Whether something was.
pub async fn set_of_user(c: &mut Connection, user: UserId, groups: &[NewGroup], now: Micros) -> Result<bool> {
    if is_set_of_user(c, user, groups).await? {
        return Ok(false);
    }
    for group in groups {
        c.execute(&CREATE_QUIETLY, &values(group, now)).await?;
    }
    c.execute(&LEAVE_OTHERS, &[user.into(), identities(groups)]).await?;
    c.execute(&JOIN, &[user.into(), identities(groups)]).await?;
    Ok(true)
}

fn identities(groups: &[NewGroup]) -> Value<'static> {
    json_list(&groups.iter().map(|group| &group.identity).collect::<Vec<_>>())
}

impl FromRow for UserGroup {
    fn from_row(row: &mut Row) -> Result<UserGroup> {
        Ok(UserGroup {
            id: row.take("id")?,
            name: row.take("name")?,
            kind: row.take("kind")?,
            ldap_group_dn: row.take("ldap_group_dn")?,
            created_at: row.take("created_at")?,
            updated_at: row.take("updated_at")?,
        })
    }
}

statements! { "user_group";
    CREATE = "INSERT INTO user_group (name, kind, ldap_group_dn, identity, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING
        RETURNING id, name, kind, ldap_group_dn, created_at, updated_at";
    CREATE_QUIETLY = "INSERT INTO user_group (name, kind, ldap_group_dn, identity, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT DO NOTHING";
    FIND = "SELECT id, name, kind, ldap_group_dn, created_at, updated_at FROM user_group WHERE id = $1";
    FIND_BY_IDENTITY = "SELECT id, name, kind, ldap_group_dn, created_at, updated_at
        FROM user_group WHERE identity = $1";
    LIST = {
        sqlite: "SELECT id, name, kind, ldap_group_dn, created_at, updated_at FROM user_group
            WHERE id > $1 AND instr(lower(name), $2) > 0 AND ($3 IS NULL OR identity = $3)
                AND ($4 IS NULL OR kind = $4) ORDER BY id LIMIT $5 OFFSET $6",
        postgres: "SELECT id, name, kind, ldap_group_dn, created_at, updated_at FROM user_group
            WHERE id > $1 AND strpos(lower(name), $2) > 0 AND ($3::text IS NULL OR identity = $3)
                AND ($4::bigint IS NULL OR kind = $4) ORDER BY id LIMIT $5 OFFSET $6",
    };
    COUNT = {
        sqlite: "SELECT COUNT(*) AS value FROM user_group
            WHERE instr(lower(name), $1) > 0 AND ($2 IS NULL OR identity = $2) AND ($3 IS NULL OR kind = $3)",
        postgres: "SELECT COUNT(*) AS value FROM user_group
            WHERE strpos(lower(name), $1) > 0 AND ($2::text IS NULL OR identity = $2)
                AND ($3::bigint IS NULL OR kind = $3)",
    };
    RENAME = "UPDATE user_group SET name = $2, updated_at = $3 WHERE id = $1";
    DELETE = "DELETE FROM user_group WHERE id = $1";
    OF_USER = "SELECT g.id, g.name, g.kind, g.ldap_group_dn, g.created_at, g.updated_at
        FROM user_group_member m JOIN user_group g ON g.id = m.group_id WHERE m.user_id = $1 ORDER BY g.name, g.id";
    COUNT_ALL_OF_USER = "SELECT COUNT(*) AS value FROM user_group_member WHERE user_id = $1";
    COUNT_OF_USER = {
        sqlite: "SELECT COUNT(*) AS value FROM user_group_member m JOIN user_group g ON g.id = m.group_id
            WHERE m.user_id = $1 AND g.identity IN (SELECT value FROM json_each($2))",
        postgres: "SELECT COUNT(*) AS value FROM user_group_member m JOIN user_group g ON g.id = m.group_id
            WHERE m.user_id = $1 AND g.identity IN (SELECT jsonb_array_elements_text($2::text::jsonb))",
    };
    LEAVE_OTHERS = {
        sqlite: "DELETE FROM user_group_member WHERE user_id = $1 AND group_id NOT IN
            (SELECT id FROM user_group WHERE identity IN (SELECT value FROM json_each($2)))",
        postgres: "DELETE FROM user_group_member WHERE user_id = $1 AND group_id NOT IN
            (SELECT id FROM user_group WHERE identity IN (SELECT jsonb_array_elements_text($2::text::jsonb)))",
    };
    JOIN = {
        sqlite: "INSERT INTO user_group_member (user_id, group_id)
            SELECT $1, id FROM user_group WHERE identity IN (SELECT value FROM json_each($2))
            ON CONFLICT DO NOTHING",
        postgres: "INSERT INTO user_group_member (user_id, group_id)
            SELECT $1, id FROM user_group WHERE identity IN (SELECT jsonb_array_elements_text($2::text::jsonb))
            ON CONFLICT DO NOTHING",
    };
}
