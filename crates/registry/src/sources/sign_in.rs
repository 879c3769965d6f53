//! Sign-in by name and password through the directories, in their order.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_metadata::UserId;
use hythe_metadata::user::{self, User};
use hythe_oci::error_code::ErrorCode;
use moka::sync::Cache;

use super::settings::SourceKind;
use super::{Ask, Directory};
use crate::Registry;
use crate::error::{Error, Kind, Result};

/// A password that a directory said was right is believed this long at most, so that Basic on every request of a pull
/// costs one bind.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);
const REMEMBERED_AT_MOST: u64 = 10_000;
/// A directory that could not be asked about somebody's groups is asked again after this.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(10);
/// More than anybody types, and a bound on what a stranger makes us send on.
const LONGEST_PASSWORD: usize = 1024;

/// What is remembered of sign-ins.
pub(crate) struct SignIns {
    right: Cache<[u8; 32], Remembered>,
    fresh: Cache<UserId, Instant>,
}

#[derive(Clone, Copy)]
struct Remembered {
    user: UserId,
    until: Instant,
}

impl Default for SignIns {
    fn default() -> Self {
        SignIns {
            right: Cache::builder().max_capacity(REMEMBERED_AT_MOST).time_to_live(REMEMBERED_FOR).build(),
            fresh: Cache::new(REMEMBERED_AT_MOST * 10),
        }
    }
}

impl Registry {
    /// Who this name and password are, by the first directory that says so; none if each says no.
    ///
    /// # Errors
    /// [`Kind::Unavailable`] if none said yes and one could not be asked: that is no wrong password and must not count
    /// as one. [`Kind::Conflict`] if the name is another user's here.
    pub(crate) async fn sign_in_through_sources(&self, name: &str, password: &str) -> Result<Option<User>> {
        let reading = self.live.get();
        if password.is_empty()
            || password.len() > LONGEST_PASSWORD
            || reading.sources.directories().next().is_none()
        {
            return Ok(None);
        }
        let fingerprint =
            self.passwords.fingerprint(password, Some(&format!("{:?} {name}", reading.version())));
        if let Some(user) = self.remembered(&fingerprint).await? {
            return Ok(Some(user));
        }
        let mut away = Vec::new();
        for (source, directory) in reading.sources.directories() {
            match directory.authenticate(name, password).await {
                Ok(Some(identity)) => {
                    let user = self.admit(SourceKind::Ldap, source, &identity).await?;
                    self.remember(fingerprint, user.id, directory);
                    return Ok(Some(user));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(source, %error, "a source of users is passed over");
                    away.push(error.to_string());
                }
            }
        }
        if away.is_empty() { Ok(None) } else { Err(cannot_be_asked(&away)) }
    }

    async fn remembered(&self, fingerprint: &[u8; 32]) -> Result<Option<User>> {
        let Some(remembered) = self.sourced.right.get(fingerprint) else { return Ok(None) };
        if remembered.until <= Instant::now() {
            return Ok(None);
        }
        let mut connection = self.database.connect().await?;
        let user = user::find(&mut connection, remembered.user).await?;
        Ok(user.filter(|user| !user.disabled))
    }

    fn remember(&self, fingerprint: [u8; 32], user: UserId, directory: &Directory) {
        let until = Instant::now() + REMEMBERED_FOR.min(directory.cache_time());
        self.sourced.right.insert(fingerprint, Remembered { user, until });
        self.sourced.fresh.insert(user, Instant::now() + directory.cache_time());
    }

    /// The user as their directory has them now, for whoever shows something else than a password: a session, a personal
    /// token, a refresh token. It is asked once in the source's cache time; a directory that is away changes nothing.
    ///
    /// # Errors
    /// [`Kind::Unauthenticated`] if the directory no longer knows them.
    pub(crate) async fn keep_fresh(&self, user: Arc<User>) -> Result<Arc<User>> {
        if user.source.is_empty()
            || self.sourced.fresh.get(&user.id).is_some_and(|until| until > Instant::now())
        {
            return Ok(user);
        }
        let reading = self.live.get();
        let Some(Ask::Ldap(directory)) = reading.sources.named(&user.source).map(|source| &source.ask) else {
            return Ok(user);
        };
        if !directory.can_look_up() {
            return Ok(user);
        }
        self.sourced.fresh.insert(user.id, Instant::now() + ASKED_AGAIN_AFTER);
        match directory.find_again(user.subject.as_deref().unwrap_or_default()).await {
            Ok(Some(identity)) => {
                let now = self.admit(SourceKind::Ldap, &user.source, &identity).await?;
                self.sourced.fresh.insert(user.id, Instant::now() + directory.cache_time());
                Ok(Arc::new(now))
            }
            Ok(None) => {
                self.dismiss(user.id).await?;
                Err(gone(&user))
            }
            Err(error) => {
                tracing::warn!(source = user.source, %error, "groups stay as they were");
                Ok(user)
            }
        }
    }
}

fn cannot_be_asked(away: &[String]) -> Error {
    Error::new(
        Kind::Unavailable,
        ErrorCode::Unavailable,
        "nobody here has this name and password, but a source of users cannot be asked now; try again shortly",
    )
    .with_cause(away.join("; "))
}

fn gone(user: &User) -> Error {
    let words = format!("source {} does not know user {} any more", user.source, user.name);
    Error::new(Kind::Unauthenticated, ErrorCode::Unauthorized, words)
}
