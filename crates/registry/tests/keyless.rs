//! Robots without a secret: tokens of an issuer that the test itself is, a small HTTP server with keys of its own.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hythe_blobs::Memory;
use hythe_metadata::Database;
use hythe_metadata::audit::{Event, Filter};
use hythe_registry::access::permissions::{AccessEntry, EntryKind, PermissionEntry, PermissionList};
use hythe_registry::access::{Caller, Origin, Pull, Push, Through};
use hythe_registry::error::Kind;
use hythe_registry::projects::WantedProject;
use hythe_registry::robots::WantedRobot;
use hythe_registry::trust_rules::WantedTrustRule;
use hythe_registry::{Error, Options, Registry, clock};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const AUDIENCE: &str = "https://hub.example.com";
const ROBOT: &str = "robot_team+ci";

/// Who signs.
struct Issuer {
    url: String,
    key: EncodingKey,
    keys: Value,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start() -> Issuer {
        static CRYPTO: Once = Once::new();
        CRYPTO.call_once(|| drop(rustls::crypto::aws_lc_rs::default_provider().install_default()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let key = new_key();
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        public.common.key_id = Some("one".to_owned());
        let keys = json!({ "keys": [public] });
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, url.clone(), keys.clone(), asked.clone()));
        Issuer { url, key, keys, asked }
    }

    /// What a job of branch `main` of `team/app` is given.
    fn claims(&self) -> Value {
        let now = clock::seconds(clock::now());
        json!({
            "iss": self.url, "aud": [AUDIENCE], "sub": "repo:team/app:ref:refs/heads/main", "iat": now, "exp": now + 300,
            "repository": "team/app", "ref": "refs/heads/main", "protected": true,
            "kubernetes.io": { "namespace": "team" },
        })
    }

    fn token(&self) -> String {
        self.sign(&self.claims())
    }

    fn token_with(&self, changes: Value) -> String {
        let mut claims = self.claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        self.sign(&claims)
    }

    fn sign(&self, claims: &Value) -> String {
        sign_with(&self.key, claims)
    }
}

fn new_key() -> EncodingKey {
    let pair = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    EncodingKey::from_ec_der(pair.as_ref())
}

fn sign_with(key: &EncodingKey, claims: &Value) -> String {
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
    encode(&header, claims, key).unwrap()
}

async fn serve(listener: TcpListener, url: String, keys: Value, asked: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let mut request = vec![0; 4096];
        let length = stream.read(&mut request).await.unwrap_or(0);
        let body = if request[..length].starts_with(b"GET /keys ") {
            asked.fetch_add(1, Ordering::SeqCst);
            keys.to_string()
        } else {
            json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }).to_string()
        };
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
        let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
    }
}

/// A registry with a private project and a robot that may pull there.
struct Bench {
    registry: Arc<Registry>,
    robot: i64,
    _folder: TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/hythe.db", folder.path().display());
        let database = Database::open(&hythe_metadata::Options::new(url)).unwrap();
        let registry = Registry::new(database, Arc::new(Memory::default()), Options::default());
        registry.database().migrate().await.unwrap();
        registry.set_up(Some("correct horse")).await.unwrap();
        let wanted =
            WantedProject { name: "team".parse().unwrap(), metadata: BTreeMap::new(), storage_limit: None };
        registry.create_project(&Caller::operator(), wanted).await.unwrap();
        let made = registry.create_robot(&Caller::operator(), robot("ci")).await.unwrap();
        Bench { registry, robot: made.robot.id, _folder: folder }
    }

    async fn trust(&self, wanted: WantedTrustRule) -> i64 {
        self.registry.create_trust_rule(&Caller::operator(), self.robot, wanted).await.unwrap().id
    }

    async fn shows(&self, token: &str) -> Result<Caller, Error> {
        self.registry.sign_in(ROBOT, token, &from("192.0.2.1")).await
    }

    /// The words of a refusal, which are the token's bearer's to read.
    async fn refuses(&self, address: &str, name: &str, token: &str) -> String {
        let refused = self.registry.sign_in_with_id_token(name, token, &from(address)).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Unauthenticated, "{refused}");
        assert!(!refused.message().contains('\n'));
        refused.message().to_owned()
    }

    async fn sign_ins(&self) -> Vec<Event> {
        let mut c = self.registry.database().connect().await.unwrap();
        let filter = Filter { operation: Some("login".to_owned()), ..Filter::default() };
        hythe_metadata::audit::list(&mut c, &filter, i64::MAX, 0, 100).await.unwrap()
    }
}

