//! Tokens of an issuer that the test itself is: a small HTTP server with a document and keys.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::claims::find;
use super::{Issuer, Issuers};
use crate::clock;
use crate::error::{Error, Kind};

const AUDIENCE: &str = "hythe";

/// An issuer on a port of its own; its keys can be exchanged while it runs.
struct Provider {
    url: String,
    key: EncodingKey,
    published: Arc<Mutex<Value>>,
    asked_for_keys: Arc<AtomicUsize>,
}

impl Provider {
    async fn start() -> Provider {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = new_key();
        let published = Arc::new(Mutex::new(json!([public(&key, "one")])));
        let asked_for_keys = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, url.clone(), published.clone(), asked_for_keys.clone()));
        Provider { url, key, published, asked_for_keys }
    }

    fn claims(&self) -> Value {
        let now = clock::seconds(clock::now());
        json!({ "iss": self.url, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 300 })
    }

    fn sign(&self, id: Option<&str>, claims: &Value) -> String {
        let header = Header { kid: id.map(str::to_owned), ..Header::new(Algorithm::ES256) };
        encode(&header, claims, &self.key).unwrap()
    }

    async fn refuses(&self, issuers: &Issuers, token: &str) -> Error {
        let known = issuers.get(&Issuer::new(&self.url)).unwrap();
        known.verify(AUDIENCE, token).await.unwrap_err()
    }
}

fn new_key() -> EncodingKey {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EncodingKey::from_ec_der(pair.as_ref())
}

fn public(key: &EncodingKey, id: &str) -> Value {
    let mut jwk = Jwk::from_encoding_key(key, Algorithm::ES256).unwrap();
    jwk.common.key_id = Some(id.to_owned());
    serde_json::to_value(jwk).unwrap()
}

async fn serve(
    listener: TcpListener,
    url: String,
    published: Arc<Mutex<Value>>,
    asked_for_keys: Arc<AtomicUsize>,
) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap_or(0);
        let body = if request[..length].starts_with(b"GET /keys ") {
            asked_for_keys.fetch_add(1, Ordering::SeqCst);
            json!({ "keys": published.lock().unwrap().clone() })
        } else {
            json!({ "issuer": url, "jwks_uri": format!("{url}/keys") })
        };
        let body = body.to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

#[tokio::test]
async fn a_token_of_the_issuer_for_us_is_taken() {
    let (provider, issuers) = (Provider::start().await, Issuers::default());
    let known = issuers.get(&Issuer::new(format!("{}/", provider.url))).unwrap();
    let claims = known.verify(AUDIENCE, &provider.sign(Some("one"), &provider.claims())).await.unwrap();
    assert_eq!((claims.subject.as_str(), claims.issuer.as_str()), ("alice", provider.url.as_str()));
    known.verify(AUDIENCE, &provider.sign(None, &provider.claims())).await.unwrap();
    assert_eq!(provider.asked_for_keys.load(Ordering::SeqCst), 1, "keys are kept");
}

#[tokio::test]
async fn every_claim_that_does_not_fit_is_refused_and_named() {
    let (provider, issuers) = (Provider::start().await, Issuers::default());
    let now = clock::seconds(clock::now());
    let cases = [
        ("iss", json!("http://elsewhere"), "another issuer"),
        ("aud", json!("somebody"), "another audience"),
        ("aud", json!([]), "another audience"),
        ("aud", Value::Null, "aud"),
        ("exp", json!(now - 61), "expired"),
        ("exp", Value::Null, "exp"),
        ("nbf", json!(now + 120), "not valid yet"),
        ("iat", json!(now + 120), "in the future"),
        ("sub", Value::Null, "sub"),
        ("sub", json!(""), "sub"),
    ];
    for (claim, value, words) in cases {
        let mut claims = provider.claims();
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(claim)),
            value => claims[claim] = value,
        }
        let refusal = provider.refuses(&issuers, &provider.sign(Some("one"), &claims)).await;
        assert_eq!(refusal.kind(), Kind::Unauthenticated);
        assert!(refusal.message().contains(words), "{claim}: {}", refusal.message());
    }
}

#[tokio::test]
async fn a_foreign_signature_and_a_shared_secret_are_refused() {
    let (provider, issuers) = (Provider::start().await, Issuers::default());
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
    let foreign = encode(&header, &provider.claims(), &new_key()).unwrap();
    assert!(provider.refuses(&issuers, &foreign).await.message().contains("signature is wrong"));

    let public = provider.published.lock().unwrap()[0]["x"].as_str().unwrap().to_owned();
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let confused = encode(&header, &provider.claims(), &EncodingKey::from_secret(public.as_bytes())).unwrap();
    assert!(provider.refuses(&issuers, &confused).await.message().contains("shared secret"));

    for bad in ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."] {
        assert_eq!(provider.refuses(&issuers, bad).await.kind(), Kind::Unauthenticated, "{bad}");
    }
}

#[tokio::test]
async fn a_new_key_is_met_and_made_up_ones_do_not_flood_the_issuer() {
    let (mut provider, issuers) = (Provider::start().await, Issuers::default());
    for number in 0..20 {
        let token = provider.sign(Some(&format!("no {number}")), &provider.claims());
        assert!(provider.refuses(&issuers, &token).await.message().contains("no such key"));
    }
    assert_eq!(provider.asked_for_keys.load(Ordering::SeqCst), 1);

    provider.key = new_key();
    *provider.published.lock().unwrap() = json!([{ "kty": "new kind" }, public(&provider.key, "two")]);
    tokio::time::sleep(super::ASKED_AGAIN_AFTER).await;
    let known = issuers.get(&Issuer::new(&provider.url)).unwrap();
    known.verify(AUDIENCE, &provider.sign(Some("two"), &provider.claims())).await.unwrap();
    assert_eq!(provider.asked_for_keys.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_issuer_that_is_away_or_someone_else_is_said_in_one_line() {
    let provider = Provider::start().await;
    let token = provider.sign(Some("one"), &provider.claims());
    let away = Issuers::default().get(&Issuer::new("http://127.0.0.1:1/realm")).unwrap();
    let error = away.verify(AUDIENCE, &token).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable);
    assert!(error.message().contains("http://127.0.0.1:1/realm") && error.message().contains("refused"));

    let other_name = provider.url.replace("127.0.0.1", "localhost");
    let other = Issuers::default().get(&Issuer::new(other_name)).unwrap();
    let error = other.verify(AUDIENCE, &token).await.unwrap_err();
    assert!(error.message().contains(&format!("the issuer is {}", provider.url)), "{}", error.message());
}

#[test]
fn a_claim_is_found_by_its_name_or_by_its_path() {
    let claims = json!({
        "groups": ["a"],
        "kubernetes.io": { "namespace": "team" },
        "realm_access": { "roles": ["dev"] },
    });
    let claims = claims.as_object().unwrap();
    assert_eq!(find(claims, "kubernetes.io.namespace"), Some(&json!("team")));
    assert_eq!(find(claims, "realm_access.roles"), Some(&json!(["dev"])));
    assert_eq!(find(claims, "realm_access.none"), None);
    assert_eq!(super::claims::texts(find(claims, "groups")), ["a"]);
}
