//! How long what grows takes, on both engines: a page of a list among 100 rows and among 100,000, and what the permission
//! check adds to a pull. `cargo xtask bench` runs it and writes down what it says; nothing here fails for being slow.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what goes wrong fails, and what was measured is printed"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use hythe_blobs::Memory;
use hythe_metadata::tag::Expected;
use hythe_metadata::{Database, Engine, Window};
use hythe_oci::reference::Reference;
use hythe_oci::scope::Scope;
use hythe_registry::access::{Caller, Origin, Pull, Push, rights};
use hythe_registry::artifacts::{ArtifactQuery, With};
use hythe_registry::manifests::PushManifest;
use hythe_registry::projects::{ProjectQuery, WantedProject};
use hythe_registry::repositories::RepositoryQuery;
use hythe_registry::{Options, Registry};

const FEW: i64 = 100;
const MANY: i64 = 100_000;
const PAGE: u32 = 100;
/// As many as there are behind the middle of few.
const HALF: u32 = 49;
const PAGES: usize = 40;
const PULLS: u32 = 20_000;
const PASSWORD: &str = "correct horse";

/// A database of its own on an engine, which stays until the test's folder or server goes.
struct Bench {
    registry: Arc<Registry>,
    url: String,
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn new(engine: Engine) -> Option<Bench> {
        let folder = tempfile::tempdir().unwrap();
        let url = match engine {
            Engine::Sqlite => format!("sqlite://{}/hythe.db", folder.path().display()),
            Engine::Postgres => new_database(&std::env::var("HYTHE_TEST_POSTGRES").ok()?).await,
        };
        let database = Database::open(&hythe_metadata::Options {
            exclusive: false,
            ..hythe_metadata::Options::new(url.clone())
        })
        .unwrap();
        let registry = Registry::new(database, Arc::new(Memory::default()), Options::default());
        registry.database().migrate().await.unwrap();
        registry.set_up(Some(PASSWORD)).await.unwrap();
        Some(Bench { registry, url, _folder: folder })
    }

    /// Rows in bulk, as no request makes them. `numbers` stands for a table of the numbers from 1 to `count`.
    async fn fill(&self, count: i64, statements: &[&str]) {
        if let Some(file) = self.url.strip_prefix("sqlite://") {
            let connection = rusqlite::Connection::open(file).unwrap();
            let numbers = format!(
                "(WITH RECURSIVE c (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c WHERE n < {count}) SELECT n FROM c)"
            );
            for statement in statements {
                connection.execute_batch(&statement.replace("numbers", &numbers)).unwrap();
            }
            return connection.execute_batch("ANALYZE").unwrap();
        }
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        for statement in statements {
            let numbers = format!("generate_series(1, {count}) AS c (n)");
            let statement = statement.replace("X'7B7D'", "'\\x7b7d'").replace("numbers", &numbers);
            client.batch_execute(&statement).await.unwrap();
        }
        client.batch_execute("VACUUM ANALYZE").await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    }
}

async fn new_database(server: &str) -> String {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    let name = format!("hythe_speed_{}", uuid::Uuid::new_v4().simple());
    client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
    let mut url = url::Url::parse(server).unwrap();
    url.set_path(&name);
    url.into()
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

/// `measured`, a name, a value: what `cargo xtask bench` looks for.
fn tell(name: &str, value: f64) {
    println!("measured\t{name}\t{value}");
}

/// The middle of many, in microseconds.
async fn median(times: usize, mut work: impl AsyncFnMut()) -> f64 {
    work().await;
    let mut taken = Vec::new();
    for _ in 0..times {
        let begun = Instant::now();
        work().await;
        taken.push(begun.elapsed().as_secs_f64() * 1e6);
    }
    taken.sort_by(f64::total_cmp);
    taken[times / 2]
}

async fn make_project(registry: &Registry, name: &str, public: bool) {
    let metadata = BTreeMap::from([("public".to_owned(), public.to_string())]);
    let wanted = WantedProject { name: name.parse().unwrap(), metadata, storage_limit: None };
    registry.create_project(&Caller::operator(), wanted).await.unwrap();
}

/// Pages of projects, repositories and artifacts: from the beginning and from behind the middle, in microseconds.
async fn pages(engine: Engine, count: i64) -> Option<BTreeMap<&'static str, f64>> {
    let bench = Bench::new(engine).await?;
    make_project(&bench.registry, "team", false).await;
    bench
        .fill(
            count,
            &[
                "INSERT INTO project (name, public, created_at) SELECT 'p' || (1000000 + n), FALSE, n FROM numbers",
                "INSERT INTO repository (project_id, name, created_at)
                    SELECT p.id, 'team/r' || (1000000 + n), n FROM numbers, project p WHERE p.name = 'team'",
                "INSERT INTO repository (project_id, name, created_at)
                    SELECT p.id, 'team/full', 1 FROM project p WHERE p.name = 'team'",
                "INSERT INTO manifest (repository_id, digest, media_type, kind, size, pushed_at, pushed_by, annotations, bytes)
                    SELECT r.id, 'sha256:000000000000000000000000000000000000000000000000000000000' || (1000000 + n), 'm', 'image', 2, n, 'a', '{}', X'7B7D'
                    FROM numbers, repository r WHERE r.name = 'team/full'",
                "INSERT INTO artifact (project_id, repository_id, digest, kind, media_type, artifact_type, size, pushed_at)
                    SELECT r.project_id, m.repository_id, m.digest, 'IMAGE', 'm', 'm', m.size, m.pushed_at
                    FROM manifest m JOIN repository r ON r.id = m.repository_id",
                "INSERT INTO tag (repository_id, name, digest, updated_at, updated_by)
                    SELECT m.repository_id, 'v' || m.pushed_at, m.digest, m.pushed_at, 'a' FROM manifest m",
            ],
        )
        .await;
    let admin = bench.registry.sign_in("admin", PASSWORD, &Arc::new(Origin::default())).await.unwrap();
    let registry = &bench.registry;
    let list = registry
        .permit_in_project::<rights::repository::List>(&admin, &"team".parse().unwrap())
        .await
        .unwrap();
    let artifacts =
        registry.permit::<rights::artifact::List>(&admin, &"team/full".parse().unwrap()).await.unwrap();
    let middle = format!("p{}", 1_000_000 + count / 2);
    let middle_repository = format!("team/r{}", 1_000_000 + count / 2);
    let with = With { tags: true, labels: true, accessories: true };
    let mut taken = BTreeMap::new();
    for (name, after) in [("projects", ""), ("projects behind the middle", middle.as_str())] {
        let took = median(PAGES, async || {
            let window = Window::behind(after, HALF);
            let (page, total) =
                registry.list_projects(&admin, ProjectQuery::default(), window).await.unwrap();
            assert!(page.len() == HALF as usize && total > count, "{} {total}", page.len());
        });
        taken.insert(name, took.await);
    }
    for (name, after) in
        [("repositories", ""), ("repositories behind the middle", middle_repository.as_str())]
    {
        let took = median(PAGES, async || {
            let window = Window::behind(after, HALF);
            let (page, total) =
                registry.list_repositories(&list, RepositoryQuery::default(), window).await.unwrap();
            assert!(page.len() == HALF as usize && total > count, "{} {total}", page.len());
        });
        taken.insert(name, took.await);
    }
    let took = median(PAGES, async || {
        let window = Window::behind(None, PAGE);
        let (page, total) =
            registry.list_artifacts(&artifacts, ArtifactQuery::default(), with, window).await.unwrap();
        assert!(page.len() == PAGE as usize && total == count, "{} {total}", page.len());
    });
    taken.insert("artifacts", took.await);
    Some(taken)
}