fn robot(name: &str) -> WantedRobot {
    let access = AccessEntry { resource: "repository".to_owned(), action: "pull".to_owned(), effect: None };
    let entry =
        PermissionEntry { kind: EntryKind::Project, namespace: "team".to_owned(), access: vec![access] };
    WantedRobot {
        name: name.to_owned(),
        description: String::new(),
        project: Some("team".parse().unwrap()),
        disabled: false,
        duration_days: None,
        permissions: PermissionList(vec![entry]),
        secret: None,
    }
}

fn rule(issuer: &Issuer, claims: &[(&str, &str)]) -> WantedTrustRule {
    WantedTrustRule {
        name: "deploy".to_owned(),
        issuer: issuer.url.clone(),
        audience: AUDIENCE.to_owned(),
        claims: claims.iter().map(|(name, pattern)| ((*name).to_owned(), (*pattern).to_owned())).collect(),
        ca_certificate: None,
        keys: None,
    }
}

fn main_of_team(issuer: &Issuer) -> WantedTrustRule {
    rule(issuer, &[("repository", "team/*"), ("ref", "refs/heads/main"), ("protected", "true")])
}

fn from(address: &str) -> Arc<Origin> {
    Arc::new(Origin { address: address.to_owned(), ..Origin::default() })
}

#[tokio::test]
async fn a_job_signs_in_as_the_robot_and_does_what_the_robot_may() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    let id = bench.trust(main_of_team(&issuer)).await;
    let token = issuer.token();
    let caller = bench.shows(&token).await.unwrap();
    assert_eq!((caller.name(), &caller.through), (Some(ROBOT), &Through::TrustRule(id)));
    let app = "team/app".parse().unwrap();
    bench.registry.permit::<Pull>(&caller, &app).await.unwrap();
    bench.registry.permit::<Push>(&caller, &app).await.unwrap_err();
    for _ in 0..3 {
        bench.shows(&token).await.unwrap();
    }
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1, "keys are kept");

    let told = bench.sign_ins().await;
    assert_eq!(told.len(), 1, "one token is told of once: {told:?}");
    let after: Value = serde_json::from_str(told[0].event.after.as_deref().unwrap()).unwrap();
    assert_eq!(
        after,
        json!({ "issuer": issuer.url, "subject": "repo:team/app:ref:refs/heads/main", "rule": "deploy" })
    );
    assert_eq!(
        (told[0].event.actor.as_str(), told[0].event.through.as_str(), told[0].event.address.as_str()),
        (ROBOT, format!("trust-rule:{id}").as_str(), "192.0.2.1")
    );
    bench.registry.write_uses().await.unwrap();
    let rules = bench.registry.list_trust_rules(&Caller::operator(), bench.robot).await.unwrap();
    assert!(rules[0].used_at.is_some());
}

#[tokio::test]
async fn each_refusal_says_in_one_line_what_is_wrong() {
    let (issuer, other, bench) = (Issuer::start().await, Issuer::start().await, Bench::new().await);
    bench.trust(main_of_team(&issuer)).await;
    let now = clock::seconds(clock::now());
    let unsigned = {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({ "alg": "none", "typ": "JWT" })), part(&issuer.claims()))
    };
    let cases = [
        (other.token(), "no trust rule of this registry trusts the issuer http://127.0.0.1:"),
        (issuer.token_with(json!({ "aud": "https://elsewhere" })), "for the audience https://elsewhere"),
        (issuer.token_with(json!({ "exp": now - 61 })), "it has expired"),
        (issuer.token_with(json!({ "nbf": now + 600 })), "it is not valid yet"),
        (sign_with(&new_key(), &issuer.claims()), "its signature is wrong"),
        (unsigned, "it is not signed"),
        (issuer.token_with(json!({ "ref": "refs/heads/dev" })), "which claim does not fit"),
        (issuer.token_with(json!({ "repository": "teammate/app" })), "which claim does not fit"),
        (issuer.token_with(json!({ "protected": false })), "which claim does not fit"),
        ("eyJ.not.a-token".to_owned(), "no JSON Web Token"),
    ];
    for (number, (token, words)) in cases.into_iter().enumerate() {
        let said = bench.refuses(&format!("198.51.100.{number}"), ROBOT, &token).await;
        assert!(said.contains(words), "{words}: {said}");
    }
    bench.shows(&issuer.token()).await.unwrap();
}

