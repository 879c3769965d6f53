//! The audit log over real rows: written with the change, chained, and telling where somebody put a hand on it.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use hythe_blobs::{BlobStore, Memory};
use hythe_metadata::Database;
use hythe_metadata::audit::{Event, Filter, last_emptied};
use hythe_registry::access::{Caller, Origin, Principal, Through};
use hythe_registry::audit::Flaw;
use hythe_registry::projects::WantedProject;
use hythe_registry::{Options, Registry};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::AsyncReadExt;

struct Bench {
    registry: Arc<Registry>,
    folder: TempDir,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Memory::default());
        let registry = Registry::new(open(&folder), blobs, Options::default());
        registry.database().migrate().await.unwrap();
        registry.set_up(Some("correct horse")).await.unwrap();
        Bench { registry, folder }
    }

    async fn make(&self, name: &str) {
        let wanted = WantedProject {
            name: name.parse().unwrap(),
            metadata: BTreeMap::from([("public".to_owned(), "true".to_owned())]),
            storage_limit: None,
        };
        self.registry.create_project(&administrator(), wanted).await.unwrap();
    }

    async fn set(&self, values: Value) -> Result<(), hythe_registry::Error> {
        let operator = Caller::operator();
        let permit = self.registry.permit_everywhere(&operator).await?;
        self.registry.update_configuration(&permit, values.as_object().unwrap()).await
    }

    async fn events(&self, filter: &Filter) -> Vec<Event> {
        let operator = Caller::operator();
        let permit = self.registry.permit_everywhere(&operator).await.unwrap();
        self.registry.list_audit(&permit, filter, None, 0, 100).await.unwrap().0
    }

    /// Three seals over two events each.
    async fn sealed(&self) {
        for pair in [["a1", "a2"], ["b1", "b2"], ["c1", "c2"]] {
            for name in pair {
                self.make(name).await;
            }
            assert_eq!(self.registry.seal_audit().await.unwrap(), 2);
        }
        assert_eq!(self.registry.verify_audit().await.unwrap().flaw, None);
    }

    /// What somebody does who can write the database.
    async fn tampered(&self, sql: &str) -> Flaw {
        let file: PathBuf = self.folder.path().join("hythe.db");
        let changed = rusqlite::Connection::open(file).unwrap().execute(sql, []).unwrap();
        assert!(changed > 0, "{sql}");
        self.registry.verify_audit().await.unwrap().flaw.unwrap()
    }
}

fn open(folder: &TempDir) -> Database {
    let url = format!("sqlite://{}/hythe.db", folder.path().display());
    Database::open(&hythe_metadata::Options { exclusive: false, ..hythe_metadata::Options::new(url) })
        .unwrap()
}

fn administrator() -> Caller {
    let origin = Origin {
        address: "192.0.2.9".to_owned(),
        user_agent: "tests/1".to_owned(),
        request_id: "request-1".to_owned(),
    };
    Caller {
        principal: Principal::Operator,
        through: Through::Command,
        limit: None,
        origin: Arc::new(origin),
    }
}

#[tokio::test]
async fn an_event_says_who_what_from_where_and_with_what_result() {
    let bench = Bench::new().await;
    bench.make("team").await;
    let filter = Filter { resource_type: Some("project".to_owned()), ..Filter::default() };
    let events = bench.events(&filter).await;
    let event = &events[0].event;
    assert_eq!((event.actor.as_str(), event.through.as_str()), ("operator", "command"));
    assert_eq!((event.operation.as_str(), event.resource.as_str()), ("create", "team"));
    assert_eq!((event.address.as_str(), event.user_agent.as_str()), ("192.0.2.9", "tests/1"));
    assert_eq!((event.request_id.as_str(), event.succeeded), ("request-1", true));
    assert!(event.after.as_ref().unwrap().contains("public"), "{event:?}");
}

#[tokio::test]
async fn a_change_that_fails_leaves_no_event() {
    let bench = Bench::new().await;
    bench.make("team").await;
    let wanted =
        WantedProject { name: "team".parse().unwrap(), metadata: BTreeMap::new(), storage_limit: None };
    bench.registry.create_project(&administrator(), wanted).await.unwrap_err();
    let filter = Filter { resource: Some("team".to_owned()), ..Filter::default() };
    assert_eq!(bench.events(&filter).await.len(), 1);
}

