//! `/service/token`: both forms of asking, what comes back, and tokens that must not be taken.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::aead;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hythe_acceptance::server::{Options, SECRETS_KEY};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, Desk, Shared};

static SHARED: Shared = Shared::new();

/// The payload of a token, unchecked.
fn claims(answer: &Answer) -> Value {
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn granted(answer: &Answer) -> Vec<String> {
    let access = claims(answer)["access"].as_array().unwrap().clone();
    let line = |entry: &Value| {
        let actions: Vec<&str> =
            entry["actions"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
        format!("{}:{}", entry["name"].as_str().unwrap(), actions.join(","))
    };
    access.iter().map(line).collect()
}

#[tokio::test]
async fn row_03_scopes_may_repeat_be_joined_or_be_junk() {
    let desk = Desk::at(&SHARED).await;
    let (a, b, admin) = (desk.repository("a"), desk.repository("b"), desk.server.administrator());
    let both = [format!("{a}:pull,push"), format!("{b}:pull")];
    let repeated = format!("scope=repository:{a}:pull,push&scope=repository:{b}:pull");
    let joined = format!("scope=repository:{a}:push,pull%20repository:{b}:pull");
    let junk = format!(
        "scope=%00&scope=::&scope=repository:{a}:pull,push,fly&scope=moon:x:y&scope=repository:{b}:pull"
    );
    for query in [repeated, joined, junk] {
        let answer = desk.ask_token(Some(&admin), &query).await.expect(StatusCode::OK);
        assert_eq!(granted(&answer), both, "{query}");
    }
    let star = desk.ask_token(Some(&admin), &format!("scope=repository:{a}:*")).await;
    assert_eq!(granted(&star), [format!("{a}:pull,push,delete")]);
}

#[tokio::test]
async fn row_03_both_names_of_the_token_and_its_life_are_stated() {
    let desk = Desk::at(&SHARED).await;
    let answer = desk.ask_token(None, "service=hythe-registry").await.expect(StatusCode::OK).json();
    assert_eq!(answer["token"], answer["access_token"]);
    assert!(answer["expires_in"].as_u64().unwrap() >= 60);
    let issued_at = answer["issued_at"].as_str().unwrap();
    assert!(
        issued_at.len() == 20 && issued_at.ends_with('Z') && issued_at.as_bytes()[10] == b'T',
        "{issued_at}"
    );
}

#[tokio::test]
async fn row_04_oauth2_by_password_then_by_refresh_token() {
    let desk = Desk::at(&SHARED).await;
    let (admin, repository) = (desk.server.administrator(), desk.repository("a"));
    let scope = format!("repository:{repository}:pull,push");
    let by_password = [
        ("grant_type", "password"),
        ("username", &admin.name),
        ("password", &admin.password),
        ("service", "hythe-registry"),
        ("client_id", "containerd-client"),
        ("access_type", "offline"),
        ("scope", &scope),
    ];
    let first = desk.ask_token_by_form(&by_password).await.expect(StatusCode::OK);
    assert_eq!(first.json()["scope"], scope);
    assert_eq!(granted(&first), [format!("{repository}:pull,push")]);
    let refresh = first.json()["refresh_token"].as_str().unwrap().to_owned();
    let again = [("grant_type", "refresh_token"), ("refresh_token", &refresh), ("scope", &scope)];
    let second = desk.ask_token_by_form(&again).await.expect(StatusCode::OK);
    assert_eq!(granted(&second), [format!("{repository}:pull,push")]);
    assert_eq!(claims(&second)["sub"], "admin");
    desk.get_with_token(second.json()["access_token"].as_str().unwrap(), "/v2/").await.expect(StatusCode::OK);
}

#[tokio::test]
async fn row_04_oauth2_refuses_with_401_what_is_not_right() {
    let desk = Desk::at(&SHARED).await;
    let wrong = [("grant_type", "password"), ("username", "admin"), ("password", "not-this-one-1")];
    desk.ask_token_by_form(&wrong).await.refused(401, "UNAUTHORIZED");
    let unknown = [("grant_type", "refresh_token"), ("refresh_token", "made-up")];
    desk.ask_token_by_form(&unknown).await.refused(401, "UNAUTHORIZED");
    desk.ask_token_by_form(&[("grant_type", "client_credentials")]).await.refused(400, "UNSUPPORTED");
    desk.ask_token_by_form(&[("grant_type", "password"), ("username", "admin")])
        .await
        .refused(400, "UNSUPPORTED");
}

#[tokio::test]
async fn row_05_login_without_scope_is_an_empty_token_and_bad_credentials_are_401() {
    let desk = Desk::at(&SHARED).await;
    let admin = desk.server.administrator();
    let good = desk.ask_token(Some(&admin), "service=hythe-registry&account=admin").await;
    assert_eq!(claims(&good.expect(StatusCode::OK))["access"], json!([]));
    for actor in
        [admin.with_wrong_password(), hythe_acceptance::actor::Actor::new("nobody", "Whatever-12345")]
    {
        let refused = desk.ask_token(Some(&actor), "service=hythe-registry").await;
        let refused = refused.refused(401, "UNAUTHORIZED");
        assert!(refused.header("www-authenticate").unwrap().starts_with("Basic "));
    }
}

#[tokio::test]
async fn a_refresh_token_is_given_only_to_those_who_ask_and_sign_in() {
    let desk = Desk::at(&SHARED).await;
    let admin = desk.server.administrator();
    let asked = desk.ask_token(Some(&admin), "offline_token=true").await.json();
    assert!(asked["refresh_token"].as_str().is_some_and(|token| token.len() > 20));
    assert!(desk.ask_token(Some(&admin), "").await.json().get("refresh_token").is_none());
    assert!(desk.ask_token(None, "offline_token=true").await.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn a_token_buys_no_other_token() {
    let desk = Desk::at(&SHARED).await;
    let token = desk.token(Some(&desk.server.administrator()), &[]).await;
    desk.get_with_token(&token, "/service/token?service=hythe-registry").await.refused(401, "UNAUTHORIZED");
}

#[tokio::test]
async fn the_published_keys_check_a_token() {
    let desk = Desk::at(&SHARED).await;
    let token = desk.token(Some(&desk.server.administrator()), &[]).await;
    let published = desk.send(desk.anonymous(Method::GET, "/service/token/keys")).await;
    let keys: JwkSet = serde_json::from_value(published.expect(StatusCode::OK).json()).unwrap();
    let header = jsonwebtoken::decode_header(&token).unwrap();
    assert_eq!(header.alg, Algorithm::ES256);
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&["hythe-registry"]);
    assert_eq!(jsonwebtoken::decode::<Value>(&token, &key, &validation).unwrap().claims["sub"], "admin");
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let desk = Desk::private_at(&SHARED).await;
    let repository = desk.repository("app");
    desk.push_image(&repository, "1", "secret").await;
    let path = format!("/v2/{repository}/manifests/1");
    let scope = format!("repository:{repository}:pull");
    let good = desk.token(Some(&desk.server.administrator()), &[&scope]).await;
    desk.get_with_token(&good, &path).await.expect(StatusCode::OK);
    let [header, payload, signature] = good.split('.').collect::<Vec<_>>()[..] else { panic!("{good}") };
    let rewritten = URL_SAFE_NO_PAD.decode(payload).unwrap();
    let rewritten = String::from_utf8(rewritten).unwrap().replace("\"pull\"", "\"push\"");
    let no_algorithm = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let symmetric = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let turned: String = signature.chars().rev().collect();
    for forged in [
        format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(rewritten)),
        format!("{header}.{payload}.{turned}"),
        format!("{header}.{payload}."),
        format!("{no_algorithm}.{payload}."),
        format!("{no_algorithm}.{payload}.{signature}"),
        format!("{symmetric}.{payload}.{signature}"),
        "a.b.c".to_owned(),
        "x".repeat(20_000),
    ] {
        let refused = desk.get_with_token(&forged, &path).await.refused(401, "UNAUTHORIZED");
        assert!(refused.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));
    }
}

#[tokio::test]
async fn garbage_in_authorization_is_401_and_not_a_stranger() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("app");
    desk.push_image(&repository, "1", "public").await;
    let path = format!("/v2/{repository}/manifests/1");
    desk.send(desk.anonymous(Method::GET, &path)).await.expect(StatusCode::OK);
    for garbage in
        ["", "Basic", "Basic ", "Basic %%%", "Basic YWJj", "Bearer", "Bearer ", "Digest a=b", "\u{e4}"]
    {
        let value = reqwest::header::HeaderValue::from_bytes(garbage.as_bytes()).unwrap();
        let request = desk.anonymous(Method::GET, &path).header("authorization", value);
        desk.send(request).await.refused(401, "UNAUTHORIZED");
    }
}