fn measure_pages(engine: Engine) {
    block_on(async {
        let Some(few) = pages(engine, FEW).await else { return };
        let many = pages(engine, MANY).await.unwrap();
        for (name, took) in &many {
            tell(&format!("{name}, {engine}: microseconds among {FEW}"), few[name]);
            tell(&format!("{name}, {engine}: microseconds among {MANY}"), *took);
            tell(&format!("{name}, {engine}: ratio"), took / few[name]);
        }
    });
}

#[test]
#[ignore = "measures for minutes; cargo xtask bench runs it"]
fn pages_on_sqlite() {
    measure_pages(Engine::Sqlite);
}

#[test]
#[ignore = "measures for minutes; cargo xtask bench runs it"]
fn pages_on_postgres() {
    measure_pages(Engine::Postgres);
}

/// A manifest, and those who pull it: with a bearer token as every client does, by name and password, and anybody.
async fn measure_check(engine: Engine) {
    let Some(bench) = Bench::new(engine).await else { return };
    let registry = &bench.registry;
    make_project(registry, "team", true).await;
    let app = "team/app".parse().unwrap();
    let push = registry.permit::<Push>(&Caller::operator(), &app).await.unwrap();
    let bytes =
        br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    let wanted = PushManifest {
        reference: Reference::Tag("v1".parse().unwrap()),
        tags: Vec::new(),
        content_type: Some("application/vnd.oci.image.index.v1+json".to_owned()),
        bytes: bytes.to_vec().into(),
        expected: Expected::Any,
    };
    registry.push_manifest(&push, wanted).await.unwrap();
    let origin = Arc::new(Origin::default());
    let admin = registry.sign_in("admin", PASSWORD, &origin).await.unwrap();
    let scope: Scope = "repository:team/app:pull".parse().unwrap();
    let token = registry.issue_token(&admin, &[scope], false).await.unwrap().token;
    let bearer = Caller::token(registry.verify_token(&token).await.unwrap(), origin.clone());
    let reference = Reference::Tag("v1".parse().unwrap());
    for (name, caller) in [
        ("a bearer token", &bearer),
        ("a name and a password", &admin),
        ("nobody", &Caller::anonymous(origin.clone())),
    ] {
        let check = mean(async || drop(registry.permit::<Pull>(caller, &app).await.unwrap())).await;
        let permit = registry.permit::<Pull>(caller, &app).await.unwrap();
        let pull = mean(async || drop(registry.pull_manifest(&permit, &reference).await.unwrap())).await;
        tell(&format!("permission check with {name}, {engine}: microseconds"), check);
        tell(&format!("manifest read with {name}, {engine}: microseconds"), pull);
        tell(&format!("permission check with {name}, {engine}: share"), check / (check + pull));
    }
}

async fn mean(mut work: impl AsyncFnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..PULLS {
        work().await;
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(PULLS)
}

#[test]
#[ignore = "measures for minutes; cargo xtask bench runs it"]
fn check_on_sqlite() {
    block_on(measure_check(Engine::Sqlite));
}

#[test]
#[ignore = "measures for minutes; cargo xtask bench runs it"]
fn check_on_postgres() {
    block_on(measure_check(Engine::Postgres));
}