#[tokio::test]
async fn a_refused_sign_in_is_told_without_its_password() {
    let bench = Bench::new().await;
    let origin = Arc::new(Origin { address: "198.51.100.2".to_owned(), ..Origin::default() });
    bench.registry.sign_in("admin", "guessed secret", &origin).await.unwrap_err();
    let events = bench.events(&Filter { succeeded: Some(false), ..Filter::default() }).await;
    assert_eq!((events[0].event.actor.as_str(), events[0].event.operation.as_str()), ("admin", "login"));
    assert!(!format!("{events:?}").contains("guessed secret"));
}

#[tokio::test]
async fn an_altered_event_is_found() {
    let bench = Bench::new().await;
    bench.sealed().await;
    let flaw = bench.tampered("UPDATE audit_event SET actor = 'mallory' WHERE resource = 'b1'").await;
    assert!(matches!(flaw, Flaw::Altered { seal: 2, .. }), "{flaw}");
}

#[tokio::test]
async fn a_removed_event_is_found() {
    let bench = Bench::new().await;
    bench.sealed().await;
    let flaw = bench.tampered("DELETE FROM audit_event WHERE resource = 'c2'").await;
    assert!(matches!(flaw, Flaw::Events { seal: 3, sealed: 2, found: 1, .. }), "{flaw}");
}

#[tokio::test]
async fn an_added_event_is_found() {
    let bench = Bench::new().await;
    bench.sealed().await;
    let flaw = bench
        .tampered(
            "INSERT INTO audit_event (at, actor, actor_kind, through, address, user_agent, request_id,
                resource_type, resource, operation, description, succeeded, seal)
             SELECT at, 'bob', actor_kind, through, address, user_agent, request_id,
                resource_type, resource, operation, description, succeeded, seal
             FROM audit_event WHERE resource = 'a1'",
        )
        .await;
    assert!(matches!(flaw, Flaw::Events { seal: 1, sealed: 2, found: 3, .. }), "{flaw}");
}

#[tokio::test]
async fn a_removed_or_altered_seal_is_found() {
    let bench = Bench::new().await;
    bench.sealed().await;
    let flaw = bench.tampered("UPDATE audit_seal SET hash = zeroblob(32) WHERE number = 1").await;
    assert!(matches!(flaw, Flaw::Altered { seal: 1, .. }), "{flaw}");
    let flaw = bench.tampered("DELETE FROM audit_seal WHERE number = 1").await;
    assert_eq!(flaw, Flaw::Missing(1));
}

#[tokio::test]
async fn old_events_go_and_the_chain_stays_whole() {
    let bench = Bench::new().await;
    bench.sealed().await;
    let purged = bench.registry.purge_audit(hythe_registry::clock::now()).await.unwrap();
    assert_eq!(purged, 6);
    let verified = bench.registry.verify_audit().await.unwrap();
    assert_eq!((verified.flaw, verified.seals, verified.events, verified.purged), (None, 3, 0, 6));
    assert!(bench.events(&Filter::default()).await.is_empty());
    bench.make("d").await;
    bench.registry.seal_audit().await.unwrap();
    let emptied = last_emptied(&mut bench.registry.database().connect().await.unwrap()).await.unwrap();
    assert_eq!(emptied, 3, "whoever looks for events passes over the seals that have none");
    assert_eq!(bench.registry.purge_audit(hythe_registry::clock::now()).await.unwrap(), 1);
}

#[tokio::test]
async fn events_are_sent_on_once_and_in_order() {
    let bench = Bench::new().await;
    bench.sealed().await;
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", server.local_addr().unwrap());
    let received = tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    });
    assert_eq!(bench.registry.forward_audit(&endpoint).await.unwrap(), 6);
    assert_eq!(bench.registry.forward_audit(&endpoint).await.unwrap(), 0);
    let text = received.await.unwrap();
    let order: Vec<usize> = ["a1", "a2", "b1", "b2", "c1", "c2"]
        .iter()
        .map(|name| text.find(&format!("resource=\"{name}\"")).unwrap())
        .collect();
    assert!(order.is_sorted(), "{text}");
    assert!(text.contains("<110>1 ") && text.contains(" hythe - audit [audit@32473 id="), "{text}");
}

