//! What rows cost on this machine, on SQLite: `cargo run --release -p hythe-metadata --example latency`.

use std::time::{Duration, Instant};

use hythe_metadata::manifest::{self, NewManifest};
use hythe_metadata::project::{self, NewProject};
use hythe_metadata::{Database, Error, Options, repository, setting, tag};
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::manifest::Kind;
use hythe_oci::name::RepositoryName;
use hythe_oci::tag::Tag;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const TAGS: u32 = 100_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = tempfile::tempdir_in(std::env::var_os("HYTHE_LATENCY_DIR").unwrap_or_else(|| ".".into()))?;
    let begun = Instant::now();
    let database = Database::open(&Options::new(format!("sqlite://{}/hythe.db", folder.path().display())))?;
    database.migrate().await?;
    println!("open and migrate an empty file      {:>9.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    let (small, large) =
        (fill(&database, "team/small", 100).await?, fill(&database, "team/large", TAGS).await?);
    pulls(&database).await?;
    pages(&database, small, large).await?;
    writes(&database).await?;
    let begun = Instant::now();
    let beside = Options {
        exclusive: false,
        ..Options::new(format!("sqlite://{}/hythe.db", folder.path().display()))
    };
    Database::open(&beside)?.schema().await?.check()?;
    println!("open it again beside the first      {:>9.1} ms", begun.elapsed().as_secs_f64() * 1e3);
    println!("resident memory                     {:>9}", resident()?);
    Ok(())
}

/// A repository with this many tags, each on a manifest of its own of 1 KiB.
async fn fill(database: &Database, name: &'static str, tags: u32) -> Outcome<i64> {
    let id = database
        .transaction(move |c| {
            Box::pin(async move {
                let name: RepositoryName = parse(name)?;
                let project = NewProject {
                    name: name.project(),
                    public: true,
                    internal: false,
                    created_at: 1,
                    created_by: None,
                };
                if project::find(c, &project.name).await?.is_none() {
                    project::create(c, &project).await?;
                }
                Ok(repository::ensure(c, &name, 1).await?.map_or(0, |repository| repository.id))
            })
        })
        .await?;
    for first in (0..tags).step_by(1000) {
        database
            .transaction(move |c| {
                Box::pin(async move {
                    for number in first..(first + 1000).min(tags) {
                        let new = manifest_of(id, number)?;
                        manifest::insert(c, &new, &[]).await?;
                        tag::put(c, id, &tag_of(number)?, &new.digest, 1, "alice").await?;
                    }
                    Ok(())
                })
            })
            .await?;
    }
    Ok(id)
}

fn manifest_of(repository_id: i64, number: u32) -> Result<NewManifest, Error> {
    Ok(NewManifest {
        repository_id,
        digest: digest_of(number)?,
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        artifact_type: None,
        kind: Kind::Image,
        size: 1024,
        bytes: vec![b' '; 1024],
        subject: None,
        annotations_json: "{}".to_owned(),
        about: hythe_metadata::artifact::About::default(),
        pushed_at: 1,
        pushed_by: "alice".to_owned(),
    })
}

/// Spread like the digests of real manifests.
fn digest_of(number: u32) -> Result<Digest, Error> {
    let mut bytes = [0; 32];
    let spread = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bytes[..8].copy_from_slice(&spread.to_be_bytes());
    Digest::new(Algorithm::Sha256, &bytes).map_err(|error| not_made(&error))
}

fn tag_of(number: u32) -> Result<Tag, Error> {
    parse(&format!("v1.{number}"))
}

fn parse<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, Error> {
    text.parse().map_err(|error| not_made(&error))
}

fn not_made(error: &dyn std::fmt::Display) -> Error {
    Error::Url { reason: error.to_string() }
}

async fn pulls(database: &Database) -> Outcome<()> {
    let name: RepositoryName = parse("team/large")?;
    let mut times = Vec::new();
    for round in 0..200_000_u32 {
        let tag = tag_of(round.wrapping_mul(2_654_435_761) % TAGS)?;
        let begun = Instant::now();
        let mut connection = database.connect().await?;
        let found = manifest::pull_by_tag(&mut connection, &name, &tag).await?;
        drop(connection);
        times.push(begun.elapsed());
        assert!(found.is_some());
    }
    report("pull by tag, a random one of 100,000", times);
    Ok(())
}

async fn pages(database: &Database, small: i64, large: i64) -> Outcome<()> {
    let (mut few, mut many) = (Vec::new(), Vec::new());
    for round in 0..5_000_u32 {
        let after = tag_of(round.wrapping_mul(2_654_435_761) % (TAGS - 1000) + 500)?;
        few.push(page(database, small, None).await?);
        many.push(page(database, large, Some(after.as_str())).await?);
    }
    report("page of 100 tags among 100", few);
    report("page of 100 tags among 100,000", many);
    Ok(())
}

async fn page(database: &Database, id: i64, after: Option<&str>) -> Outcome<Duration> {
    let begun = Instant::now();
    let tags = tag::list(&mut database.connect().await?, id, after, 100).await?;
    let took = begun.elapsed();
    assert!(tags.len() > 90);
    Ok(took)
}

async fn writes(database: &Database) -> Outcome<()> {
    for writers in [1, 4, 32, 128] {
        let begun = Instant::now();
        let tasks: Vec<_> =
            (0..writers).map(|writer| tokio::spawn(write(database.clone(), writer))).collect();
        let mut times = Vec::new();
        for task in tasks {
            times.extend(task.await??);
        }
        let rate = times.len() as f64 / begun.elapsed().as_secs_f64();
        println!("{writers:>3} writers, durable                {rate:>9.0} transactions/s");
        report("    each", times);
    }
    Ok(())
}

/// One row a transaction, for two seconds.
async fn write(database: Database, writer: u32) -> Result<Vec<Duration>, Error> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(2) {
        let one = Instant::now();
        let value = times.len().to_string();
        database
            .transaction(move |c| {
                let (key, value) = (format!("key-{writer}"), value.clone());
                Box::pin(async move { setting::put(c, &key, &value).await })
            })
            .await?;
        times.push(one.elapsed());
    }
    Ok(times)
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!("{what:<36}{:>9.1} µs p50 {:>9.1} µs p99", at(0.5), at(0.99));
}

fn resident() -> Outcome<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    Ok(line.unwrap_or("unknown").trim().to_owned())
}
