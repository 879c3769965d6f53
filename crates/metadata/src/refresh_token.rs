//! Refresh tokens: only their hashes are kept, so that rows which leak sign nobody in.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::error::Result;
use crate::ids::{Micros, UserId};

/// Inserts a token by its hash.
pub async fn insert(
    c: &mut Connection,
    hash: &[u8],
    user_id: UserId,
    service: &str,
    created_at: Micros,
    expires_at: Micros,
) -> Result<()> {
    let arguments = [hash.into(), user_id.into(), service.into(), created_at.into(), expires_at.into()];
    c.execute(&INSERT, &arguments).await.map(|_| ())
}

/// Whose token this is, if it has not expired.
pub async fn find(c: &mut Connection, hash: &[u8], now: Micros) -> Result<Option<UserId>> {
    c.query_optional(&FIND, &[hash.into(), now.into()]).await
}

/// Deletes all but the newest `kept` tokens of a user and tells how many that were.
pub async fn delete_oldest(c: &mut Connection, user_id: UserId, kept: u32) -> Result<u64> {
    c.execute(&DELETE_OLDEST, &[user_id.into(), kept.into()]).await
}

/// Deletes every token of a user and tells how many that were.
pub async fn delete_for_user(c: &mut Connection, user_id: UserId) -> Result<u64> {
    c.execute(&DELETE_FOR_USER, &[user_id.into()]).await
}

/// Deletes what has expired and tells how many tokens that were.
pub async fn delete_expired(c: &mut Connection, now: Micros) -> Result<u64> {
    c.execute(&DELETE_EXPIRED, &[now.into()]).await
}

statements! { "refresh_token";
    INSERT = "INSERT INTO refresh_token (hash, user_id, service, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5)";
    FIND = "SELECT user_id AS value FROM refresh_token WHERE hash = $1 AND expires_at > $2";
    DELETE_FOR_USER = "DELETE FROM refresh_token WHERE user_id = $1";
    DELETE_OLDEST = "DELETE FROM refresh_token WHERE user_id = $1 AND hash NOT IN (
        SELECT hash FROM refresh_token WHERE user_id = $1 ORDER BY created_at DESC, hash LIMIT $2)";
    DELETE_EXPIRED = "DELETE FROM refresh_token WHERE expires_at <= $1";
}
