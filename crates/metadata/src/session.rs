//! Sessions: browsers that have signed in. The cookie is kept as its hash: rows that leak sign nobody in.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::{Micros, UserId};

/// A row of `session`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, which lists show.
    pub id: i64,
    /// Whose it is.
    pub user_id: UserId,
    /// The source that vouched for them; empty for a password kept here.
    pub source: String,
    /// From where they signed in.
    pub address: String,
    /// With what.
    pub user_agent: String,
    /// When they did.
    pub created_at: Micros,
    /// When the session was used last, to the minute.
    pub seen_at: Micros,
    /// When it ends, unless it is used before.
    pub expires_at: Micros,
}

/// A session to be made.
#[derive(Clone)]
pub struct NewSession {
    /// The cookie's hash.
    pub hash: Vec<u8>,
    /// Whose it is.
    pub user_id: UserId,
    /// The source that vouched for them; empty for a password kept here.
    pub source: String,
    /// From where they sign in.
    pub address: String,
    /// With what.
    pub user_agent: String,
    /// Now.
    pub created_at: Micros,
    /// When it ends, unless it is used before.
    pub expires_at: Micros,
}

/// Makes a session; its id.
pub async fn create(c: &mut Connection, new: &NewSession) -> Result<i64> {
    let arguments = [
        (&new.hash).into(),
        new.user_id.into(),
        (&new.source).into(),
        (&new.address).into(),
        (&new.user_agent).into(),
        new.created_at.into(),
        new.expires_at.into(),
    ];
    c.query_one(&CREATE, &arguments).await
}

/// The session of this cookie, unless it has ended.
pub async fn find(c: &mut Connection, hash: &[u8], now: Micros) -> Result<Option<Session>> {
    c.query_optional(&FIND, &[hash.into(), now.into()]).await
}

/// Notes that it was used, and when it ends now; false if it is gone.
pub async fn touch(c: &mut Connection, id: i64, now: Micros, expires_at: Micros) -> Result<bool> {
    c.changes(&TOUCH, &[id.into(), now.into(), expires_at.into()]).await
}

/// Ends the session of this cookie; false if there is none.
pub async fn delete(c: &mut Connection, hash: &[u8]) -> Result<bool> {
    c.changes(&DELETE, &[hash.into()]).await
}

/// The sessions of a user that live, in the order in which they began.
pub async fn list(c: &mut Connection, user_id: UserId, now: Micros) -> Result<Vec<Session>> {
    c.query(&LIST, &[user_id.into(), now.into()]).await
}

/// Ends one session of a user; false if there is none.
pub async fn delete_of_user(c: &mut Connection, user_id: UserId, id: i64) -> Result<bool> {
    c.changes(&DELETE_OF_USER, &[user_id.into(), id.into()]).await
}

/// Ends all sessions of a user; how many.
pub async fn delete_for_user(c: &mut Connection, user_id: UserId) -> Result<u64> {
    c.execute(&DELETE_FOR_USER, &[user_id.into()]).await
}

/// Removes those that have ended; how many.
pub async fn delete_expired(c: &mut Connection, now: Micros) -> Result<u64> {
    c.execute(&DELETE_EXPIRED, &[now.into()]).await
}

impl FromRow for Session {
    fn from_row(row: &mut Row) -> Result<Session> {
        Ok(Session {
            id: row.take("id")?,
            user_id: row.take("user_id")?,
            source: row.take("source")?,
            address: row.take("address")?,
            user_agent: row.take("user_agent")?,
            created_at: row.take("created_at")?,
            seen_at: row.take("seen_at")?,
            expires_at: row.take("expires_at")?,
        })
    }
}

statements! { "session";
    CREATE = "INSERT INTO session (hash, user_id, source, address, user_agent, created_at, seen_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7) RETURNING id AS value";
    FIND = "SELECT id, user_id, source, address, user_agent, created_at, seen_at, expires_at
        FROM session WHERE hash = $1 AND expires_at > $2";
    TOUCH = "UPDATE session SET seen_at = $2, expires_at = $3 WHERE id = $1";
    DELETE = "DELETE FROM session WHERE hash = $1";
    LIST = "SELECT id, user_id, source, address, user_agent, created_at, seen_at, expires_at
        FROM session WHERE user_id = $1 AND expires_at > $2 ORDER BY id";
    DELETE_OF_USER = "DELETE FROM session WHERE user_id = $1 AND id = $2";
    DELETE_FOR_USER = "DELETE FROM session WHERE user_id = $1";
    DELETE_EXPIRED = "DELETE FROM session WHERE expires_at <= $1";
}
