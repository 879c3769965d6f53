//! Nodes over one database and one storage, on both engines: SQLite always, PostgreSQL where `HYTHE_TEST_POSTGRES` holds
//! the URL of a server in which the tests may make databases.

#![allow(dead_code, unused_imports, unused_macros, reason = "every suite uses a part of it")]

pub(crate) mod store;

use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::{BlobStore, Memory};
use hythe_metadata::Database;
use hythe_registry::{Options, Registry};
use tempfile::TempDir;

/// The test functions named here, each an `async fn(Bench)`, once for each engine.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $test() { $crate::support::run_on_sqlite(super::$test); })+
        }
        mod on_postgres {
            $(#[test] fn $test() { $crate::support::run_on_postgres(super::$test); })+
        }
    };
}
pub(crate) use on_both_engines;

/// For a machine that does other things meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// An empty, migrated database of its own and a storage in memory.
pub(crate) struct Bench {
    url: String,
    blobs: Arc<dyn BlobStore>,
    _folder: Option<TempDir>,
}

impl Bench {
    async fn new(url: String, folder: Option<TempDir>) -> Bench {
        let bench = Bench { url, blobs: Arc::new(Memory::default()), _folder: folder };
        let node = Registry::new(bench.database(), bench.blobs.clone(), Options::default());
        node.database().migrate().await.unwrap();
        node.set_up(Some("correct horse")).await.unwrap();
        bench
    }

    /// A node of this name.
    pub(crate) fn node(&self, name: &str) -> Arc<Registry> {
        self.node_with(Options { node: name.to_owned(), ..Options::default() })
    }

    /// A node with these options.
    pub(crate) fn node_with(&self, options: Options) -> Arc<Registry> {
        Registry::new(self.database(), self.blobs.clone(), options)
    }

    fn database(&self) -> Database {
        let options = hythe_metadata::Options {
            exclusive: false,
            pool_size: 6,
            acquire_timeout: PATIENCE,
            connect_timeout: PATIENCE,
            ..hythe_metadata::Options::new(self.url.clone())
        };
        Database::open(&options).unwrap()
    }
}

pub(crate) fn run_on_sqlite<F: Future<Output = ()>>(test: impl FnOnce(Bench) -> F) {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/hythe.db", folder.path().display());
        test(Bench::new(url, Some(folder)).await).await;
    });
}

pub(crate) fn run_on_postgres<F: Future<Output = ()>>(test: impl FnOnce(Bench) -> F) {
    let Ok(server) = std::env::var("HYTHE_TEST_POSTGRES") else {
        eprintln!("not run: HYTHE_TEST_POSTGRES does not name a PostgreSQL server to make databases in");
        return;
    };
    block_on(async {
        let name = format!("hythe_test_{}", uuid::Uuid::new_v4().simple());
        administer(&server, &format!("CREATE DATABASE {name}")).await;
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        test(Bench::new(url.into(), None).await).await;
        administer(&server, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
    });
}

/// One statement as the owner of the test server.
async fn administer(server: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(server, tokio_postgres::NoTls).await.unwrap();
    let connection = tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap();
    drop(client);
    connection.await.unwrap().unwrap();
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(2).enable_all().build().unwrap().block_on(work)
}
