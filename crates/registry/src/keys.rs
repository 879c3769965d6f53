//! The ES256 keys that sign tokens: rows, the same on every node, rotated with overlap.
//!
//! A key is published before it signs and stays good for checking after it has stopped, so that no node ever
//! meets a token whose key it cannot know: `created_at <= sign_from < sign_until <= expires_at`.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hythe_metadata::Connection;
use hythe_metadata::signing_key::{self, SigningKey};
use jsonwebtoken::{DecodingKey, EncodingKey};
use serde_json::{Value, json};

use crate::Registry;
use crate::access::{Everywhere, Permit, system_rights};
use crate::audit::Entry;
use crate::clock::{self, Micros};
use crate::error::{Error, Result};
use crate::secrets::{Secrets, places};

/// How long a new key is published before it signs: several times what a node takes to read it.
const PUBLISHED_BEFORE_SIGNING: Duration = Duration::from_secs(120);

/// How long a key is kept for checking after its last signature: more than the longest token life.
const KEPT_AFTER_SIGNING: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// A node reads the rows again at the latest after this, and at most this often for a key id it does not know.
const REREAD_AFTER: Duration = Duration::from_secs(30);
const REREAD_FOR_UNKNOWN_AFTER: Duration = Duration::from_secs(1);

/// The keys in memory, ready for use.
#[derive(Default)]
pub(crate) struct KeyRing {
    keys: RwLock<Arc<Keys>>,
}

/// One reading of the rows.
#[derive(Default)]
pub(crate) struct Keys {
    read_at: Micros,
    keys: Vec<Key>,
}

/// A key as it is used.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) signing: EncodingKey,
    pub(crate) checking: DecodingKey,
    public: Vec<u8>,
    sign_from: Micros,
    sign_until: Micros,
}

impl Keys {
    /// The key to sign with now: the youngest that has begun.
    fn signer(&self, now: Micros) -> Option<&Key> {
        self.keys.iter().filter(|key| key.sign_from <= now).max_by_key(|key| key.sign_from)
    }

    fn find(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

impl KeyRing {
    fn current(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    fn replace(&self, keys: Keys) -> Arc<Keys> {
        let keys = Arc::new(keys);
        *self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner) = keys.clone();
        keys
    }
}

impl Registry {
    /// Signs with the current key: `sign` gets it and makes the token.
    pub(crate) async fn with_signing_key<T>(&self, sign: impl FnOnce(&Key) -> Result<T>) -> Result<T> {
        let now = clock::now();
        let mut keys = self.keys.current();
        if now - keys.read_at > clock::micros(REREAD_AFTER) {
            keys = self.read_keys(now).await?;
        }
        match keys.signer(now) {
            Some(key) => sign(key),
            None => Err(Error::internal(
                "this node has no key to sign tokens with",
                "the table signing_key holds no key that has begun to sign; is the clock of this node behind?",
            )),
        }
    }

    /// Checks with the key of this id, read anew if it is not known yet.
    pub(crate) async fn with_checking_key<T>(
        &self,
        id: &str,
        check: impl FnOnce(&Key) -> T,
    ) -> Result<Option<T>> {
        let now = clock::now();
        let mut keys = self.keys.current();
        if keys.find(id).is_none() && now - keys.read_at > clock::micros(REREAD_FOR_UNKNOWN_AFTER) {
            keys = self.read_keys(now).await?;
        }
        Ok(keys.find(id).map(check))
    }

    async fn read_keys(&self, now: Micros) -> Result<Arc<Keys>> {
        let mut connection = self.database.connect().await?;
        let mut keys = Vec::new();
        for mut row in signing_key::list_live(&mut connection, now).await? {
            let place = places::of_signing_key(&row.id);
            row.private_der = self.secrets.open_bytes(&mut connection, &place, &row.private_der).await?;
            keys.push(Key::try_from(row)?);
        }
        Ok(self.keys.replace(Keys { read_at: now, keys }))
    }

    /// Makes sure that there is a key to sign with and that the next one is published in time. Run at start and
    /// from time to time on any node.
    pub async fn rotate_keys_if_due(&self) -> Result<()> {
        let now = clock::now();
        let keys = self.read_keys(now).await?;
        if next_key_begins(keys.keys.iter().map(|key| key.sign_until).max(), now).is_some() {
            self.add_key_if_due(now).await?;
            self.read_keys(now).await?;
        }
        self.database
            .transaction(move |c| Box::pin(async move { signing_key::delete_expired(c, now).await }))
            .await?;
        Ok(())
    }

    /// Looks again under a lock, so that nodes which find it due together make one key and not one each.
    async fn add_key_if_due(&self, now: Micros) -> Result<()> {
        let lifetime = self.options.key_lifetime;
        let secrets = self.secrets.clone();
        self.database
            .try_transaction(move |c| {
                let secrets = secrets.clone();
                Box::pin(async move {
                    signing_key::lock(c).await?;
                    let live = signing_key::list_live(c, now).await?;
                    let Some(sign_from) = next_key_begins(live.iter().map(|key| key.sign_until).max(), now)
                    else {
                        return Ok(());
                    };
                    let key = generate(now, sign_from, lifetime)?;
                    insert_sealed(&secrets, c, &key).await?;
                    tracing::info!(key = %key.id, "added a signing key");
                    Ok::<(), Error>(())
                })
            })
            .await
    }

    /// Publishes a new key now; it takes over signing when every node has had time to read it. Returns its id.
    pub async fn rotate_keys(
        &self,
        permit: &Permit<system_rights::signing_key::Create, Everywhere>,
    ) -> Result<String> {
        let now = clock::now();
        let key = generate(now, now + clock::micros(PUBLISHED_BEFORE_SIGNING), self.options.key_lifetime)?;
        let id = key.id.clone();
        let entry = Entry::new(permit.caller(), "create", "signing-key", &id);
        let secrets = self.secrets.clone();
        self.database
            .try_transaction(move |c| {
                let (key, entry, secrets) = (key.clone(), entry.clone(), secrets.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    insert_sealed(&secrets, c, &key).await
                })
            })
            .await?;
        Ok(id)
    }

    /// The keys as rows, youngest last, for the administrator; the private halves stay here.
    pub async fn list_keys(
        &self,
        _permit: &Permit<system_rights::signing_key::List, Everywhere>,
    ) -> Result<Vec<PublicKey>> {
        let keys = self.read_keys(clock::now()).await?;
        Ok(keys
            .keys
            .iter()
            .map(|key| PublicKey { id: key.id.clone(), sign_from: key.sign_from, sign_until: key.sign_until })
            .collect())
    }

    /// The public halves as a JSON Web Key Set (RFC 7517), for whoever checks tokens elsewhere.
    pub async fn key_set(&self) -> Result<Value> {
        let keys = self.read_keys(clock::now()).await?;
        Ok(json!({ "keys": keys.keys.iter().map(Key::to_jwk).collect::<Vec<_>>() }))
    }
}

async fn insert_sealed(secrets: &Secrets, c: &mut Connection, key: &SigningKey) -> Result<()> {
    let place = places::of_signing_key(&key.id);
    let private_der = secrets.seal(c, &place, &key.private_der).await?.into_bytes();
    Ok(signing_key::insert(c, &SigningKey { private_der, ..key.clone() }).await?)
}

/// When the next key should begin to sign, if it should be made now: at once where there is none, else when the
/// last one is about to stop.
fn next_key_begins(last_until: Option<Micros>, now: Micros) -> Option<Micros> {
    let published = clock::micros(PUBLISHED_BEFORE_SIGNING);
    match last_until {
        None => Some(now),
        Some(until) if until - now < 2 * published => Some(now + published),
        Some(_) => None,
    }
}

/// A key as an administrator sees it.
#[derive(Clone, Debug)]
pub struct PublicKey {
    /// RFC 7638 thumbprint of the public half.
    pub id: String,
    /// When it begins to sign.
    pub sign_from: Micros,
    /// When it stops.
    pub sign_until: Micros,
}

fn generate(now: Micros, sign_from: Micros, lifetime: Duration) -> Result<SigningKey> {
    let no_key =
        |error: aws_lc_rs::error::Unspecified| Error::internal("no signing key could be made", error);
    let private = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(no_key)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private.as_ref())
        .map_err(|error| Error::internal("no signing key could be made", error))?;
    let public = pair.public_key().as_ref().to_vec();
    let sign_until = sign_from.saturating_add(clock::micros(lifetime));
    Ok(SigningKey {
        id: thumbprint(&public),
        private_der: private.as_ref().to_vec(),
        public_der: public,
        created_at: now,
        sign_from,
        sign_until,
        expires_at: sign_until.saturating_add(clock::micros(KEPT_AFTER_SIGNING)),
    })
}

