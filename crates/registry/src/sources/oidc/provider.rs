//! One OpenID provider: the address to sign in at, and what comes back from there.

use aws_lc_rs::{constant_time, digest, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hythe_oci::error_code::ErrorCode;
use regex::Regex;
use reqwest::RequestBuilder;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::settings::OidcSettings;
use crate::error::{Error, Kind, Result};
use crate::issuer::claims::{find, texts};
use crate::issuer::fetch::{answer, json, shown};
use crate::issuer::{Document, Known};
use crate::sources::identity::{Group, Identity};

/// A provider people can be sent to.
pub struct Provider {
    pub(super) name: String,
    pub(super) settings: OidcSettings,
    group_pattern: Option<Regex>,
}

/// What one sign-in must see again at its end (RFC 6749 section 10.12, RFC 7636, OpenID Connect Core 1.0 section 3.1.2.1).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) redirect_uri: String,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
    access_token: Option<String>,
}

impl Attempt {
    pub(super) fn new(redirect_uri: &str) -> Result<Attempt> {
        Ok(Attempt {
            state: random()?,
            nonce: random()?,
            verifier: random()?,
            redirect_uri: redirect_uri.to_owned(),
        })
    }

    /// Whether an answer belongs to this attempt.
    pub(super) fn is_of(&self, state: &str) -> bool {
        constant_time::verify_slices_are_equal(self.state.as_bytes(), state.as_bytes()).is_ok()
    }
}

impl Provider {
    /// Takes settings in; nothing is asked yet.
    ///
    /// # Errors
    /// [`Kind::BadRequest`] for settings that could never work.
    pub fn new(name: &str, settings: OidcSettings) -> Result<Provider> {
        settings.validate()?;
        let group_pattern = settings.group_pattern()?;
        Ok(Provider { name: name.to_owned(), settings, group_pattern })
    }

    /// The provider's sign-in page for this attempt.
    pub(super) async fn sign_in_url(&self, issuer: &Known, attempt: &Attempt) -> Result<String> {
        let document = issuer.document().await?;
        let page =
            document.authorization_endpoint.as_deref().ok_or_else(|| self.lacks("authorization_endpoint"))?;
        let mut url = Url::parse(page).map_err(|_| self.lacks("authorization_endpoint"))?;
        let challenge = digest::digest(&digest::SHA256, attempt.verifier.as_bytes());
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &attempt.redirect_uri)
            .append_pair("scope", &self.settings.scopes())
            .append_pair("state", &attempt.state)
            .append_pair("nonce", &attempt.nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(&self.settings.extra_redirect_parameters);
        Ok(url.into())
    }

    /// Turns the code into who signed in.
    pub(super) async fn redeem(&self, issuer: &Known, attempt: &Attempt, code: &str) -> Result<Identity> {
        let document = issuer.document().await?;
        let tokens = self.exchange(issuer, &document, attempt, code).await?;
        let id_token =
            tokens.id_token.ok_or_else(|| self.refuses("it gave no ID token; is openid among the scopes"))?;
        let checked = issuer.verify(&self.settings.client_id, &id_token).await?;
        self.check_own_claims(attempt, &checked.all)?;
        let mut claims = checked.all;
        if let (Some(url), Some(token)) = (&document.userinfo_endpoint, &tokens.access_token)
            && self.lacks_something(&claims)
        {
            let more: Map<String, Value> = json(issuer.http.get(url).bearer_auth(token))
                .await
                .map_err(|reason| self.unavailable("its userinfo endpoint", &reason))?;
            self.add_userinfo(&mut claims, more)?;
        }
        Ok(self.identity(checked.subject, &claims))
    }

