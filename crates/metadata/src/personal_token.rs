//! Personal tokens: what a person's scripts sign in with. Only the hash of one is kept.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, UserId};

/// A row of `personal_token`, without its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonalToken {
    /// Its id.
    pub id: i64,
    /// Whose it is.
    pub user_id: UserId,
    /// What its owner calls it, unique among theirs.
    pub name: String,
    /// What it leaves of its owner's rights, a JSON list; none for all of them.
    pub permissions: Option<String>,
    /// When it was made.
    pub created_at: Micros,
    /// When it stops working; none for never.
    pub expires_at: Option<Micros>,
    /// When it was used last, some seconds late.
    pub used_at: Option<Micros>,
    /// From which address.
    pub used_from: Option<String>,
}

/// A token to be made.
#[derive(Clone)]
pub struct NewPersonalToken {
    /// Whose it is.
    pub user_id: UserId,
    /// What its owner calls it.
    pub name: String,
    /// What the secret hashes to.
    pub hash: Vec<u8>,
    /// What it leaves of its owner's rights.
    pub permissions: Option<String>,
    /// Now.
    pub created_at: Micros,
    /// When it stops working.
    pub expires_at: Option<Micros>,
}

/// Makes a token. [`Error::Conflict`] if its owner has one of this name.
pub async fn create(c: &mut Connection, new: &NewPersonalToken) -> Result<PersonalToken> {
    let arguments = [
        new.user_id.into(),
        (&new.name).into(),
        (&new.hash).into(),
        new.permissions.as_ref().into(),
        new.created_at.into(),
        new.expires_at.into(),
    ];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("a token named {} exists already", new.name) })
}

/// The token whose secret hashes to this, if it has not expired.
pub async fn find_by_hash(c: &mut Connection, hash: &[u8], now: Micros) -> Result<Option<PersonalToken>> {
    c.query_optional(&FIND_BY_HASH, &[hash.into(), now.into()]).await
}

/// The token of this id, if it has not expired.
pub async fn find(c: &mut Connection, id: i64, now: Micros) -> Result<Option<PersonalToken>> {
    c.query_optional(&FIND, &[id.into(), now.into()]).await
}

/// All tokens of a user in the order in which they were made, those that have expired too.
pub async fn list(c: &mut Connection, user_id: UserId) -> Result<Vec<PersonalToken>> {
    c.query(&LIST, &[user_id.into()]).await
}

/// Deletes a user's token; false if there is none.
pub async fn delete(c: &mut Connection, user_id: UserId, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[user_id.into(), id.into()]).await
}

/// Notes when and from where a token was used.
pub async fn update_used(c: &mut Connection, id: i64, at: Micros, from: &str) -> Result<bool> {
    c.changes(&UPDATE_USED, &[id.into(), at.into(), from.into()]).await
}

impl FromRow for PersonalToken {
    fn from_row(row: &mut Row) -> Result<PersonalToken> {
        Ok(PersonalToken {
            id: row.take("id")?,
            user_id: row.take("user_id")?,
            name: row.take("name")?,
            permissions: row.take("permissions")?,
            created_at: row.take("created_at")?,
            expires_at: row.take("expires_at")?,
            used_at: row.take("used_at")?,
            used_from: row.take("used_from")?,
        })
    }
}

macro_rules! columns {
    () => {
        "id, user_id, name, permissions, created_at, expires_at, used_at, used_from"
    };
}

statements! { "personal_token";
    CREATE = ("INSERT INTO personal_token (user_id, name, hash, permissions, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING ", columns!());
    FIND_BY_HASH = ("SELECT ", columns!(), " FROM personal_token
        WHERE hash = $1 AND (expires_at IS NULL OR expires_at > $2)");
    FIND = ("SELECT ", columns!(), " FROM personal_token
        WHERE id = $1 AND (expires_at IS NULL OR expires_at > $2)");
    LIST = ("SELECT ", columns!(), " FROM personal_token WHERE user_id = $1 ORDER BY id");
    DELETE = "DELETE FROM personal_token WHERE user_id = $1 AND id = $2";
    UPDATE_USED = "UPDATE personal_token SET used_at = $2, used_from = $3 WHERE id = $1";
}
