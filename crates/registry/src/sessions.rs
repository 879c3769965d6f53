//! Sessions of browsers: an opaque cookie that any node can check, and the token that keeps other pages from using it.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{constant_time, digest, hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hythe_metadata::session::{self, NewSession, Session};
use hythe_metadata::user::{self, User};
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::access::{Caller, Origin, SelfPermit, Through};
use crate::audit::Entry;
use crate::clock;
use crate::configuration::items::SESSION_TIMEOUT;
use crate::error::{Error, Result};

const SECRET_BYTES: usize = 32;
/// A session's use is written down this often at most.
const TOUCHED_EVERY: Duration = Duration::from_secs(60);

/// What a browser gets when somebody has signed in.
pub struct BrowserSession {
    /// The cookie: 256 random bits, kept here as a hash.
    pub cookie: String,
    /// What requests that change something have to show beside the cookie.
    pub csrf_token: String,
}

impl Registry {
    /// Begins a session. A browser that had one gets another: a cookie that somebody else put there becomes no key.
    pub async fn begin_session(&self, user: &User, origin: &Origin) -> Result<BrowserSession> {
        let mut secret = [0; SECRET_BYTES];
        rand::fill(&mut secret).map_err(|_| Error::internal("no random numbers", "the generator failed"))?;
        let cookie = URL_SAFE_NO_PAD.encode(secret);
        let now = clock::now();
        let new = NewSession {
            hash: hash(&cookie),
            user_id: user.id,
            source: user.source.clone(),
            address: origin.address.clone(),
            user_agent: origin.user_agent.clone(),
            created_at: now,
            expires_at: now + self.session_lifetime(),
        };
        let caller = Caller::anonymous(Arc::new(origin.clone()));
        let entry = Entry::new(&caller, "login", "user", &user.name).by(&user.name, "user");
        self.database
            .transaction(move |c| {
                let (new, entry) = (new.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    session::create(c, &new).await
                })
            })
            .await?;
        Ok(BrowserSession { csrf_token: csrf_token(&cookie), cookie })
    }

    /// Whose session a cookie is; none if it has ended. Users of a directory are looked up there again now and then.
    pub async fn resume_session(&self, cookie: &str, origin: &Arc<Origin>) -> Result<Option<Caller>> {
        let now = clock::now();
        let mut connection = self.database.connect().await?;
        let Some(found) = session::find(&mut connection, &hash(cookie), now).await? else { return Ok(None) };
        let user = user::find(&mut connection, found.user_id).await?.filter(|user| !user.disabled);
        drop(connection);
        let Some(user) = user else { return Ok(None) };
        self.touch_session(&found, now).await?;
        let user = self.keep_fresh(Arc::new(user)).await?;
        Ok(Some(Caller::user(user, Through::Session(found.id), origin.clone())))
    }

    /// Ends the session of a cookie.
    pub async fn end_session(&self, cookie: &str, origin: &Arc<Origin>) -> Result<()> {
        let Some(caller) = self.resume_session(cookie, origin).await? else { return Ok(()) };
        let entry = Entry::new(&caller, "logout", "user", caller.name().unwrap_or_default());
        let hash = hash(cookie);
        self.database
            .transaction(move |c| {
                let (hash, entry) = (hash.clone(), entry.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    session::delete(c, &hash).await
                })
            })
            .await?;
        Ok(())
    }

    /// The caller's own sessions.
    pub async fn list_sessions(&self, permit: &SelfPermit) -> Result<Vec<Session>> {
        let mut c = self.database.connect().await?;
        Ok(session::list(&mut c, permit.user().id, clock::now()).await?)
    }

    /// Ends one of the caller's own sessions.
    pub async fn end_own_session(&self, permit: &SelfPermit, id: i64) -> Result<()> {
        let owner = permit.user().id;
        let ended =
            self.database.transaction(move |c| Box::pin(session::delete_of_user(c, owner, id))).await?;
        if ended {
            return Ok(());
        }
        Err(Error::unknown(ErrorCode::NameUnknown, format!("you have no session with the id {id}")))
    }

    /// Removes sessions that have ended.
    pub(crate) async fn forget_ended_sessions(&self) -> Result<()> {
        let now = clock::now();
        self.database.transaction(move |c| Box::pin(session::delete_expired(c, now))).await?;
        Ok(())
    }

    async fn touch_session(&self, session: &Session, now: clock::Micros) -> Result<()> {
        if now - session.seen_at < clock::micros(TOUCHED_EVERY) {
            return Ok(());
        }
        let (id, until) = (session.id, now + self.session_lifetime());
        self.database
            .transaction(move |c| Box::pin(async move { session::touch(c, id, now, until).await }))
            .await?;
        Ok(())
    }

    fn session_lifetime(&self) -> clock::Micros {
        self.configuration().number(&SESSION_TIMEOUT).saturating_mul(60 * 1_000_000)
    }
}

/// What a request that changes something has to show beside the cookie. Another page can make a browser send the cookie,
/// but cannot read it; every node can make the token again from the cookie alone.
pub fn csrf_token(cookie: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, cookie.as_bytes());
    URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"csrf"))
}

/// Whether a token belongs to a cookie.
pub fn is_csrf_token_of(token: &str, cookie: &str) -> bool {
    constant_time::verify_slices_are_equal(token.as_bytes(), csrf_token(cookie).as_bytes()).is_ok()
}

fn hash(cookie: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, cookie.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_cookie() {
        let token = csrf_token("one");
        assert!(is_csrf_token_of(&token, "one"));
        assert!(!is_csrf_token_of(&token, "two"));
        assert!(!is_csrf_token_of("", "one"));
        assert_ne!(token, "one");
    }
}
