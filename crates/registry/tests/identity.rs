//! Who gets in, with what, and for how long: over real rows, on one node and on two.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::{BlobStore, Memory};
use hythe_metadata::Database;
use hythe_oci::scope::Scope;
use hythe_registry::access::permissions::{AccessEntry, EntryKind, PermissionEntry, PermissionList};
use hythe_registry::access::{BuiltIn, Caller, Origin, Pull, Push};
use hythe_registry::error::Kind;
use hythe_registry::personal_tokens::WantedPersonalToken;
use hythe_registry::projects::WantedProject;
use hythe_registry::robots::WantedRobot;
use hythe_registry::users::CreateUser;
use hythe_registry::{Options, Registry};
use tempfile::TempDir;

const PASSWORD: &str = "correct horse";

struct Bench {
    registry: Arc<Registry>,
    folder: TempDir,
    blobs: Arc<dyn BlobStore>,
}

impl Bench {
    async fn new() -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let blobs: Arc<dyn BlobStore> = Arc::new(Memory::default());
        let registry = Registry::new(open(&folder), blobs.clone(), Options::default());
        registry.database().migrate().await.unwrap();
        registry.set_up(Some(PASSWORD)).await.unwrap();
        Bench { registry, folder, blobs }
    }

    fn other_node(&self) -> Arc<Registry> {
        Registry::new(open(&self.folder), self.blobs.clone(), Options::default())
    }

    /// A private project with a developer in it; the developer's id.
    async fn team(&self) -> i64 {
        let operator = Caller::operator();
        let team = "team".parse().unwrap();
        let wanted = WantedProject { name: team, metadata: BTreeMap::new(), storage_limit: None };
        self.registry.create_project(&operator, wanted).await.unwrap();
        let permit = self.registry.permit_everywhere(&operator).await.unwrap();
        let wanted = CreateUser {
            name: "alice".to_owned(),
            email: String::new(),
            full_name: String::new(),
            password: PASSWORD.to_owned(),
            administrator: false,
            comment: String::new(),
        };
        let alice = self.registry.create_user(&permit, wanted).await.unwrap().id;
        let permit = self.registry.permit_in_project(&operator, &"team".parse().unwrap()).await.unwrap();
        let entity = self.registry.get_entity_of_user("alice").await.unwrap();
        self.registry.create_member(&permit, entity, BuiltIn::Developer.id()).await.unwrap();
        alice
    }

    async fn sign_in(&self, name: &str, secret: &str) -> Result<Caller, hythe_registry::Error> {
        self.registry.sign_in(name, secret, &from("192.0.2.1")).await
    }

    async fn token_for(&self, caller: &Caller) -> String {
        let scope: Scope = "repository:team/app:pull,push".parse().unwrap();
        self.registry.issue_token(caller, &[scope], false).await.unwrap().token
    }
}

fn open(folder: &TempDir) -> Database {
    let url = format!("sqlite://{}/hythe.db", folder.path().display());
    Database::open(&hythe_metadata::Options { exclusive: false, ..hythe_metadata::Options::new(url) })
        .unwrap()
}

fn from(address: &str) -> Arc<Origin> {
    Arc::new(Origin { address: address.to_owned(), ..Origin::default() })
}

fn pull_only() -> PermissionList {
    let access = AccessEntry { resource: "repository".to_owned(), action: "pull".to_owned(), effect: None };
    let entry =
        PermissionEntry { kind: EntryKind::Project, namespace: "team".to_owned(), access: vec![access] };
    PermissionList(vec![entry])
}

fn robot() -> WantedRobot {
    WantedRobot {
        name: "ci".to_owned(),
        description: String::new(),
        project: Some("team".parse().unwrap()),
        disabled: false,
        duration_days: None,
        permissions: pull_only(),
        secret: None,
    }
}

