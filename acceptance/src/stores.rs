//! What the servers of a run stand on: SQLite and a folder, or PostgreSQL and S3.

use std::env;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// `HYTHE_ACCEPTANCE_STORES=shared` runs every test on PostgreSQL and S3 instead; a suite that knows nothing of its stores
/// must not notice.
const CHOICE: &str = "HYTHE_ACCEPTANCE_STORES";
const POSTGRES: &str = "HYTHE_TEST_POSTGRES";
const S3: &str = "HYTHE_TEST_S3";
const S3_SECOND: &str = "HYTHE_TEST_S3_SECOND";
const SHARED_FOLDERS: &str = "HYTHE_TEST_SHARED_FOLDERS";

/// The settings of one more server; each has a database and a prefix of its own.
pub(crate) fn variables() -> Vec<(&'static str, String)> {
    if env::var(CHOICE).is_ok_and(|choice| choice == "shared") { shared() } else { Vec::new() }
}

/// A new database for nodes that are to share one, or nothing where no PostgreSQL was started for the tests.
pub fn postgres() -> Option<String> {
    env::var(POSTGRES).ok().map(|maintenance| make_database(&maintenance, &fresh_name()))
}

fn fresh_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("acceptance_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// The settings of nodes that are to share a part of a bucket, or nothing where no S3 was started for the tests.
pub fn s3() -> Option<Vec<(&'static str, String)>> {
    env::var(S3).ok().map(|url| bucket_settings(&url, &fresh_name()))
}

/// The same of the other server.
pub fn second_s3() -> Option<Vec<(&'static str, String)>> {
    env::var(S3_SECOND).ok().map(|url| bucket_settings(&url, &fresh_name()))
}

/// A new folder as two nodes see it that mounted its file system each for itself, or nothing where none was mounted.
pub fn shared_folder() -> Option<[String; 2]> {
    let mounts = env::var(SHARED_FOLDERS).ok()?;
    let (here, there) = mounts.split_once(':').unwrap();
    let name = fresh_name();
    std::fs::create_dir(format!("{here}/{name}")).unwrap();
    Some([format!("{here}/{name}"), format!("{there}/{name}")])
}

fn shared() -> Vec<(&'static str, String)> {
    let name = fresh_name();
    let mut settings = bucket_settings(&given(S3), &name);
    settings.push(("HYTHE_DATABASE_URL", make_database(&given(POSTGRES), &name)));
    settings
}

fn bucket_settings(url: &str, name: &str) -> Vec<(&'static str, String)> {
    let (endpoint, bucket) = split(url);
    vec![
        ("HYTHE_STORAGE_URL", format!("s3://{bucket}/{name}")),
        ("HYTHE_STORAGE_S3_ENDPOINT", endpoint),
        ("HYTHE_STORAGE_S3_ACCESS_KEY", given("AWS_ACCESS_KEY_ID")),
        ("HYTHE_STORAGE_S3_SECRET_KEY", given("AWS_SECRET_ACCESS_KEY")),
    ]
}

/// The URL of a new database on the server of `maintenance`.
fn make_database(maintenance: &str, name: &str) -> String {
    let made = Command::new("psql")
        .args([
            "--quiet",
            "--no-psqlrc",
            "--dbname",
            maintenance,
            "--command",
            &format!("CREATE DATABASE {name}"),
        ])
        .status()
        .unwrap();
    assert!(made.success(), "the database {name} could not be made");
    let (server, _) = split(maintenance);
    format!("{server}/{name}")
}

/// A URL without its last part, and that part.
fn split(url: &str) -> (String, String) {
    let (rest, last) = url.rsplit_once('/').unwrap();
    (rest.to_owned(), last.to_owned())
}

fn given(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("{CHOICE}=shared needs {name}; cargo xtask test sets it"))
}
