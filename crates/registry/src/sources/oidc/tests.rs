//! Sign-ins through a provider that the test itself is, so that it can say what a real one never would.

use std::sync::{Arc, Mutex, Once};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use hythe_blobs::Memory;
use hythe_metadata::{Database, Options as DatabaseOptions};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use url::Url;

use super::{Arrived, Returned, local_path};
use crate::access::Caller;
use crate::clock;
use crate::error::{Error, Kind};
use crate::sources::SourceKind;
use crate::sources::manage::CreateSource;
use crate::{Options, Registry};

const REDIRECT: &str = "http://registry.test/c/oidc/callback";

/// What the provider answers; a test changes it while it runs.
struct Script {
    key: EncodingKey,
    /// Claims that are put over the usual ones; null takes one away.
    claims: Value,
    userinfo: Value,
    token_status: u16,
    /// What was posted to the token endpoint last, and how the client proved itself.
    posted: String,
    authorization: String,
}

/// A registry whose one source is that provider.
struct Desk {
    registry: Arc<Registry>,
    script: Arc<Mutex<Script>>,
    url: String,
    _folder: TempDir,
}

impl Desk {
    async fn new(changes: Value) -> Desk {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
        let pair =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let script = Arc::new(Mutex::new(Script {
            key: EncodingKey::from_ec_der(pair.as_ref()),
            claims: json!({}),
            userinfo: Value::Null,
            token_status: 200,
            posted: String::new(),
            authorization: String::new(),
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(serve(listener, url.clone(), script.clone()));

        let folder = tempfile::tempdir().unwrap();
        let file = format!("sqlite://{}/hythe.db", folder.path().display());
        let database = Database::open(&DatabaseOptions::new(file)).unwrap();
        database.migrate().await.unwrap();
        let registry = Registry::new(database, Arc::new(Memory::default()), Options::default());
        registry.unlock_secrets().await.unwrap();
        let mut settings = json!({
            "endpoint": url, "client_id": "hythe", "client_secret": "hush & hush", "auto_onboard": true,
            "groups_claim": "groups", "administrator_group": "admins",
        });
        for (name, value) in changes.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let wanted = CreateSource {
            name: "sso".to_owned(),
            kind: SourceKind::Oidc,
            position: None,
            enabled: true,
            settings: settings.as_object().unwrap().clone(),
        };
        let permit = registry.permit_everywhere(&Caller::operator()).await.unwrap();
        registry.create_source(&permit, wanted).await.unwrap();
        Desk { registry, script, url, _folder: folder }
    }

    /// Sets what the token says beside the usual.
    fn says(&self, claims: Value) {
        self.script.lock().unwrap().claims = claims;
    }

    /// A whole sign-in.
    async fn sign_in(&self) -> Result<Arrived, Error> {
        let begun = self.registry.begin_oidc(None, REDIRECT, "/after").await?;
        let state = query(&begun.url, "state");
        self.registry.finish_oidc(&begun.sealed, &returned(Some(&begun.url), &state)).await
    }

    async fn refused(&self) -> String {
        match self.sign_in().await {
            Err(error) => {
                assert_eq!(error.kind(), Kind::Unauthenticated, "{error}");
                error.message().to_owned()
            }
            Ok(_) => panic!("this should have been refused"),
        }
    }

    async fn user(&self) -> hythe_metadata::user::User {
        match self.sign_in().await.unwrap() {
            Arrived::SignedIn { user, back_to } => {
                assert_eq!(back_to, "/after");
                *user
            }
            Arrived::NeedsName { .. } => panic!("the user should have been made"),
        }
    }
}

/// The provider sends back a code that tells it the nonce and the challenge of this sign-in.
fn returned(url: Option<&str>, state: &str) -> Returned {
    let code = url.map(|url| format!("{}.{}", query(url, "nonce"), query(url, "code_challenge")));
    Returned { code, state: Some(state.to_owned()), ..Returned::default() }
}

fn query(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    let found = url.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{url} has no {name}")).1.into_owned()
}

async fn serve(listener: TcpListener, url: String, script: Arc<Mutex<Script>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let _ = answer(stream, &url, &script).await;
    }
}

async fn answer(mut stream: TcpStream, url: &str, script: &Mutex<Script>) -> std::io::Result<()> {
    let request = read(&mut stream).await?;
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let (status, body) = respond(&path, &request, url, script);
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await
}

/// Head and body of a request.
async fn read(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut request = Vec::new();
    loop {
        let mut part = [0; 4096];
        let length = stream.read(&mut part).await?;
        request.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let body = text.split_once("\r\n\r\n").map(|(head, body)| (head.to_ascii_lowercase(), body.len()));
        let wanted = |head: &str| -> usize {
            let line = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            line.map_or(0, |length| length.trim().parse().unwrap())
        };
        match body {
            Some((head, length)) if length >= wanted(&head) => return Ok(text),
            _ if length == 0 => return Ok(text),
            _ => {}
        }
    }
}

fn respond(path: &str, request: &str, url: &str, script: &Mutex<Script>) -> (u16, String) {
    let mut script = script.lock().unwrap();
    match path {
        "/keys" => {
            let mut jwk = Jwk::from_encoding_key(&script.key, Algorithm::ES256).unwrap();
            jwk.common.key_id = Some("one".to_owned());
            (200, json!({ "keys": [jwk] }).to_string())
        }
        "/token" => {
            let body = request.split_once("\r\n\r\n").unwrap().1;
            script.posted = body.to_owned();
            let header = request.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization:"));
            script.authorization = header.unwrap_or_default().to_owned();
            (script.token_status, tokens(&script, url))
        }
        "/userinfo" => (200, script.userinfo.to_string()),
        _ => (
            200,
            json!({
                "issuer": url,
                "jwks_uri": format!("{url}/keys"),
                "authorization_endpoint": format!("{url}/authorize?tenant=1"),
                "token_endpoint": format!("{url}/token"),
                "userinfo_endpoint": format!("{url}/userinfo"),
            })
            .to_string(),
        ),
    }
}

/// Tokens for the code that was posted, if its verifier belongs to the challenge (RFC 7636 section 4.6).
fn tokens(script: &Script, url: &str) -> String {
    let posted: Map<String, Value> = url::form_urlencoded::parse(script.posted.as_bytes())
        .map(|(key, value)| (key.into_owned(), value.into_owned().into()))
        .collect();
    let (nonce, challenge) = posted["code"].as_str().unwrap().split_once('.').unwrap();
    let verifier = posted["code_verifier"].as_str().unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    assert_eq!(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest), challenge);
    let now = clock::seconds(clock::now());
    let mut claims = json!({
        "iss": url, "aud": "hythe", "sub": "a1", "iat": now, "exp": now + 60, "nonce": nonce,
        "preferred_username": "alice", "email": "alice@sso.test", "name": "Alice", "groups": ["devs"],
    });
    for (name, value) in script.claims.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
    let token = encode(&header, &claims, &script.key).unwrap();
    json!({ "access_token": "access", "token_type": "Bearer", "id_token": token }).to_string()
}

#[tokio::test]
async fn a_sign_in_makes_a_user_and_later_ones_find_them() {
    let desk = Desk::new(json!({})).await;
    let begun = desk.registry.begin_oidc(Some("sso"), REDIRECT, "/").await.unwrap();
    assert!(
        begun.url.starts_with(&format!("{}/authorize?tenant=1&response_type=code&", desk.url)),
        "{}",
        begun.url
    );
    assert_eq!(query(&begun.url, "scope"), "openid profile email");
    assert_eq!(query(&begun.url, "code_challenge_method"), "S256");

    let alice = desk.user().await;
    assert_eq!((alice.name.as_str(), alice.full_name.as_str()), ("alice", "Alice"));
    assert_eq!((alice.source.as_str(), alice.subject.as_deref()), ("sso", Some("a1")));
    assert!(!alice.is_administrator());
    // The secret is form-encoded before it goes into the header (RFC 6749 section 2.3.1).
    let expected = base64::engine::general_purpose::STANDARD.encode("hythe:hush+%26+hush");
    assert!(desk.script.lock().unwrap().authorization.ends_with(&expected));

    desk.says(json!({ "groups": ["admins", "devs"], "preferred_username": "renamed" }));
    let again = desk.user().await;
    assert_eq!((again.id, again.name.as_str()), (alice.id, "alice"), "the name stays");
    assert!(again.is_administrator());
    desk.says(json!({ "groups": [] }));
    assert!(!desk.user().await.is_administrator());
}

#[tokio::test]
async fn what_belongs_to_another_sign_in_is_refused() {
    let desk = Desk::new(json!({})).await;
    let cases = [
        (json!({ "nonce": "another" }), "nonce"),
        (json!({ "nonce": null }), "nonce"),
        (json!({ "azp": "another" }), "azp"),
        (json!({ "aud": "another" }), "audience"),
        (json!({ "iss": "http://another" }), "issuer"),
        (json!({ "exp": 1 }), "expired"),
    ];
    for (claims, words) in cases {
        desk.says(claims);
        let message = desk.refused().await;
        assert!(message.contains(words), "{message}");
    }
    desk.says(json!({}));

    let (one, two) = (
        desk.registry.begin_oidc(None, REDIRECT, "/").await.unwrap(),
        desk.registry.begin_oidc(None, REDIRECT, "/").await.unwrap(),
    );
    let (state, sealed) = (query(&two.url, "state"), &one.sealed);
    for (sealed, state) in [(sealed.as_str(), state.as_str()), (sealed, ""), ("", &state), ("AAAA", &state)] {
        let finished = desk.registry.finish_oidc(sealed, &returned(Some(&two.url), state)).await;
        assert!(finished.is_err_and(|error| error.kind() == Kind::BadRequest), "{sealed} {state}");
    }
}

#[tokio::test]
async fn a_provider_that_refuses_is_quoted_in_one_line() {
    let desk = Desk::new(json!({})).await;
    let begun = desk.registry.begin_oidc(None, REDIRECT, "/").await.unwrap();
    let returned = Returned {
        error: Some("access_denied".to_owned()),
        error_description: Some("not\nyou".to_owned()),
        ..returned(None, &query(&begun.url, "state"))
    };
    let error = desk.registry.finish_oidc(&begun.sealed, &returned).await.err().unwrap();
    assert!(error.message().ends_with("it says access_denied: notyou"), "{}", error.message());

    desk.script.lock().unwrap().token_status = 401;
    let message = desk.refused().await;
    assert!(message.contains("token endpoint answers 401") && !message.contains("hush"), "{message}");
}

#[tokio::test]
async fn userinfo_adds_what_the_token_lacks_and_nothing_else() {
    let desk = Desk::new(json!({})).await;
    let more = json!({ "sub": "a1", "groups": ["admins"], "email": "other@sso.test" });
    desk.script.lock().unwrap().userinfo = more.clone();
    desk.says(json!({ "groups": null }));
    let alice = desk.user().await;
    assert!(alice.is_administrator(), "groups came from there");
    assert_eq!(alice.email.as_deref(), Some("alice@sso.test"), "the token wins");

    desk.script.lock().unwrap().userinfo = json!({ "sub": "somebody else", "groups": ["admins"] });
    let message = desk.refused().await;
    assert!(message.contains("somebody else"), "{message}");
}

#[tokio::test]
async fn people_may_choose_a_name_that_nobody_has() {
    let desk = Desk::new(json!({ "auto_onboard": false })).await;
    let Arrived::NeedsName { suggestion, sealed, back_to } = desk.sign_in().await.unwrap() else {
        panic!("the name should have been asked for");
    };
    assert_eq!((suggestion.as_str(), back_to.as_str()), ("alice", "/after"));
    for (name, kind) in [("", Kind::Invalid), ("a b", Kind::Invalid)] {
        let error = desk.registry.onboard_oidc(&sealed, name).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{name}");
    }
    let made = desk.registry.onboard_oidc(&sealed, "wonder").await.unwrap();
    assert_eq!((made.name.as_str(), made.subject.as_deref()), ("wonder", Some("a1")));
    assert_eq!(desk.user().await.id, made.id, "the next time nobody asks");

    desk.says(json!({ "sub": "b2" }));
    let Arrived::NeedsName { sealed: other, .. } = desk.sign_in().await.unwrap() else {
        panic!("a new person")
    };
    let error = desk.registry.onboard_oidc(&other, "wonder").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains("of source sso"), "{}", error.message());
    let begun = desk.registry.begin_oidc(None, REDIRECT, "/").await.unwrap();
    assert!(desk.registry.onboard_oidc(&begun.sealed, "trick").await.is_err(), "sealed for another purpose");
}

#[tokio::test]
async fn groups_are_filtered_prefixed_and_limited() {
    let changes = json!({ "group_filter": "^team-", "group_prefix": "sso:", "groups_at_most": 2 });
    let desk = Desk::new(changes).await;
    desk.says(json!({ "groups": ["team-c", "team-a", "other", "team-b", "team-a"] }));
    let alice = desk.user().await;
    let mut connection = desk.registry.database.connect().await.unwrap();
    let groups = hythe_metadata::user_group::of_user(&mut connection, alice.id).await.unwrap();
    let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["sso:team-a", "sso:team-b"]);
}

#[test]
fn a_sign_in_leads_back_to_this_server_only() {
    assert_eq!(local_path("/projects?x=1"), "/projects?x=1");
    for elsewhere in ["", "projects", "https://evil.test", "//evil.test", "/\\evil.test", "/\t/evil.test"] {
        assert_eq!(local_path(elsewhere), "/", "{elsewhere}");
    }
}
