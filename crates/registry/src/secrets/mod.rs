//! Secrets among the rows: private keys, and passwords that have to be shown to a directory or a provider. They are sealed
//! with a data key, which is a row itself, sealed with the key-encryption key that an operator gives to every node.
//!
//! Two keys and not one, so that another key-encryption key can be brought to all nodes without a moment at which a node
//! cannot read what another one wrote: for a while the data key is there sealed with both.

mod cipher;
mod key;
pub(crate) mod places;
mod rotation;

use std::sync::{Arc, RwLock};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hythe_metadata::data_key::{self, DataKeyRow};
use hythe_metadata::{Connection, Database};
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::clock;
use crate::error::{Error, Kind, Result};
use cipher::KEY_LENGTH;
pub(crate) use cipher::{open as open_bytes, random_key, seal as seal_bytes};
pub use key::{KeyEncryptionKey, NotAKey};
pub use rotation::Opener;

/// How a sealed value begins in its row; the id of the data key and the bytes follow.
const SEALED: &str = "sealed:";

/// The keys of this node.
pub(crate) struct Secrets {
    key: Option<KeyEncryptionKey>,
    opened: RwLock<Option<Arc<DataKey>>>,
}

/// The data key, open.
struct DataKey {
    id: String,
    bytes: [u8; KEY_LENGTH],
}

impl Secrets {
    pub(crate) fn new(key: Option<KeyEncryptionKey>) -> Secrets {
        Secrets { key, opened: RwLock::default() }
    }

    /// Seals a secret that goes into a row in this transaction. The key is read from its row each time: one that was
    /// changed a moment ago must not be used again.
    pub(crate) async fn seal(&self, c: &mut Connection, place: &str, plain: &[u8]) -> Result<String> {
        data_key::lock(c).await?;
        self.read(c).await?.seal(place, plain)
    }

    /// Opens a secret that comes out of a row.
    pub(crate) async fn open(&self, c: &mut Connection, place: &str, stored: &str) -> Result<Vec<u8>> {
        let sealed = Sealed::parse(place, stored)?;
        let known = self.opened.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        match known.filter(|key| key.id == sealed.key) {
            Some(key) => key.open(place, &sealed),
            None => self.read(c).await?.open(place, &sealed),
        }
    }

    /// [`Secrets::open`] for a column of bytes.
    pub(crate) async fn open_bytes(&self, c: &mut Connection, place: &str, stored: &[u8]) -> Result<Vec<u8>> {
        let text = std::str::from_utf8(stored).map_err(|_| damaged(place, "it is not sealed"))?;
        self.open(c, place, text).await
    }

    /// [`Secrets::open`] for a secret that is text.
    pub(crate) async fn open_text(&self, c: &mut Connection, place: &str, stored: &str) -> Result<String> {
        let bytes = self.open(c, place, stored).await?;
        String::from_utf8(bytes)
            .map_err(|error| Error::internal(format!("the secret of {place} is no text"), error))
    }

    /// The data key as its row has it now.
    async fn read(&self, c: &mut Connection) -> Result<Arc<DataKey>> {
        let rows = data_key::list(c).await?;
        let key = Arc::new(self.open_row(&rows)?);
        *self.opened.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(key.clone());
        Ok(key)
    }

    fn open_row(&self, rows: &[DataKeyRow]) -> Result<DataKey> {
        let key = self.key()?;
        let row = rows.iter().find(|row| row.opener == key.id()).ok_or_else(|| wrong_key(key, rows))?;
        DataKey::unseal(key, row).ok_or_else(|| {
            refused(format!("the data key of this database is damaged: key {} does not open it", key.id()))
        })
    }

    /// What the key-encryption key of this node is called, if it has one.
    pub(crate) fn key_id(&self) -> Option<String> {
        self.key.as_ref().map(|key| key.id().to_owned())
    }

    fn key(&self) -> Result<&KeyEncryptionKey> {
        self.key.as_ref().ok_or_else(|| {
            refused(
                "this needs the key-encryption key; name it by secrets.key_file or HYTHE_SECRETS_KEY_FILE",
            )
        })
    }
}

impl DataKey {
    fn generate() -> Result<DataKey> {
        Ok(DataKey { id: uuid::Uuid::new_v4().simple().to_string(), bytes: random_key()? })
    }

    fn seal(&self, place: &str, plain: &[u8]) -> Result<String> {
        let sealed = seal_bytes(&self.bytes, place, plain)?;
        Ok(format!("{SEALED}{}:{}", self.id, URL_SAFE_NO_PAD.encode(sealed)))
    }

    fn open(&self, place: &str, sealed: &Sealed<'_>) -> Result<Vec<u8>> {
        let opened = URL_SAFE_NO_PAD.decode(sealed.bytes).ok();
        let opened = opened.and_then(|bytes| open_bytes(&self.bytes, place, &bytes));
        opened
            .filter(|_| self.id == sealed.key)
            .ok_or_else(|| damaged(place, "the data key does not open it"))
    }

    /// Itself, for whoever has this key-encryption key.
    fn seal_for(&self, key: &KeyEncryptionKey) -> Result<DataKeyRow> {
        Ok(DataKeyRow {
            opener: key.id().to_owned(),
            id: self.id.clone(),
            sealed: seal_bytes(key.bytes(), &self.id, &self.bytes)?,
            created_at: clock::now(),
        })
    }

    fn unseal(key: &KeyEncryptionKey, row: &DataKeyRow) -> Option<DataKey> {
        let bytes = open_bytes(key.bytes(), &row.id, &row.sealed)?.try_into().ok()?;
        Some(DataKey { id: row.id.clone(), bytes })
    }
}

/// A sealed value, taken apart.
struct Sealed<'a> {
    key: &'a str,
    bytes: &'a str,
}

impl Sealed<'_> {
    fn parse<'a>(place: &str, stored: &'a str) -> Result<Sealed<'a>> {
        let parts = stored.strip_prefix(SEALED).and_then(|rest| rest.split_once(':'));
        let (key, bytes) = parts.ok_or_else(|| damaged(place, "it is not sealed"))?;
        Ok(Sealed { key, bytes })
    }
}

impl Registry {
    /// Makes sure that this node can open the secrets of the database. The first node of all makes the data key, and seals
    /// what an older version left open.
    ///
    /// # Errors
    /// With what to do, where the key of this node is another one than that of the others.
    pub async fn unlock_secrets(&self) -> Result<()> {
        let secrets = self.secrets.clone();
        self.database
            .try_transaction(move |c| {
                let secrets = secrets.clone();
                Box::pin(async move {
                    data_key::lock(c).await?;
                    let rows = data_key::list(c).await?;
                    if rows.is_empty() { secrets.begin(c).await } else { secrets.open_row(&rows).map(drop) }
                })
            })
            .await
    }
}

/// Whether the secrets of a database have been sealed; a node without a key may make one only where they have not.
pub async fn are_sealed(database: &Database) -> Result<bool> {
    Ok(!data_key::list(&mut database.connect().await?).await?.is_empty())
}

fn wrong_key(key: &KeyEncryptionKey, rows: &[DataKeyRow]) -> Error {
    let openers: Vec<&str> = rows.iter().map(|row| row.opener.as_str()).collect();
    refused(format!(
        "this node's key-encryption key {} does not open the secrets in the database, which are sealed with key {}; give \
         this node the same secrets.key_file as the others",
        key.id(),
        openers.join(" and key "),
    ))
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(Kind::Internal, ErrorCode::Unknown, message)
}

fn damaged(place: &str, cause: &'static str) -> Error {
    Error::internal(format!("the secret of {place} cannot be read"), cause)
}