#[tokio::test]
async fn what_is_left_out_is_not_recorded_and_the_rest_is() {
    let bench = Bench::new().await;
    bench.set(json!({ "disabled_audit_log_event_types": "create_project,pull_artifact" })).await.unwrap();
    bench.make("quiet").await;
    bench.set(json!({ "disabled_audit_log_event_types": "" })).await.unwrap();
    bench.make("loud").await;
    let told = bench.events(&Filter { operation: Some("create".to_owned()), ..Filter::default() }).await;
    let names: Vec<&str> = told.iter().map(|event| event.event.resource.as_str()).collect();
    assert!(names.contains(&"loud") && !names.contains(&"quiet"), "{names:?}");
    let changes = bench.events(&Filter { operation: Some("update".to_owned()), ..Filter::default() }).await;
    assert_eq!(changes.len(), 2, "who leaves something out is told of");
    let refused = bench.set(json!({ "disabled_audit_log_event_types": "no_such_thing" })).await.unwrap_err();
    assert!(refused.message().contains("create_project"), "{refused}");
}

#[tokio::test]
async fn pulls_are_told_of_where_somebody_asked_for_it_and_not_while_they_wait() {
    let bench = Bench::new().await;
    bench.make("team").await;
    let permit = bench.registry.permit(&administrator(), &"team/app".parse().unwrap()).await.unwrap();
    let digest = hythe_blobs::hash::digest_of(hythe_oci::digest::Algorithm::Sha256, b"a");
    let pulled = Filter { operation: Some("pull".to_owned()), ..Filter::default() };
    bench.registry.count_pull(&permit, &"v1".parse().unwrap(), &digest);
    bench.registry.write_pulls().await.unwrap();
    assert!(bench.events(&pulled).await.is_empty(), "off where nobody set it");

    bench.set(json!({ "pull_audit_log_disable": false })).await.unwrap();
    for _ in 0..600 {
        bench.registry.count_pull(&permit, &"v1".parse().unwrap(), &digest);
    }
    assert!(bench.events(&pulled).await.is_empty(), "nothing is written on the way");
    bench.registry.write_pulls().await.unwrap();
    bench.registry.write_pulls().await.unwrap();
    let operator = Caller::operator();
    let everywhere = bench.registry.permit_everywhere(&operator).await.unwrap();
    let (events, total) = bench.registry.list_audit(&everywhere, &pulled, None, 0, 100).await.unwrap();
    assert_eq!(total, 600, "each once");
    let event = &events[0].event;
    assert_eq!((event.resource_type.as_str(), event.resource.as_str()), ("artifact", "team/app:v1"));
    assert_eq!((event.address.as_str(), event.project_id.is_some()), ("192.0.2.9", true));
}

#[tokio::test]
async fn events_go_when_they_were_sent_where_nobody_wants_to_keep_them() {
    let bench = Bench::new().await;
    let refused = bench.set(json!({ "skip_audit_log_database": true })).await.unwrap_err();
    assert!(refused.message().contains("audit_log_forward_endpoint"), "{refused}");
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", server.local_addr().unwrap());
    let received = tokio::spawn(async move {
        let mut text = String::new();
        for _ in 0..2 {
            let (mut stream, _) = server.accept().await.unwrap();
            stream.read_to_string(&mut text).await.unwrap();
        }
        text
    });
    bench
        .set(json!({ "skip_audit_log_database": true, "audit_log_forward_endpoint": endpoint }))
        .await
        .unwrap();
    for number in 0..600 {
        bench.make(&format!("p{number}")).await;
    }
    while bench.registry.seal_audit().await.unwrap() > 0 {}
    assert!(!bench.events(&Filter::default()).await.is_empty(), "kept until they were sent");
    assert_eq!(bench.registry.forward_audit(&endpoint).await.unwrap(), 500);
    assert!(bench.registry.forward_audit(&endpoint).await.unwrap() > 100);
    assert!(bench.events(&Filter::default()).await.is_empty());
    assert_eq!(bench.registry.verify_audit().await.unwrap().flaw, None);
    let text = received.await.unwrap();
    assert!((0..600).all(|number| text.contains(&format!("resource=\"p{number}\""))), "all were sent");
}
