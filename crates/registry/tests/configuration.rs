//! What an administrator changes at run time is on every node soon, over real rows.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_blobs::Memory;
use hythe_metadata::{Database, Options as DatabaseOptions};
use hythe_registry::access::{Everywhere, Permit, SystemRight};
use hythe_registry::configuration::items::{AUTH_MODE, READ_ONLY, TOKEN_EXPIRATION};
use hythe_registry::error::Kind;
use hythe_registry::sources::SourceKind;
use hythe_registry::sources::manage::CreateSource;
use hythe_registry::{Caller, Options, Registry};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// Two nodes over one database, the second following what the first changes.
struct Pair {
    one: Arc<Registry>,
    other: Arc<Registry>,
    following: tokio::task::JoinHandle<()>,
    _folder: TempDir,
}

impl Pair {
    async fn new() -> Pair {
        let folder = tempfile::tempdir().unwrap();
        let one = node(&folder);
        one.database().migrate().await.unwrap();
        one.unlock_secrets().await.unwrap();
        let other = node(&folder);
        let follower = other.clone();
        let following = tokio::spawn(async move { follower.follow_configuration().await });
        Pair { one, other, following, _folder: folder }
    }

    async fn set(&self, values: Value) -> Result<(), hythe_registry::Error> {
        let permit = permit(&self.one).await;
        self.one.update_configuration(&permit, &object(values)).await
    }

    /// How long it takes until the other node agrees.
    async fn until(&self, is_so: impl Fn(&Registry) -> bool) -> Duration {
        let begun = Instant::now();
        while !is_so(&self.other) {
            assert!(begun.elapsed() < Duration::from_secs(10), "the other node does not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        begun.elapsed()
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.following.abort();
    }
}

fn node(folder: &TempDir) -> Arc<Registry> {
    let url = format!("sqlite://{}/hythe.db", folder.path().display());
    let options = DatabaseOptions { exclusive: false, ..DatabaseOptions::new(url) };
    Registry::new(Database::open(&options).unwrap(), Arc::new(Memory::default()), Options::default())
}

async fn permit<R: SystemRight>(registry: &Registry) -> Permit<R, Everywhere> {
    registry.permit_everywhere(&Caller::operator()).await.unwrap()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

#[tokio::test]
async fn values_and_sources_are_on_every_node_within_two_seconds() {
    let pair = Pair::new().await;
    assert_eq!(pair.other.configuration().number(&TOKEN_EXPIRATION), 30);
    pair.set(json!({ "token_expiration": 45, "read_only": true })).await.unwrap();
    assert!(pair.one.configuration().truth(&READ_ONLY), "at once where it was changed");
    let took = pair.until(|other| other.configuration().number(&TOKEN_EXPIRATION) == 45).await;
    assert!(
        took < Duration::from_secs(5),
        "two seconds, and three for a machine that does other things: {took:?}"
    );
    assert!(pair.other.configuration().truth(&READ_ONLY));
    assert_eq!(pair.other.configuration().text(&AUTH_MODE), "db_auth", "what was left out stays");

    assert!(pair.other.list_providers().is_empty());
    pair.set(json!({ "oidc_name": "Company", "oidc_endpoint": "https://sso.test", "oidc_client_id": "x" }))
        .await
        .unwrap();
    pair.until(|other| other.list_providers().first().is_some_and(|one| one.display_name == "Company")).await;
}

#[tokio::test]
async fn one_wrong_value_undoes_the_others() {
    let pair = Pair::new().await;
    let values = json!({ "token_expiration": 45, "oidc_endpoint": "nonsense", "oidc_client_id": "x" });
    assert_eq!(pair.set(values).await.unwrap_err().kind(), Kind::BadRequest);
    assert_eq!(pair.one.configuration().number(&TOKEN_EXPIRATION), 30);
    let rows = pair.one.list_sources(&permit(&pair.one).await).await.unwrap();
    assert!(rows.is_empty());
}

#[tokio::test]
async fn sources_are_asked_in_the_order_of_their_positions() {
    let pair = Pair::new().await;
    for (name, position) in [("second", None), ("third", None), ("first", Some(0))] {
        let wanted = CreateSource {
            name: name.to_owned(),
            kind: SourceKind::Oidc,
            position,
            enabled: true,
            settings: object(json!({ "endpoint": "https://sso.test", "client_id": name })),
        };
        pair.one.create_source(&permit(&pair.one).await, wanted.clone()).await.unwrap();
        let again = pair.one.create_source(&permit(&pair.one).await, wanted).await.unwrap_err();
        assert_eq!(again.kind(), Kind::Conflict);
    }
    let names: Vec<String> = pair.one.list_providers().into_iter().map(|one| one.source).collect();
    assert_eq!(names, ["first", "second", "third"]);
}
