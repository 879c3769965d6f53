//! Tokens that others sign: an issuer's discovery document, its keys, and the check of an ID token.
//!
//! OpenID Connect Core 1.0 section 3.1.3.7, Discovery 1.0 section 4, RFC 7517, RFC 8725. People who sign in through
//! a provider and robots that show a token of their platform pass the same check. It stands on the library that
//! signs our own tokens: an OpenID library would bring a second cryptography library with it.

pub(crate) mod claims;
mod document;
pub(crate) mod fetch;
mod kept;
mod keys;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hythe_oci::error_code::ErrorCode;
use jsonwebtoken::{Validation, decode, decode_header};
use serde_json::{Map, Value};

use crate::Registry;
use crate::clock;
use crate::error::{Error, Kind, Result};

pub use claims::IdClaims;
pub(crate) use document::Document;
pub(crate) use fetch::Http;
use kept::Kept;
use keys::Keys;

/// How far the clocks of two machines may be apart.
const LEEWAY_SECONDS: i64 = 60;
/// A token of a provider has a few KiB; one with many groups some more.
const LONGEST_TOKEN: usize = 64 * 1024;
/// Documents and keys are asked for again after this; until then a provider may be away.
const KEPT_FOR: Duration = Duration::from_secs(60 * 60);
/// A failure, and a set of keys that lacks a key, are believed this long: a stranger's made-up key ids cost the
/// issuer one request in this time.
const ASKED_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// Issuers kept at once.
const ISSUERS_AT_MOST: u64 = 1_000;

/// Whose tokens to take.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Issuer {
    /// The `iss` claim, and where discovery begins: `https://login.example.com/realm`. A slash at the end makes no
    /// difference here.
    pub url: String,
    /// PEM certificates to trust beside the system's.
    pub ca_certificate: Option<String>,
    /// Whether certificates are checked at all.
    pub verify_certificate: bool,
    /// Its keys (a JWK set), for an issuer that cannot be asked; none asks it.
    pub keys: Option<String>,
}

impl Issuer {
    /// An issuer whose certificate the system trusts.
    pub fn new(url: impl Into<String>) -> Issuer {
        Issuer { url: url.into(), ca_certificate: None, verify_certificate: true, keys: None }
    }
}

/// What is known of the issuers met so far.
pub(crate) struct Issuers {
    known: moka::sync::Cache<Issuer, Arc<Known>>,
}

impl Default for Issuers {
    fn default() -> Self {
        Issuers { known: moka::sync::Cache::new(ISSUERS_AT_MOST) }
    }
}

/// One issuer.
pub(crate) struct Known {
    issuer: Issuer,
    pub(crate) http: Http,
    document: Kept<Document>,
    keys: Kept<Keys>,
    given_keys: Option<Arc<Keys>>,
}

impl Registry {
    /// Checks a token of `issuer` made for `audience` (OpenID Connect Core 1.0 section 3.1.3.7): signature, `iss`,
    /// `aud`, `exp`, `nbf`, `iat`. Claims beyond these are the caller's to judge. The issuer's address is never
    /// taken from the token.
    ///
    /// # Errors
    /// [`Kind::Unauthenticated`] if the token does not hold, [`Kind::Unavailable`] if the issuer's keys cannot be
    /// had, [`Kind::Invalid`] if the issuer's settings cannot be used.
    pub async fn verify_id_token(&self, issuer: &Issuer, audience: &str, token: &str) -> Result<IdClaims> {
        self.issuers.get(issuer)?.verify(audience, token).await
    }
}

impl Issuers {
    /// The issuer with what is known of it; nothing is asked yet.
    pub(crate) fn get(&self, issuer: &Issuer) -> Result<Arc<Known>> {
        if let Some(known) = self.known.get(issuer) {
            return Ok(known);
        }
        let known = Arc::new(Known {
            issuer: issuer.clone(),
            http: Http::new(issuer.ca_certificate.as_deref(), issuer.verify_certificate)?,
            document: Kept::default(),
            keys: Kept::default(),
            given_keys: issuer.keys.as_deref().map(given_keys).transpose()?,
        });
        self.known.insert(issuer.clone(), known.clone());
        Ok(known)
    }
}