impl TryFrom<SigningKey> for Key {
    type Error = Error;

    fn try_from(row: SigningKey) -> Result<Key> {
        let (x, y) = coordinates(&row.public_der);
        let checking = DecodingKey::from_ec_components(&x, &y)
            .map_err(|error| Error::internal(format!("signing key {} is damaged", row.id), error))?;
        Ok(Key {
            id: row.id,
            signing: EncodingKey::from_ec_der(&row.private_der),
            checking,
            public: row.public_der,
            sign_from: row.sign_from,
            sign_until: row.sign_until,
        })
    }
}

impl Key {
    fn to_jwk(&self) -> Value {
        let (x, y) = coordinates(&self.public);
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": x, "y": y })
    }
}

/// The two halves of an uncompressed point (`04 || x || y`, SEC 1 section 2.3.3) as JWK writes them.
fn coordinates(public: &[u8]) -> (String, String) {
    let point = public.get(1..).unwrap_or_default();
    let (x, y) = point.split_at(point.len() / 2);
    (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y))
}

/// RFC 7638: SHA-256 over the required members in lexical order, without spaces.
fn thumbprint(public: &[u8]) -> String {
    let (x, y) = coordinates(public);
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_signs_and_checks() {
        let row = generate(0, 0, Duration::from_secs(60)).unwrap();
        let key = Key::try_from(row).unwrap();
        let header = jsonwebtoken::Header::new(jsonwebtoken::Algorithm::ES256);
        let token =
            jsonwebtoken::encode(&header, &json!({ "exp": 4_000_000_000_u64 }), &key.signing).unwrap();
        let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        validation.validate_aud = false;
        jsonwebtoken::decode::<Value>(&token, &key.checking, &validation).unwrap();
    }

    #[test]
    fn the_key_id_is_the_thumbprint_of_its_jwk() {
        let key = Key::try_from(generate(0, 0, Duration::from_secs(60)).unwrap()).unwrap();
        let jwk: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.to_jwk()).unwrap();
        let thumbprint = jwk.thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
        assert_eq!(key.id, thumbprint);
    }

    #[test]
    fn the_youngest_key_that_has_begun_signs() {
        let key = |from: Micros| Key {
            sign_from: from,
            ..Key::try_from(generate(0, from, Duration::from_secs(1)).unwrap()).unwrap()
        };
        let keys = Keys { read_at: 0, keys: vec![key(10), key(30), key(20)] };
        assert_eq!(keys.signer(25).unwrap().sign_from, 20);
        assert_eq!(keys.signer(1000).unwrap().sign_from, 30);
        assert!(keys.signer(5).is_none());
    }
}