#[tokio::test]
async fn the_audit_log_names_the_claim_that_does_not_fit() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    bench.trust(main_of_team(&issuer)).await;
    bench.shows(&issuer.token_with(json!({ "ref": "refs/heads/dev" }))).await.unwrap_err();
    let told = bench.sign_ins().await;
    assert_eq!(told.len(), 1);
    assert!(!told[0].event.succeeded);
    let wanted = "rule deploy: the claim ref is refs/heads/dev, not refs/heads/main";
    assert!(told[0].event.description.contains(wanted), "{}", told[0].event.description);
}

/// A token of the issuer is no proof that its bearer may know of the robot: platforms sign for everybody.
#[tokio::test]
async fn a_robot_that_is_not_there_is_refused_in_the_words_of_one_that_is() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    bench.trust(main_of_team(&issuer)).await;
    let idle = bench.registry.create_robot(&Caller::operator(), robot("idle")).await.unwrap();
    assert_eq!(bench.registry.full_robot_name(&idle.robot), "robot_team+idle");
    let foreign = issuer.token_with(json!({ "repository": "someone/else" }));
    let expired = issuer.token_with(json!({ "exp": 1 }));
    for token in [&foreign, &expired] {
        let mut said = Vec::new();
        for name in [ROBOT, "robot_team+idle", "robot_team+nobody", "robot_nowhere+ci"] {
            said.push(bench.refuses("198.51.100.1", name, token).await.replace(name, "NAME"));
        }
        assert!(said.iter().all(|words| words == &said[0]), "{said:#?}");
    }
    let mut said = Vec::new();
    for name in [ROBOT, "robot_team+nobody", "robot_nowhere+ci"] {
        let refused =
            bench.registry.sign_in(name, "a wrong secret", &from("198.51.100.2")).await.unwrap_err();
        said.push(refused.message().to_owned());
    }
    assert!(said.iter().all(|words| words == &said[0]), "{said:#?}");
}

#[tokio::test]
async fn an_issuer_that_is_away_is_said_and_counts_as_no_failure() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    let away = "http://127.0.0.1:1/realm";
    bench.trust(WantedTrustRule { issuer: away.to_owned(), ..main_of_team(&issuer) }).await;
    for _ in 0..8 {
        let refused = bench.shows(&issuer.token_with(json!({ "iss": away }))).await.unwrap_err();
        assert_eq!(refused.kind(), Kind::Unavailable, "{refused}");
        assert!(refused.message().contains(away) && refused.message().contains("refused"), "{refused}");
    }
}

#[tokio::test]
async fn an_issuer_whose_keys_are_in_the_rule_is_not_asked() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    let wanted = rule(&issuer, &[("kubernetes.io.namespace", "team")]);
    let url = "https://kubernetes.default.svc".to_owned();
    bench.trust(WantedTrustRule { issuer: url.clone(), keys: Some(issuer.keys.to_string()), ..wanted }).await;
    bench.shows(&issuer.token_with(json!({ "iss": url }))).await.unwrap();
    let refused = bench.shows(&sign_with(&new_key(), &issuer.claims())).await.unwrap_err();
    assert!(refused.message().contains("no trust rule"), "{refused}");
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_disabled_robot_is_let_in_by_no_rule_and_another_robots_rule_lets_nobody_in() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    bench.trust(main_of_team(&issuer)).await;
    let other = WantedRobot { disabled: true, ..robot("off") };
    let off = bench.registry.create_robot(&Caller::operator(), other).await.unwrap();
    bench.registry.create_trust_rule(&Caller::operator(), off.robot.id, main_of_team(&issuer)).await.unwrap();
    bench.registry.create_robot(&Caller::operator(), robot("idle")).await.unwrap();
    for name in ["robot_team+off", "robot_team+idle"] {
        bench.refuses("198.51.100.1", name, &issuer.token()).await;
    }
}