impl Known {
    /// Where the issuer's endpoints are.
    pub(crate) async fn document(&self) -> Result<Arc<Document>> {
        let found = self.document.get(KEPT_FOR, || Document::fetch(&self.http, &self.issuer.url)).await;
        found.map_err(|reason| self.unavailable("its discovery document", &reason))
    }

    async fn keys(&self, no_older_than: Duration) -> Result<Arc<Keys>> {
        if let Some(given) = &self.given_keys {
            return Ok(given.clone());
        }
        let document = self.document().await?;
        let found = self.keys.get(no_older_than, || Keys::fetch(&self.http, &document.jwks_uri)).await;
        found.map_err(|reason| self.unavailable("its keys", &reason))
    }

    /// The `iss` claim to the letter.
    async fn own_name(&self) -> Result<Vec<String>> {
        match self.given_keys {
            Some(_) => Ok(vec![self.issuer.url.clone(), format!("{}/", self.issuer.url)]),
            None => Ok(vec![self.document().await?.issuer.clone()]),
        }
    }

    pub(crate) async fn verify(&self, audience: &str, token: &str) -> Result<IdClaims> {
        self.check(Some(audience), token).await
    }

    /// As [`Known::verify`], for whoever judges the audience too.
    pub(crate) async fn verify_for_any_audience(&self, token: &str) -> Result<IdClaims> {
        self.check(None, token).await
    }

    async fn check(&self, audience: Option<&str>, token: &str) -> Result<IdClaims> {
        if token.len() > LONGEST_TOKEN {
            return Err(self.refused(&format!("it is longer than {LONGEST_TOKEN} bytes")));
        }
        let header = decode_header(token).map_err(|_| self.refused(&claims::unreadable(token)))?;
        if !keys::is_asymmetric(header.alg) {
            return Err(self.refused("it is signed with a shared secret"));
        }
        let mut keys = self.keys(KEPT_FOR).await?;
        if keys.find(&header).is_none() {
            keys = self.keys(ASKED_AGAIN_AFTER).await?;
        }
        let key = keys.find(&header).ok_or_else(|| self.refused("the issuer has no such key"))?;
        let rules = validation(header.alg, audience, &self.own_name().await?);
        let decoded = decode::<Map<String, Value>>(token, key, &rules);
        let claims = decoded.map_err(|error| self.refused(&claims::reason(&error)))?.claims;
        self.made_in_the_past(&claims)?;
        IdClaims::read(claims).map_err(|reason| self.refused(&reason))
    }

    fn made_in_the_past(&self, claims: &Map<String, Value>) -> Result<()> {
        let latest = clock::seconds(clock::now()) + LEEWAY_SECONDS;
        match claims.get("iat").and_then(Value::as_f64) {
            Some(made) if made > latest as f64 => {
                Err(self.refused("it was made in the future; compare the clocks"))
            }
            _ => Ok(()),
        }
    }

    fn refused(&self, reason: &str) -> Error {
        Error::new(
            Kind::Unauthenticated,
            ErrorCode::Unauthorized,
            format!("a token of {} is refused: {reason}", self.issuer.url),
        )
    }

    fn unavailable(&self, what: &str, reason: &str) -> Error {
        Error::new(
            Kind::Unavailable,
            ErrorCode::Unavailable,
            format!("{} cannot be asked for {what}: {reason}", self.issuer.url),
        )
    }
}

fn validation(algorithm: jsonwebtoken::Algorithm, audience: Option<&str>, own_name: &[String]) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.leeway = LEEWAY_SECONDS.unsigned_abs();
    rules.validate_nbf = true;
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    rules.set_issuer(own_name);
    match audience {
        Some(audience) => rules.set_audience(&[audience]),
        None => rules.validate_aud = false,
    }
    rules
}

/// Whether keys that somebody copied can be used.
pub(crate) fn validate_keys(text: &str) -> Result<()> {
    given_keys(text).map(|_| ())
}

fn given_keys(text: &str) -> Result<Arc<Keys>> {
    let unreadable =
        |why| Error::bad_request(format!("the issuer's keys cannot be read as a JWK set: {why}"));
    Keys::parse(text).map(Arc::new).map_err(unreadable)
}