#[tokio::test]
async fn a_limited_token_does_less_than_its_owner() {
    let bench = Bench::new().await;
    bench.team().await;
    let app = "team/app".parse().unwrap();
    let alice = bench.sign_in("alice", PASSWORD).await.unwrap();
    bench.registry.permit::<Push>(&alice, &app).await.unwrap();
    let permit = bench.registry.permit_self(&alice).unwrap();
    let wanted =
        WantedPersonalToken { name: "ci".to_owned(), expires_at: None, permissions: Some(pull_only()) };
    let made = bench.registry.create_personal_token(&permit, wanted).await.unwrap();
    let limited = bench.sign_in("alice", &made.secret).await.unwrap();
    bench.registry.permit::<Pull>(&limited, &app).await.unwrap();
    let refused = bench.registry.permit::<Push>(&limited, &app).await.unwrap_err();
    assert!(refused.message().contains("leaves it out"), "{}", refused.message());
    assert!(bench.registry.permit_self(&limited).is_err(), "a limited token makes no unlimited one");
    assert!(bench.sign_in("admin", &made.secret).await.is_err(), "a token is its owner's");
    let bearer = bench.registry.verify_token(&bench.token_for(&limited).await).await.unwrap();
    let bearer = Caller::token(bearer, Arc::default());
    bench.registry.permit::<Pull>(&bearer, &app).await.unwrap();
    assert!(bench.registry.permit::<Push>(&bearer, &app).await.is_err());
}

/// Users write the list of a token themselves: one that says "everywhere" must not show what its owner may not see.
#[tokio::test]
async fn a_tokens_list_shows_nothing_that_its_owner_does_not_see() {
    let bench = Bench::new().await;
    bench.team().await;
    let operator = Caller::operator();
    let wanted =
        WantedProject { name: "secret".parse().unwrap(), metadata: BTreeMap::new(), storage_limit: None };
    bench.registry.create_project(&operator, wanted).await.unwrap();
    for name in ["secret/plan", "team/app", "team/other"] {
        let permit = bench.registry.permit::<Push>(&operator, &name.parse().unwrap()).await.unwrap();
        bench.registry.start_upload(&permit, hythe_oci::digest::Algorithm::Sha256).await.unwrap();
    }
    let alice = bench.sign_in("alice", PASSWORD).await.unwrap();
    let permit = bench.registry.permit_self(&alice).unwrap();
    for (namespace, expected) in
        [("*", vec!["team/app", "team/other"]), ("secret", vec![]), ("team/app", vec!["team/app"])]
    {
        let PermissionList(mut entries) = pull_only();
        entries[0].namespace = namespace.to_owned();
        let permissions = Some(PermissionList(entries));
        let wanted = WantedPersonalToken { name: namespace.to_owned(), expires_at: None, permissions };
        let made = bench.registry.create_personal_token(&permit, wanted).await.unwrap();
        let limited = bench.sign_in("alice", &made.secret).await.unwrap();
        assert_eq!(bench.registry.catalog(&limited, None, 10).await.unwrap(), expected, "{namespace}");
    }
}

#[tokio::test]
async fn a_robot_does_what_it_was_given_under_either_prefix() {
    let bench = Bench::new().await;
    bench.team().await;
    let made = bench.registry.create_robot(&Caller::operator(), robot()).await.unwrap();
    let name = bench.registry.full_robot_name(&made.robot);
    assert_eq!(name, "robot_team+ci");
    for name in [name.as_str(), "robot$team+ci"] {
        let robot = bench.sign_in(name, &made.secret).await.unwrap();
        bench.registry.permit::<Pull>(&robot, &"team/app".parse().unwrap()).await.unwrap();
        assert!(bench.registry.permit::<Push>(&robot, &"team/app".parse().unwrap()).await.is_err());
        assert!(bench.registry.permit::<Pull>(&robot, &"other/app".parse().unwrap()).await.is_err());
    }
    assert!(bench.sign_in(&name, "wrong").await.is_err());
    let again = bench.registry.create_robot(&Caller::operator(), robot()).await.map(|_| ());
    assert_eq!(again.unwrap_err().kind(), Kind::Conflict);
}