#[tokio::test]
async fn a_deleted_rule_ends_the_tokens_of_whom_it_let_in_and_no_others() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    let id = bench.trust(main_of_team(&issuer)).await;
    let kept = bench
        .trust(WantedTrustRule { name: "kept".to_owned(), ..rule(&issuer, &[("sub", "nightly")]) })
        .await;
    let by_rule = bench.shows(&issuer.token()).await.unwrap();
    let by_other = bench.shows(&issuer.token_with(json!({ "sub": "nightly", "ref": "x" }))).await.unwrap();
    assert_eq!(by_other.through, Through::TrustRule(kept));
    let mut tokens = Vec::new();
    for caller in [&by_rule, &by_other] {
        tokens.push(bench.registry.issue_token(caller, &[], false).await.unwrap().token);
    }
    bench.registry.delete_trust_rule(&Caller::operator(), bench.robot, id).await.unwrap();
    bench.registry.reread_revocations().await.unwrap();
    let refused = bench.registry.verify_token(&tokens[0]).await.unwrap_err();
    assert!(refused.message().contains("revoked"), "{refused}");
    bench.registry.verify_token(&tokens[1]).await.unwrap();
    bench.shows(&issuer.token()).await.unwrap_err();
}

#[tokio::test]
async fn a_rule_that_would_let_in_everybody_or_nobody_is_refused() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    let good = main_of_team(&issuer);
    let bad = [
        WantedTrustRule { claims: BTreeMap::new(), ..good.clone() },
        rule(&issuer, &[("sub", "*")]),
        WantedTrustRule { audience: String::new(), ..good.clone() },
        WantedTrustRule { issuer: "login.example.com".to_owned(), ..good.clone() },
        WantedTrustRule { name: "a b".to_owned(), ..good.clone() },
        WantedTrustRule { ca_certificate: Some("no certificate".to_owned()), ..good.clone() },
        WantedTrustRule { keys: Some("{}".to_owned()), ..good.clone() },
        WantedTrustRule { keys: Some(r#"{"keys":[]}"#.to_owned()), ..good.clone() },
    ];
    for wanted in bad {
        let outcome =
            bench.registry.create_trust_rule(&Caller::operator(), bench.robot, wanted.clone()).await;
        let refused = outcome.map(|made| made.id).unwrap_err();
        assert_eq!(refused.kind(), Kind::BadRequest, "{wanted:?}: {refused}");
    }
    bench.trust(good.clone()).await;
    let twice = bench.registry.create_trust_rule(&Caller::operator(), bench.robot, good).await;
    assert_eq!(twice.map(|made| made.id).unwrap_err().kind(), Kind::Conflict);
}

/// Whoever may change robots of a project can make the registry ask an address; what is asked without TLS, others can
/// answer, and it may be a machine that only the registry reaches.
#[tokio::test]
async fn only_an_administrator_trusts_an_issuer_without_tls() {
    let (issuer, bench) = (Issuer::start().await, Bench::new().await);
    let mut wanted = robot("keeper");
    wanted.permissions.0[0].access.push(AccessEntry {
        resource: "robot".to_owned(),
        action: "update".to_owned(),
        effect: None,
    });
    let made = bench.registry.create_robot(&Caller::operator(), wanted).await.unwrap();
    let keeper = bench.registry.sign_in("robot_team+keeper", &made.secret, &from("192.0.2.2")).await.unwrap();
    let refused = bench.registry.create_trust_rule(&keeper, bench.robot, main_of_team(&issuer)).await;
    let refused = refused.map(|made| made.id).unwrap_err();
    assert!(refused.message().contains("https"), "{refused}");
    let safe = WantedTrustRule { issuer: "https://login.example.com".to_owned(), ..main_of_team(&issuer) };
    bench.registry.create_trust_rule(&keeper, bench.robot, safe.clone()).await.unwrap();

    let mut strong = robot("strong");
    strong.permissions.0[0].access[0].action = "push".to_owned();
    let strong = bench.registry.create_robot(&Caller::operator(), strong).await.unwrap().robot.id;
    let refused =
        bench.registry.create_trust_rule(&keeper, strong, safe).await.map(|made| made.id).unwrap_err();
    assert_eq!(refused.kind(), Kind::Forbidden, "{refused}");
    let refused = bench.registry.refresh_robot_secret(&keeper, strong, None, std::time::Duration::ZERO).await;
    assert_eq!(refused.unwrap_err().kind(), Kind::Forbidden);
}
