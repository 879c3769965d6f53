//! What a trust rule says, and whether a token fits it.

use std::collections::BTreeMap;

use hythe_metadata::trust_rule::Terms;
use serde_json::Value;
use url::Url;

use crate::error::{Error, Result};
use crate::issuer::claims::texts;
use crate::issuer::{Http, IdClaims, Issuer, validate_keys};
use crate::robots::validate_word;

const LONGEST_ISSUER: usize = 512;
const LONGEST_AUDIENCE: usize = 512;
const MOST_CLAIMS: usize = 20;
const LONGEST_CLAIM: usize = 1024;
/// A set of keys, or a chain of certificates, has a few KiB.
const LARGEST_FILE: usize = 64 * 1024;

/// A rule to be made, or what one shall say from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTrustRule {
    /// What it is called.
    pub name: String,
    /// The `iss` claim: the address of whoever signs.
    pub issuer: String,
    /// What the `aud` claim has to hold.
    pub audience: String,
    /// What further claims have to be; a `*` stands for whatever.
    pub claims: BTreeMap<String, String>,
    /// PEM certificates to trust beside the system's.
    pub ca_certificate: Option<String>,
    /// The issuer's keys (a JWK set), for one that cannot be asked.
    pub keys: Option<String>,
}

impl WantedTrustRule {
    /// Whether the issuer's answers can be exchanged on the way.
    pub(super) fn trusts_the_network(&self) -> bool {
        self.issuer.starts_with("http:") && self.keys.is_none()
    }

    /// The rule as it is kept.
    ///
    /// # Errors
    /// [`crate::error::Kind::BadRequest`] where it would let in everybody, or nobody ever.
    pub(super) fn into_terms(self) -> Result<Terms> {
        validate_word(&self.name, "trust rule")?;
        let issuer = validate_issuer(&self.issuer)?;
        validate_audience(&self.audience)?;
        validate_claims(&self.claims)?;
        let (ca_certificate, keys) = (some(self.ca_certificate), some(self.keys));
        for file in [&ca_certificate, &keys].into_iter().flatten() {
            if file.len() > LARGEST_FILE {
                return Err(bad(format!("ca_certificate and keys have at most {LARGEST_FILE} bytes each")));
            }
        }
        Http::new(ca_certificate.as_deref(), true)?;
        keys.as_deref().map(validate_keys).transpose()?;
        let claims = serde_json::to_string(&self.claims)
            .map_err(|error| Error::internal("the claims cannot be written", error))?;
        Ok(Terms { name: self.name, issuer, audience: self.audience, claims, ca_certificate, keys })
    }
}

