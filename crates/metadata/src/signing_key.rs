//! Signing keys: kept in the database, so that every node signs and checks with the same ones.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `signing_key`.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey {
    /// Its `kid`.
    pub id: String,
    /// The private key, PKCS #8 DER, sealed.
    pub private_der: Vec<u8>,
    /// The public key.
    pub public_der: Vec<u8>,
    /// When it was made.
    pub created_at: Micros,
    /// From when it signs; before that it is only published, so that every node knows it in time.
    pub sign_from: Micros,
    /// Until when it signs.
    pub sign_until: Micros,
    /// Until when what it signed is checked.
    pub expires_at: Micros,
}

/// Leaves the private key out.
impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("sign_from", &self.sign_from)
            .field("sign_until", &self.sign_until)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Inserts a key; one with this id that is there stays.
pub async fn insert(c: &mut Connection, key: &SigningKey) -> Result<()> {
    let arguments = [
        (&key.id).into(),
        (&key.private_der).into(),
        (&key.public_der).into(),
        key.created_at.into(),
        key.sign_from.into(),
        key.sign_until.into(),
        key.expires_at.into(),
    ];
    c.execute(&INSERT, &arguments).await.map(|_| ())
}

/// Makes every other transaction that would make a key wait until this one has ended: nodes that start at once
/// then make one key and not one each.
pub async fn lock(c: &mut Connection) -> Result<()> {
    c.lock("signing_key").await
}

/// The keys that have not expired, the oldest first.
pub async fn list_live(c: &mut Connection, now: Micros) -> Result<Vec<SigningKey>> {
    c.query(&LIST_LIVE, &[now.into()]).await
}

/// Puts another sealing of the private key in place of the one that is there; false if there is no such key.
pub async fn set_private_key(c: &mut Connection, id: &str, sealed: &[u8]) -> Result<bool> {
    c.changes(&SET_PRIVATE_KEY, &[id.into(), sealed.into()]).await
}

/// Deletes what has expired and tells how many keys that were.
pub async fn delete_expired(c: &mut Connection, now: Micros) -> Result<u64> {
    c.execute(&DELETE_EXPIRED, &[now.into()]).await
}

impl FromRow for SigningKey {
    fn from_row(row: &mut Row) -> Result<SigningKey> {
        Ok(SigningKey {
            id: row.take("id")?,
            private_der: row.take("private_der")?,
            public_der: row.take("public_der")?,
            created_at: row.take("created_at")?,
            sign_from: row.take("sign_from")?,
            sign_until: row.take("sign_until")?,
            expires_at: row.take("expires_at")?,
        })
    }
}

statements! { "signing_key";
    INSERT = "INSERT INTO signing_key (id, private_der, public_der, created_at, sign_from, sign_until, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    LIST_LIVE = "SELECT id, private_der, public_der, created_at, sign_from, sign_until, expires_at
        FROM signing_key WHERE expires_at > $1 ORDER BY sign_from, id";
    SET_PRIVATE_KEY = "UPDATE signing_key SET private_der = $2 WHERE id = $1";
    DELETE_EXPIRED = "DELETE FROM signing_key WHERE expires_at <= $1";
}
