//! What a checked ID token says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use serde_json::{Map, Value};

/// The claims of a token whose signature, issuer, audience and times were checked.
#[derive(Clone, Debug, PartialEq)]
pub struct IdClaims {
    /// `iss`.
    pub issuer: String,
    /// `sub`: whom it speaks of, unique within the issuer.
    pub subject: String,
    /// `exp`, seconds since the epoch.
    pub expires_at: i64,
    /// Every claim, those above too.
    pub all: Map<String, Value>,
}

impl IdClaims {
    pub(super) fn read(all: Map<String, Value>) -> Result<IdClaims, String> {
        let text = |name: &str| all.get(name).and_then(Value::as_str).map(str::to_owned);
        let subject = text("sub").filter(|subject| !subject.is_empty()).ok_or("its sub claim is empty")?;
        let issuer = text("iss").ok_or("its iss claim is no text")?;
        let expires_at = all.get("exp").and_then(Value::as_f64).ok_or("its exp claim is no number")? as i64;
        Ok(IdClaims { issuer, subject, expires_at, all })
    }

    /// A claim that is one text; for a path like `kubernetes.io/namespace` see [`IdClaims::find`].
    pub fn text(&self, name: &str) -> Option<&str> {
        self.find(name).and_then(Value::as_str)
    }

    /// A claim that is a list of texts, or one text, which makes a list of one.
    pub fn texts(&self, name: &str) -> Vec<String> {
        texts(self.find(name))
    }

    /// A claim by its name; where there is none of this name, dots lead into objects: `kubernetes.io` is one name,
    /// `realm_access.roles` is two.
    pub fn find(&self, name: &str) -> Option<&Value> {
        find(&self.all, name)
    }
}

/// [`IdClaims::find`] in any object of claims.
pub(crate) fn find<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    name.match_indices('.').find_map(|(dot, _)| {
        let inner = claims.get(&name[..dot])?.as_object()?;
        find(inner, &name[dot + 1..])
    })
}

/// [`IdClaims::texts`] of one value.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// The claims of a token that nobody has checked, to find out whose it says it is.
pub(crate) fn unchecked(token: &str) -> Option<Map<String, Value>> {
    part(token.split('.').nth(1)?)
}

/// Why a token's header cannot be read, in words for the person who has to mend it.
pub(super) fn unreadable(token: &str) -> String {
    let header = token.split('.').next().and_then(part);
    match header.as_ref().and_then(|header| header.get("alg")).and_then(Value::as_str) {
        Some(none) if none.eq_ignore_ascii_case("none") => "it is not signed".to_owned(),
        Some(_) => "it is signed in a way that is not taken here".to_owned(),
        None => "it is no JSON Web Token".to_owned(),
    }
}

fn part(encoded: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(encoded).ok()?).ok()
}

/// Why the library refused a token, in words for the person who has to mend it.
pub(super) fn reason(error: &jsonwebtoken::errors::Error) -> String {
    match error.kind() {
        ErrorKind::InvalidSignature => "its signature is wrong".to_owned(),
        ErrorKind::ExpiredSignature => "it has expired".to_owned(),
        ErrorKind::ImmatureSignature => "it is not valid yet; compare the clocks".to_owned(),
        ErrorKind::InvalidIssuer => "it names another issuer".to_owned(),
        ErrorKind::InvalidAudience => "it was made for another audience".to_owned(),
        ErrorKind::MissingRequiredClaim(claim) => format!("it lacks the claim {claim}"),
        _ => format!("it cannot be checked: {error}"),
    }
}