/// The rows are read as an intruder would who has the database and the key to its secrets, because nobody else can sign.
#[tokio::test]
async fn expired_misdirected_and_foreign_tokens_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hythe.db");
    let url = format!("sqlite://{}", file.display());
    let options = Options::default().variable("HYTHE_DATABASE_URL", &url);
    let desk = Desk::with(&options.variable("HYTHE_SECRETS_KEY", SECRETS_KEY)).await;
    let database = rusqlite::Connection::open(&file).unwrap();
    let (kid, sealed): (String, Vec<u8>) = database
        .query_row("SELECT id, private_der FROM signing_key", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let key = EncodingKey::from_ec_der(&open_private_key(&database, &kid, &sealed));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let claims = |issuer: &str, audience: &str, not_before: u64, expiry: u64| {
        json!({ "iss": issuer, "aud": audience, "sub": "", "nbf": not_before, "iat": not_before,
            "exp": expiry, "jti": "1", "access": [] })
    };
    let sign = |kid: &str, claims: &Value| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) };
        jsonwebtoken::encode(&header, claims, &key).unwrap()
    };
    let good = claims("hythe", "hythe-registry", now, now + 60);
    desk.get_with_token(&sign(&kid, &good), "/v2/").await.expect(StatusCode::OK);
    let unknown_key = sign("another-key", &good);
    for bad in [
        unknown_key,
        sign(&kid, &claims("hythe", "hythe-registry", now - 3600, now - 600)),
        sign(&kid, &claims("hythe", "hythe-registry", now + 600, now + 1200)),
        sign(&kid, &claims("hythe", "another-service", now, now + 60)),
        sign(&kid, &claims("another-issuer", "hythe-registry", now, now + 60)),
    ] {
        desk.get_with_token(&bad, "/v2/").await.refused(401, "UNAUTHORIZED");
    }
}

/// The private half of a signing key, sealed with the data key, which is sealed with the operator's.
fn open_private_key(database: &rusqlite::Connection, kid: &str, sealed: &[u8]) -> Vec<u8> {
    let (id, data_key): (String, Vec<u8>) = database
        .query_row("SELECT id, sealed FROM data_key", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let data_key = open(&STANDARD.decode(SECRETS_KEY).unwrap(), &id, &data_key);
    let text = std::str::from_utf8(sealed).unwrap();
    let bytes = text.strip_prefix(&format!("sealed:{id}:")).unwrap();
    open(&data_key, &format!("signing key {kid}"), &URL_SAFE_NO_PAD.decode(bytes).unwrap())
}

/// AES-256-GCM: the nonce, then the ciphertext, bound to a place.
fn open(key: &[u8], place: &str, sealed: &[u8]) -> Vec<u8> {
    let (nonce, sealed) = sealed.split_at(aead::NONCE_LEN);
    let cipher = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, key).unwrap());
    let nonce = aead::Nonce::try_assume_unique_for_key(nonce).unwrap();
    cipher.open_in_place(nonce, aead::Aad::from(place), &mut sealed.to_vec()).unwrap().to_vec()
}