    async fn exchange(
        &self,
        issuer: &Known,
        document: &Document,
        attempt: &Attempt,
        code: &str,
    ) -> Result<Tokens> {
        let url = document.token_endpoint.as_deref().ok_or_else(|| self.lacks("token_endpoint"))?;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &attempt.redirect_uri),
            ("code_verifier", &attempt.verifier),
            ("client_id", &self.settings.client_id),
        ];
        let secret = self.settings.client_secret.reveal();
        let mut request: RequestBuilder = issuer.http.post(url);
        if document.wants_secret_in_form() && !secret.is_empty() {
            form.push(("client_secret", secret));
        } else if !secret.is_empty() {
            request = request.basic_auth(encoded(&self.settings.client_id), Some(encoded(secret)));
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let (status, body) =
            answer(request).await.map_err(|reason| self.unavailable("its token endpoint", &reason))?;
        if status != 200 {
            return Err(self.refuses(&format!("its token endpoint answers {status}: {}", shown(&body))));
        }
        serde_json::from_slice(&body)
            .map_err(|_| self.refuses("its token endpoint does not answer with tokens"))
    }

    /// What only the party that began the sign-in can check (OpenID Connect Core 1.0 section 3.1.3.7, steps 4, 5, 11).
    fn check_own_claims(&self, attempt: &Attempt, claims: &Map<String, Value>) -> Result<()> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        if text("nonce") != Some(&attempt.nonce) {
            return Err(self.refuses("its token belongs to another sign-in (nonce)"));
        }
        match text("azp") {
            Some(party) if party != self.settings.client_id => {
                Err(self.refuses("its token was made for another client (azp)"))
            }
            _ => Ok(()),
        }
    }

    /// Whether the userinfo endpoint may know more than the token.
    fn lacks_something(&self, claims: &Map<String, Value>) -> bool {
        let groups = &self.settings.groups_claim;
        self.user_name(claims).is_none()
            || find(claims, "email").is_none()
            || (!groups.is_empty() && find(claims, groups).is_none())
    }

    /// Adds what the token does not say; the token, which is signed, wins. Section 5.3.2: it must be about the same person.
    fn add_userinfo(&self, claims: &mut Map<String, Value>, more: Map<String, Value>) -> Result<()> {
        if more.get("sub") != claims.get("sub") {
            return Err(self.refuses("its userinfo endpoint speaks of somebody else (sub)"));
        }
        for (name, value) in more {
            claims.entry(name).or_insert(value);
        }
        Ok(())
    }

    fn user_name(&self, claims: &Map<String, Value>) -> Option<String> {
        let text = |name: &str| find(claims, name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let found = match self.settings.user_claim.as_str() {
            "" => text("preferred_username").or_else(|| text("email")),
            claim => text(claim),
        };
        found.map(|name| name.trim().replace(' ', "_"))
    }

    fn identity(&self, subject: String, claims: &Map<String, Value>) -> Identity {
        let text = |name: &str| find(claims, name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let groups = self.groups(claims);
        let administrators = &self.settings.administrator_group;
        Identity {
            name: self.user_name(claims).unwrap_or_default(),
            email: text("email"),
            full_name: text("name"),
            administrator: !administrators.is_empty() && groups.contains(administrators),
            groups: self.wanted(groups),
            subject,
        }
    }

    /// As the provider calls them.
    fn groups(&self, claims: &Map<String, Value>) -> Vec<String> {
        match self.settings.groups_claim.as_str() {
            "" => Vec::new(),
            claim => texts(find(claims, claim)),
        }
    }

    /// Those the filter lets through, as they are called here.
    fn wanted(&self, groups: Vec<String>) -> Vec<Group> {
        let at_most = self.settings.groups_at_most as usize;
        let passes = |name: &String| self.group_pattern.as_ref().is_none_or(|pattern| pattern.is_match(name));
        let mut wanted: Vec<String> =
            groups.into_iter().filter(|name| !name.is_empty()).filter(passes).collect();
        wanted.sort();
        wanted.dedup();
        if wanted.len() > at_most {
            tracing::warn!(
                source = self.name,
                groups = wanted.len(),
                at_most,
                "somebody is in more groups than groups_at_most; further ones are left out"
            );
            wanted.truncate(at_most);
        }
        let prefix = &self.settings.group_prefix;
        wanted.into_iter().map(|name| Group { name: format!("{prefix}{name}"), dn: String::new() }).collect()
    }

    pub(super) fn refuses(&self, reason: &str) -> Error {
        let words = format!("nobody was signed in through provider {}: {reason}", self.name);
        Error::new(Kind::Unauthenticated, ErrorCode::Unauthorized, words)
    }

    fn unavailable(&self, what: &str, reason: &str) -> Error {
        let words = format!("provider {} cannot be asked at {what}: {reason}", self.name);
        Error::new(Kind::Unavailable, ErrorCode::Unavailable, words)
    }

    fn lacks(&self, what: &str) -> Error {
        self.unavailable("its discovery document", &format!("it names no usable {what}"))
    }
}

/// 256 random bits, in the letters that RFC 7636 section 4.1 allows.
fn random() -> Result<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes)
        .map_err(|_| Error::internal("no random numbers", "the system's generator failed"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// RFC 6749 section 2.3.1: name and secret are form-encoded before they go into the header.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