#[tokio::test]
async fn two_secrets_live_while_one_is_changed_for_the_other() {
    let bench = Bench::new().await;
    bench.team().await;
    let operator = Caller::operator();
    let made = bench.registry.create_robot(&operator, robot()).await.unwrap();
    let name = bench.registry.full_robot_name(&made.robot);
    let (id, hour) = (made.robot.id, Duration::from_secs(3600));
    let second = bench.registry.refresh_robot_secret(&operator, id, None, hour).await.unwrap();
    bench.sign_in(&name, &made.secret).await.unwrap();
    bench.sign_in(&name, &second).await.unwrap();
    let third = bench.registry.refresh_robot_secret(&operator, id, None, Duration::ZERO).await.unwrap();
    for dead in [&made.secret, &second] {
        assert!(bench.sign_in(&name, dead).await.is_err());
    }
    bench.sign_in(&name, &third).await.unwrap();
    let weak = bench.registry.refresh_robot_secret(&operator, id, Some("weak"), hour).await;
    assert_eq!(weak.unwrap_err().kind(), Kind::BadRequest);
}

#[tokio::test]
async fn a_robot_gives_no_more_than_it_has() {
    let bench = Bench::new().await;
    bench.team().await;
    let mut maker = robot();
    maker.permissions.0[0].access.extend(["create", "read"].map(|action| AccessEntry {
        resource: "robot".to_owned(),
        action: action.to_owned(),
        effect: None,
    }));
    let made = bench.registry.create_robot(&Caller::operator(), maker).await.unwrap();
    let name = bench.registry.full_robot_name(&made.robot);
    let caller = bench.sign_in(&name, &made.secret).await.unwrap();
    let child = WantedRobot { name: "child".to_owned(), ..robot() };
    bench.registry.create_robot(&caller, child.clone()).await.map(|_| ()).unwrap();
    let mut greedy = WantedRobot { name: "greedy".to_owned(), ..child };
    greedy.permissions.0[0].access[0].action = "push".to_owned();
    let refused = bench.registry.create_robot(&caller, greedy).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.kind(), Kind::Forbidden, "{refused}");
}

#[tokio::test]
async fn what_is_revoked_on_one_node_is_refused_on_another() {
    let bench = Bench::new().await;
    let alice = bench.team().await;
    let other = bench.other_node();
    let operator = Caller::operator();
    let made = bench.registry.create_robot(&operator, robot()).await.unwrap();
    let name = bench.registry.full_robot_name(&made.robot);
    let robots = bench.token_for(&bench.sign_in(&name, &made.secret).await.unwrap()).await;
    let hers = bench.token_for(&bench.sign_in("alice", PASSWORD).await.unwrap()).await;
    for token in [&robots, &hers] {
        other.verify_token(token).await.unwrap();
    }
    bench.registry.delete_robot(&operator, made.robot.id).await.unwrap();
    bench.registry.change_password(&operator, alice, None, "another horse").await.unwrap();
    other.reread_revocations().await.unwrap();
    for token in [&robots, &hers] {
        let refused = other.verify_token(token).await.unwrap_err();
        assert!(refused.message().contains("revoked"), "{refused}");
    }
    let fresh = bench.token_for(&bench.sign_in("alice", "another horse").await.unwrap()).await;
    other.verify_token(&fresh).await.unwrap();
}

#[tokio::test]
async fn a_guesser_is_slowed_on_all_nodes_together_and_others_are_not() {
    let bench = Bench::new().await;
    bench.team().await;
    let nodes = [bench.registry.clone(), bench.other_node()];
    let mut outcomes = Vec::new();
    for attempt in 0..7 {
        let tried = nodes[attempt % 2].sign_in("alice", "guess", &from("198.51.100.1")).await;
        outcomes.push(tried.unwrap_err());
    }
    let kinds: Vec<Kind> = outcomes.iter().map(hythe_registry::Error::kind).collect();
    assert_eq!(kinds[..5], [Kind::Unauthenticated; 5]);
    assert_eq!(kinds[5..], [Kind::TooMany; 2]);
    assert!(outcomes[5].retry_after().is_some());
    let right = nodes[1].sign_in("alice", PASSWORD, &from("198.51.100.1")).await;
    assert_eq!(right.unwrap_err().kind(), Kind::TooMany, "the right password waits too");
    nodes[1].sign_in("alice", PASSWORD, &from("192.0.2.7")).await.unwrap();
    nodes[1].sign_in("admin", PASSWORD, &from("198.51.100.1")).await.unwrap();
}

