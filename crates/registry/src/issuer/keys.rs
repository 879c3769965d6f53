//! An issuer's public keys (RFC 7517) and which of them a token's header means.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Header};
use serde::Deserialize;
use serde_json::Value;

use super::fetch::{Http, json};

/// More than any issuer publishes.
const KEYS_AT_MOST: usize = 200;

/// A set of keys, ready for use.
pub(super) struct Keys(Vec<(Jwk, DecodingKey)>);

#[derive(Deserialize)]
struct Published {
    keys: Vec<Value>,
}

impl Keys {
    pub(super) async fn fetch(http: &Http, url: &str) -> Result<Keys, String> {
        let published: Published = json(http.get(url)).await?;
        Ok(Keys::read(published.keys))
    }

    /// A set that somebody copied from the issuer.
    pub(super) fn parse(text: &str) -> Result<Keys, String> {
        let published: Published = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let keys = Keys::read(published.keys);
        if keys.0.is_empty() { Err("there is no key in it that can be used".to_owned()) } else { Ok(keys) }
    }

    /// Leaves out what it does not understand: a new kind of key must not take the others away.
    fn read(published: Vec<Value>) -> Keys {
        let usable = published.into_iter().take(KEYS_AT_MOST).filter_map(|value| {
            let jwk: Jwk = serde_json::from_value(value).ok()?;
            let key = DecodingKey::from_jwk(&jwk).ok()?;
            Some((jwk, key))
        });
        Keys(usable.collect())
    }

    /// The key of this id; where the header names none, the only key that fits its algorithm.
    pub(super) fn find(&self, header: &Header) -> Option<&DecodingKey> {
        let mut fitting = self.0.iter().filter(|(jwk, _)| fits(jwk, header.alg));
        if let Some(id) = &header.kid {
            return fitting.find(|(jwk, _)| jwk.common.key_id.as_ref() == Some(id)).map(|(_, key)| key);
        }
        let only = fitting.next()?;
        fitting.next().is_none().then_some(&only.1)
    }
}

/// Whether a public key is enough to check it. With a shared secret, whoever checks could sign too, and a public key
/// could be passed off as the secret (RFC 8725 section 2.1).
pub(super) fn is_asymmetric(algorithm: Algorithm) -> bool {
    !matches!(algorithm, Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512)
}

/// Whether a key of this kind makes signatures of this algorithm.
fn fits(jwk: &Jwk, algorithm: Algorithm) -> bool {
    let kind = match (&jwk.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256 | Algorithm::RS384 | Algorithm::RS512)
        | (AlgorithmParameters::RSA(_), Algorithm::PS256 | Algorithm::PS384 | Algorithm::PS512) => true,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES256) => key.curve == EllipticCurve::P256,
        (AlgorithmParameters::EllipticCurve(key), Algorithm::ES384) => key.curve == EllipticCurve::P384,
        (AlgorithmParameters::OctetKeyPair(key), Algorithm::EdDSA) => key.curve == EllipticCurve::Ed25519,
        _ => false,
    };
    let stated = jwk.common.key_algorithm.is_none_or(|stated| stated == algorithm.into());
    kind && stated && !matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption))
}
