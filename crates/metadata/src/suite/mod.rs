//! One suite, run on both engines: SQLite always, PostgreSQL where `HYTHE_TEST_POSTGRES` holds the URL of a
//! server in which the tests may make databases. Every test gets an empty, migrated database of its own.

mod accounts;
mod activity;
mod artifacts;
mod collection;
mod jobs;
mod journal;
mod labels;
mod migrations;
mod nodes;
mod paging;
mod plans;
mod quotas;
mod rules;
mod sources;
mod statements;
mod tags;
mod transactions;
mod trash;
mod uploads;

use std::future::Future;
use std::time::Duration;

use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::manifest::{Kind, ReferenceKind};
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;
use hythe_oci::upload_id::UploadId;

use crate::artifact::About;
use crate::project::{NewProject, Project};
use crate::trash::{Deletion, Why};
use crate::user::{NewUser, User};
use crate::{Connection, Database, Options, Work};
use crate::{manifest, project, repository, tag, user};

/// The test functions named here, each with `async fn(Database)`, once for each engine.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $test() { $crate::suite::run_on_sqlite(super::$test); })+
        }
        mod on_postgres {
            $(#[test] fn $test() { $crate::suite::run_on_postgres(super::$test); })+
        }
    };
}
use on_both_engines;

pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(work)
}

fn run_on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Database) -> F) {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let database = Database::open(&sqlite_options(folder.path())).unwrap();
        database.migrate().await.unwrap();
        test(database).await;
    });
}

fn run_on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Database) -> F) {
    with_postgres(|options| async move {
        let database = Database::open(&options).unwrap();
        database.migrate().await.unwrap();
        test(database).await;
    });
}

/// Runs the test against an empty PostgreSQL database, which is dropped afterwards.
pub(crate) fn with_postgres<F: Future<Output = ()>>(test: impl FnOnce(Options) -> F) {
    let Ok(server) = std::env::var("HYTHE_TEST_POSTGRES") else {
        eprintln!("not run: HYTHE_TEST_POSTGRES does not name a PostgreSQL server to make databases in");
        return;
    };
    block_on(async {
        let name = format!("hythe_test_{}", uuid::Uuid::new_v4().simple());
        administer(&server, &format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        test(Options {
            pool_size: 12,
            acquire_timeout: PATIENCE,
            connect_timeout: PATIENCE,
            ..Options::new(url)
        })
        .await;
        administer(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    });
}

/// For a machine that does other things meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// One statement as the owner of the test server.
async fn administer(server: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

pub(crate) fn sqlite_options(folder: &std::path::Path) -> Options {
    Options::new(format!("sqlite://{}/hythe.db", folder.display()))
}

/// Rows that the program would never write.
pub(crate) async fn raw(database: &Database, sql: &'static str) {
    write(database, move |c| Box::pin(c.batch("test", sql))).await;
}

/// One transaction.
pub(crate) async fn write<T, F>(database: &Database, work: F) -> T
where
    T: Send + 'static,
    F: for<'c> Fn(&'c mut Connection) -> Work<'c, T> + Send + Sync + 'static,
{
    database.transaction(work).await.unwrap()
}

/// A connection for reads.
pub(crate) async fn reader(database: &Database) -> Connection {
    database.connect().await.unwrap()
}

fn digest(seed: u64) -> Digest {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes[24..].copy_from_slice(&seed.to_be_bytes());
    Digest::new(Algorithm::Sha256, &bytes).unwrap()
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn tag_named(text: &str) -> Tag {
    text.parse().unwrap()
}

fn upload_id(number: u128) -> UploadId {
    UploadId::from_u128(number)
}

async fn make_project(database: &Database, name: &str, public: bool) -> Project {
    let new =
        NewProject { name: name.parse().unwrap(), public, internal: false, created_at: 1, created_by: None };
    write(database, move |c| {
        let new = new.clone();
        Box::pin(async move { project::create(c, &new).await })
    })
    .await
}

/// The repository of this name; its project is made, public, if it is missing.
async fn make_repository(database: &Database, text: &str) -> i64 {
    let name = name(text);
    if project::find(&mut reader(database).await, &name.project()).await.unwrap().is_none() {
        make_project(database, name.project().as_str(), true).await;
    }
    write(database, move |c| {
        let name = name.clone();
        Box::pin(async move { Ok(repository::ensure(c, &name, 1).await?.unwrap().id) })
    })
    .await
}

async fn make_user(database: &Database, name: &str) -> User {
    let new = NewUser {
        name: name.to_owned(),
        email: Some(format!("{name}@example.com")),
        full_name: String::new(),
        password_hash: "hash".to_owned(),
        administrator: false,
        comment: String::new(),
        created_at: 1,
    };
    write(database, move |c| {
        let new = new.clone();
        Box::pin(async move { user::create(c, &new).await })
    })
    .await
}

/// An act of bob's that can be undone until the time 1000.
fn deletion(id: &str, at: i64) -> Deletion {
    Deletion { id: id.to_owned(), at, by: "bob".to_owned(), why: Why::Artifact, keep_until: Some(1000) }
}

fn new_manifest(repository_id: i64, digest: Digest) -> manifest::NewManifest {
    manifest::NewManifest {
        repository_id,
        digest,
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        artifact_type: None,
        kind: Kind::Image,
        size: 2,
        bytes: b"{}".to_vec(),
        subject: None,
        annotations_json: "{}".to_owned(),
        about: About { kind: "IMAGE".to_owned(), size: 2, ..About::default() },
        pushed_at: 1,
        pushed_by: "alice".to_owned(),
    }
}

async fn insert_manifest(
    database: &Database,
    new: manifest::NewManifest,
    references: Vec<(ReferenceKind, Digest)>,
) -> bool {
    write(database, move |c| {
        let (new, references) = (new.clone(), references.clone());
        Box::pin(async move { manifest::insert(c, &new, &references).await })
    })
    .await
}

async fn put_tag(database: &Database, repository_id: i64, text: &str, to: Digest) -> Option<Digest> {
    let tag = tag_named(text);
    write(database, move |c| {
        let tag = tag.clone();
        Box::pin(async move { tag::put(c, repository_id, &tag, &to, 1, "alice").await })
    })
    .await
}

/// Many tags and their one manifest, in one go.
async fn make_tags(database: &Database, repository_id: i64, tags: Vec<String>) {
    insert_manifest(database, new_manifest(repository_id, digest(0)), Vec::new()).await;
    write(database, move |c| {
        let tags = tags.clone();
        Box::pin(async move {
            for text in tags {
                tag::put(c, repository_id, &tag_named(&text), &digest(0), 1, "alice").await?;
            }
            Ok(())
        })
    })
    .await;
}