/// Strangers' pulls from a public project are let in from memory for a moment.
#[tokio::test]
async fn a_project_that_is_closed_is_closed_here_at_once_and_everywhere_within_two_seconds() {
    let bench = Bench::new().await;
    let nodes = [bench.registry.clone(), bench.other_node()];
    let (operator, stranger) = (Caller::operator(), Caller::anonymous(Arc::default()));
    let app = "team/app".parse().unwrap();
    let metadata = BTreeMap::from([("public".to_owned(), "true".to_owned())]);
    let wanted = WantedProject { name: "team".parse().unwrap(), metadata, storage_limit: None };
    bench.registry.create_project(&operator, wanted).await.unwrap();
    for node in &nodes {
        for _ in 0..3 {
            node.permit::<Pull>(&stranger, &app).await.unwrap();
        }
        node.permit::<Push>(&stranger, &app).await.unwrap_err();
    }
    let permit = bench.registry.permit_in_project(&operator, &"team".parse().unwrap()).await.unwrap();
    let private = BTreeMap::from([("public".to_owned(), "false".to_owned())]);
    bench.registry.put_project_metadata(&permit, &private).await.unwrap();
    nodes[0].permit::<Pull>(&stranger, &app).await.unwrap_err();
    tokio::time::sleep(Duration::from_secs(2)).await;
    nodes[1].permit::<Pull>(&stranger, &app).await.unwrap_err();
}

/// A new key signs only when every node has read it: whatever is asked while it takes over, at whichever node, is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_loses_no_request() {
    let bench = Bench::new().await;
    bench.team().await;
    let nodes = [bench.registry.clone(), bench.other_node()];
    let alice = bench.sign_in("alice", PASSWORD).await.unwrap();
    let operator = Caller::operator();
    let permit = bench.registry.permit_everywhere(&operator).await.unwrap();
    let id = bench.registry.rotate_keys(&permit).await.unwrap();
    // Two minutes pass in two seconds.
    let begins = hythe_registry::clock::now() + 2_000_000;
    let file = rusqlite::Connection::open(bench.folder.path().join("hythe.db")).unwrap();
    let changed = file.execute("UPDATE signing_key SET sign_from = ?1 WHERE id = ?2", (begins, &id)).unwrap();
    assert_eq!(changed, 1);
    drop(file);
    for node in &nodes {
        node.key_set().await.unwrap();
    }
    let until = tokio::time::Instant::now() + Duration::from_secs(5);
    let mut work = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (here, there) = (nodes[number % 2].clone(), nodes[(number + 1) % 2].clone());
        let alice = alice.clone();
        work.spawn(async move {
            let scope: Scope = "repository:team/app:pull,push".parse().unwrap();
            let (mut keys, mut asked) = (BTreeSet::new(), 0);
            while tokio::time::Instant::now() < until {
                let token =
                    here.issue_token(&alice, std::slice::from_ref(&scope), false).await.unwrap().token;
                there.verify_token(&token).await.unwrap();
                keys.insert(jsonwebtoken::decode_header(&token).unwrap().kid.unwrap());
                asked += 1;
                tokio::task::yield_now().await;
            }
            (keys, asked)
        });
    }
    while let Some(done) = work.join_next().await {
        let (keys, asked) = done.unwrap();
        assert!(keys.len() == 2 && keys.contains(&id), "{asked} requests saw the keys {keys:?}");
    }
}
