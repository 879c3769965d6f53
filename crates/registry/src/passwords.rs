//! Passwords: hashed with argon2id, compared in constant time, and never more than a few at once.

use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use aws_lc_rs::{hmac, rand};
use hythe_oci::error_code::ErrorCode;
use moka::sync::Cache;
use tokio::sync::Semaphore;

use crate::error::{Error, Kind, Result};

/// A hash is 19 MiB of work (OWASP's argon2id floor); this many may run at once.
const CONCURRENT_HASHES: usize = 2;

/// This many may wait for their turn, about half a minute's work; who comes then is told to come back. Every one that
/// waits holds a connection, and strangers can make any number of them.
const WAITING_AT_MOST: usize = 2_000;
const COME_BACK_AFTER: Duration = Duration::from_secs(10);

/// A password that was right stays known to be right this long, so that Basic on every request costs one hash
/// and a change of password takes effect within seconds.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);
const REMEMBERED_AT_MOST: u64 = 10_000;

/// The hasher, with what it remembers. What is remembered is keyed by a secret of this process.
pub(crate) struct Passwords {
    permits: Arc<Semaphore>,
    queue: Semaphore,
    recent: Cache<[u8; 32], ()>,
    key: hmac::Key,
}

impl Default for Passwords {
    fn default() -> Self {
        let mut secret = [0; 32];
        // A failing system generator leaves the key at zero; nothing is then remembered that was not verified.
        let _ = rand::fill(&mut secret);
        Passwords {
            permits: Arc::new(Semaphore::new(CONCURRENT_HASHES)),
            queue: Semaphore::new(WAITING_AT_MOST),
            recent: Cache::builder().max_capacity(REMEMBERED_AT_MOST).time_to_live(REMEMBERED_FOR).build(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &secret),
        }
    }
}

impl Passwords {
    /// The PHC string to store for a password.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.work(move || hash_blocking(&password)).await?
    }

    /// Whether `password` is the one behind `stored`. `None` costs the same time and says no, so that an
    /// unknown user cannot be told from a wrong password.
    pub(crate) async fn verify(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let fingerprint = self.fingerprint(password, stored);
        if self.recent.contains_key(&fingerprint) {
            return Ok(true);
        }
        let password = password.to_owned();
        let stored = stored.map(str::to_owned);
        let right = self.work(move || verify_blocking(&password, stored.as_deref())).await?;
        if right {
            self.recent.insert(fingerprint, ());
        }
        Ok(right)
    }

    /// Names the pair of password and stored hash; a new stored hash is a new pair.
    pub(crate) fn fingerprint(&self, password: &str, stored: Option<&str>) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(stored.unwrap_or_default().as_bytes());
        context.update(&[0]);
        context.update(password.as_bytes());
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(context.sign().as_ref());
        fingerprint
    }

    async fn work<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _place = self.queue.try_acquire().map_err(|_| too_many_sign_ins())?;
        let permit =
            self.permits.clone().acquire_owned().await.map_err(|e| Error::internal("shutting down", e))?;
        tokio::task::spawn_blocking(move || {
            let answer = job();
            drop(permit);
            answer
        })
        .await
        .map_err(|error| Error::internal("the password could not be checked", error))
    }
}

fn too_many_sign_ins() -> Error {
    let message = format!("{WAITING_AT_MOST} sign-ins are waiting for this node already; try again shortly");
    Error::new(Kind::TooMany, ErrorCode::TooManyRequests, message).with_retry_after(COME_BACK_AFTER)
}

/// Letters and digits but 0, O, I and l, which people mix up when they copy by eye.
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const SECRET_LENGTH: usize = 27;

/// A random secret of 158 bits in a form that no shell, URL, config file or flag parser breaks.
pub fn random_secret() -> Result<String> {
    let mut secret = String::with_capacity(SECRET_LENGTH);
    let mut bytes = [0; 64];
    while secret.len() < SECRET_LENGTH {
        rand::fill(&mut bytes)
            .map_err(|_| Error::internal("no random numbers", "the system's generator failed"))?;
        // Six bits a byte; those outside the alphabet are dropped, so that every letter is as likely as any other.
        let letters = bytes.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
        secret.extend(letters.map(|letter| char::from(*letter)).take(SECRET_LENGTH - secret.len()));
    }
    Ok(secret)
}

fn hash_blocking(password: &str) -> Result<String> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| Error::internal("the password could not be hashed", error.to_string()))?;
    Ok(hash.to_string())
}

fn verify_blocking(password: &str, stored: Option<&str>) -> bool {
    let Some(stored) = stored else {
        let _ = hash_blocking(password);
        return false;
    };
    PasswordHash::new(stored)
        .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_right_password_verifies_and_a_wrong_one_does_not() {
        let passwords = Passwords::default();
        let stored = passwords.hash("correct horse").await.unwrap();
        assert!(stored.starts_with("$argon2id$"));
        assert!(passwords.verify("correct horse", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("wrong horse", Some(&stored)).await.unwrap());
        assert!(!passwords.verify("correct horse", None).await.unwrap());
    }

    #[tokio::test]
    async fn who_finds_the_queue_full_is_told_when_to_come_back() {
        let passwords = Passwords::default();
        let _others = passwords.queue.try_acquire_many(WAITING_AT_MOST as u32).unwrap();
        let refused = passwords.verify("correct horse", None).await.unwrap_err();
        assert_eq!((refused.status(), refused.retry_after()), (429, Some(COME_BACK_AFTER)));
    }

    #[tokio::test]
    async fn what_is_remembered_belongs_to_one_stored_hash() {
        let passwords = Passwords::default();
        let old = passwords.hash("secret").await.unwrap();
        assert!(passwords.verify("secret", Some(&old)).await.unwrap());
        let new = passwords.hash("changed").await.unwrap();
        assert!(!passwords.verify("secret", Some(&new)).await.unwrap());
    }

    #[test]
    fn secrets_are_long_and_differ() {
        let (a, b) = (random_secret().unwrap(), random_secret().unwrap());
        assert_eq!(a.len(), 27);
        assert_ne!(a, b);
        assert!(a.bytes().all(|byte| ALPHABET.contains(&byte)));
    }
}
