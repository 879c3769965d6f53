//! Bringing another key-encryption key to all nodes: add it beside the old one, give it to the nodes, retire the old one.

use hythe_metadata::Connection;
use hythe_metadata::data_key;

use super::{DataKey, KeyEncryptionKey, Secrets};
use crate::Registry;
use crate::access::system_rights::signing_key as right;
use crate::access::{Everywhere, Permit};
use crate::audit::Entry;
use crate::clock::Micros;
use crate::error::Result;

/// A key-encryption key that opens the secrets of this database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opener {
    /// Its id.
    pub id: String,
    /// Since when it does.
    pub since: Micros,
    /// Whether it is the one that this node has.
    pub here: bool,
}

impl Secrets {
    /// The first data key, and everything sealed with it that was open before.
    pub(super) async fn begin(&self, c: &mut Connection) -> Result<()> {
        let key = self.key()?;
        let made = DataKey::generate()?;
        self.seal_all(c, None, &made).await?;
        data_key::put(c, &made.seal_for(key)?).await?;
        tracing::info!(key = key.id(), "sealed the secrets in the database");
        Ok(())
    }

    async fn add(&self, c: &mut Connection, key: &KeyEncryptionKey) -> Result<()> {
        data_key::lock(c).await?;
        let current = self.read(c).await?;
        Ok(data_key::put(c, &current.seal_for(key)?).await?)
    }

    async fn retire_others(&self, c: &mut Connection) -> Result<u64> {
        data_key::lock(c).await?;
        let current = self.read(c).await?;
        let next = DataKey::generate()?;
        self.seal_all(c, Some(&current), &next).await?;
        data_key::put(c, &next.seal_for(self.key()?)?).await?;
        Ok(data_key::delete_others(c, self.key()?.id()).await?)
    }
}

impl Registry {
    /// The key-encryption keys that open the secrets of this database.
    pub async fn list_openers(&self, _permit: &Permit<right::List, Everywhere>) -> Result<Vec<Opener>> {
        let rows = data_key::list(&mut self.database.connect().await?).await?;
        let own = self.secrets.key.as_ref().map(KeyEncryptionKey::id);
        let opener = |row: data_key::DataKeyRow| Opener {
            here: own == Some(row.opener.as_str()),
            id: row.opener,
            since: row.created_at,
        };
        Ok(rows.into_iter().map(opener).collect())
    }

    /// Lets another key-encryption key open the secrets too, beside the one that this node has.
    pub async fn add_opener(
        &self,
        permit: &Permit<right::Create, Everywhere>,
        key: &KeyEncryptionKey,
    ) -> Result<()> {
        let (secrets, key) = (self.secrets.clone(), key.clone());
        let entry = Entry::new(permit.caller(), "create", "secrets-key", key.id());
        self.database
            .try_transaction(move |c| {
                let (secrets, key, entry) = (secrets.clone(), key.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    secrets.add(c, &key).await
                })
            })
            .await
    }

    /// Takes every other key-encryption key's hold of the secrets away, and tells how many they were. Everything is sealed
    /// with a new data key: whoever has an old key and an old copy of the database opens nothing that is written from now on.
    pub async fn retire_openers(&self, permit: &Permit<right::Create, Everywhere>) -> Result<u64> {
        let secrets = self.secrets.clone();
        let entry = Entry::new(permit.caller(), "delete", "secrets-key", "others");
        self.database
            .try_transaction(move |c| {
                let (secrets, entry) = (secrets.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    secrets.retire_others(c).await
                })
            })
            .await
    }
}