fn some(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

/// The issuer as it is kept: without a slash at the end.
fn validate_issuer(given: &str) -> Result<String> {
    let wrong = |why: &str| {
        Err(bad(format!("the issuer is an address such as https://login.example.com/realm: {why}")))
    };
    if given.len() > LONGEST_ISSUER {
        return wrong(&format!("it has at most {LONGEST_ISSUER} bytes"));
    }
    let Ok(url) = Url::parse(given) else { return wrong("this is none") };
    match url.scheme() {
        _ if url.query().is_some() || url.fragment().is_some() => wrong("it has no ? and no #"),
        _ if !url.username().is_empty() || url.password().is_some() => {
            wrong("it has no user and no password")
        }
        "https" | "http" => Ok(trimmed(given).to_owned()),
        _ => wrong("it begins with https"),
    }
}

/// An issuer's name without the slash at the end that makes no difference.
pub(super) fn trimmed(issuer: &str) -> &str {
    issuer.trim_end_matches('/')
}

/// One that others use too is no use: whoever gets a token for it could show it here.
fn validate_audience(audience: &str) -> Result<()> {
    if audience.is_empty() || audience.len() > LONGEST_AUDIENCE || audience.chars().any(char::is_control) {
        return Err(bad(format!(
            "a rule names an audience of 1 to {LONGEST_AUDIENCE} bytes, such as this registry's address, \
             and the job asks for tokens made for it"
        )));
    }
    Ok(())
}

/// A public platform signs tokens for everybody: a rule without claims would let in all of its users.
fn validate_claims(claims: &BTreeMap<String, String>) -> Result<()> {
    let says_something = |pattern: &String| pattern.chars().any(|sign| sign != '*');
    let tells_apart = |name: &String| !matches!(name.as_str(), "iss" | "aud" | "exp" | "iat" | "nbf" | "jti");
    if !claims.iter().any(|(name, pattern)| tells_apart(name) && says_something(pattern)) {
        return Err(bad(
            "a rule names at least one claim that tells whose token it is, such as sub or repository; without one \
             it would let in everybody whom the issuer knows"
                .to_owned(),
        ));
    }
    let too_long = |(name, pattern): (&String, &String)| {
        name.is_empty() || name.len() > LONGEST_CLAIM || pattern.is_empty() || pattern.len() > LONGEST_CLAIM
    };
    if claims.len() > MOST_CLAIMS || claims.iter().any(too_long) {
        return Err(bad(format!(
            "a rule has at most {MOST_CLAIMS} claims, their names and patterns 1 to {LONGEST_CLAIM} bytes"
        )));
    }
    Ok(())
}

/// Whom to ask for the keys of a rule.
pub(super) fn issuer(terms: &Terms) -> Issuer {
    Issuer {
        ca_certificate: terms.ca_certificate.clone(),
        keys: terms.keys.clone(),
        ..Issuer::new(&terms.issuer)
    }
}

/// What a rule's claims have to be.
pub fn patterns(terms: &Terms) -> Result<BTreeMap<String, String>> {
    serde_json::from_str(&terms.claims)
        .map_err(|error| Error::internal("the claims of a trust rule cannot be read", error))
}

/// Why a checked token does not fit a rule; none if it does.
pub(super) fn misfit(terms: &Terms, claims: &IdClaims) -> Result<Option<String>> {
    let audiences = claims.texts("aud");
    if !audiences.contains(&terms.audience) {
        return Ok(Some(format!("the audience is {}, not {}", audiences.join(", "), terms.audience)));
    }
    let misfit = patterns(terms)?.into_iter().find_map(|(name, pattern)| {
        let found = values(claims.find(&name));
        if found.iter().any(|value| fits(&pattern, value)) {
            return None;
        }
        let found = if found.is_empty() { "absent".to_owned() } else { found.join(", ") };
        Some(format!("the claim {name} is {found}, not {pattern}"))
    });
    Ok(misfit)
}

/// A claim's texts; numbers and truths as JSON writes them.
fn values(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::Number(_) | Value::Bool(_)) => value.iter().map(ToString::to_string).collect(),
        _ => texts(value),
    }
}

/// Whether a text is as a pattern has it, where `*` stands for any text, an empty one too.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((begin, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(begin) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(mut text) = text.strip_suffix(end) else { return false };
    for part in middle.split('*') {
        match text.find(part) {
            Some(at) => text = &text[at + part.len()..],
            None => return false,
        }
    }
    true
}

fn bad(message: String) -> Error {
    Error::bad_request(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, text) in [
            ("main", "main"),
            ("refs/heads/*", "refs/heads/a/b"),
            ("repo:team/*:ref:*", "repo:team/app:ref:refs/tags/v1"),
            ("*", ""),
            ("a*a", "aa"),
            ("*:prod", "repo:x:prod"),
            ("a**b", "a-b"),
        ] {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("main", "maintenance"),
            ("main", "Main"),
            ("repo:team/*", "repo:teammate/app"),
            ("a*a", "a"),
            ("*b*c", "cb"),
            ("a*b*b", "ab"),
            ("", "x"),
            ("a.c", "abc"),
        ] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn an_issuer_is_an_address_and_nothing_more() {
        assert_eq!(
            validate_issuer("https://login.example.com/realm/").unwrap(),
            "https://login.example.com/realm"
        );
        for bad in [
            "",
            "login.example.com",
            "ftp://a",
            "https://a/?b=",
            "https://a/#b",
            "https://u:p@a",
            "https://u@a",
        ] {
            assert!(validate_issuer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_rule_that_tells_nobody_apart_is_refused() {
        let claims = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect()
        };
        for bad in [
            &[][..],
            &[("sub", "*")],
            &[("iss", "https://a")],
            &[("sub", "**"), ("aud", "x")],
            &[("sub", "x"), ("ref", "")],
        ] {
            assert!(validate_claims(&claims(bad)).is_err(), "{bad:?}");
        }
        validate_claims(&claims(&[("sub", "system:serviceaccount:team:*")])).unwrap();
    }
}
