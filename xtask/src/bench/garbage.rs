//! Pulls and pushes while garbage is collected, against the same without: in turn, on one server with much to collect.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::manifests;
use super::nodes;
use super::peers::Hythe;
use super::report::{Report, median};
use crate::command::{self, Outcome};
use crate::places;
use crate::services::Service;

/// Rows that no client makes in a reasonable time.
const FILL: &str = "xtask/src/bench/garbage.sql";
const REPOSITORY: &str = "library/live";
const PUSHERS: usize = 4;
const LENGTH: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// Per second.
#[derive(Clone, Copy)]
struct Rates {
    pulls: f64,
    pushes: f64,
}

/// Where the rows are.
#[derive(Clone, Copy)]
enum Engine {
    Sqlite,
    Postgres,
}

pub(super) fn measure(folder: &Path, rounds: usize, report: &mut Report) -> Outcome {
    measure_on(Engine::Sqlite, folder, rounds, report)?;
    measure_on(Engine::Postgres, folder, rounds, report)
}

fn measure_on(engine: Engine, folder: &Path, rounds: usize, report: &mut Report) -> Outcome {
    let (hythe, _database) = start(engine, folder)?;
    let token = hythe.token(&format!("repository:{REPOSITORY}:pull,push"))?;
    manifests::push(&hythe.client(Some(token.clone())), REPOSITORY, "v1")?;
    let (mut without, mut with) = (Vec::new(), Vec::new());
    let tags = AtomicUsize::new(0);
    for _ in 0..rounds {
        without.push(rates(&hythe, &token, &tags)?);
        let job = begin(&hythe)?;
        with.push(rates(&hythe, &token, &tags)?);
        end(&hythe, &job)?;
    }
    let engine = engine.name();
    for (what, of) in
        [("pulls", (|rates| rates.pulls) as fn(&Rates) -> f64), ("pushes", |rates| rates.pushes)]
    {
        let [quiet, busy] = [&without, &with].map(|all| median(&all.iter().map(of).collect::<Vec<_>>()));
        let measure = format!("{what} on {engine} while garbage is collected: rate, of that without");
        report.add(measure, busy / quiet, "at least 0.9");
        report.note(format!("{what} on {engine}: {quiet:.0}/s, while garbage is collected {busy:.0}/s"));
    }
    Ok(())
}

/// A server with much to collect, and its database where that is a service of its own.
fn start(engine: Engine, folder: &Path) -> Outcome<(Hythe, Option<Service>)> {
    match engine {
        Engine::Sqlite => {
            let data = Hythe::start(folder, "garbage")?.stop();
            let mut sqlite = command::program("sqlite3")?;
            fill(engine, sqlite.arg("-bail").arg(data.join("hythe.db")))?;
            Ok((Hythe::start(folder, "garbage")?, None))
        }
        Engine::Postgres => {
            let (postgres, url) = nodes::start_database(&folder.join("garbage-postgres"))?;
            let hythe = Hythe::start_on(folder, "garbage-node", &url)?;
            // It has its port before it makes its tables, and answers when it has made them.
            hythe.token(&format!("repository:{REPOSITORY}:pull"))?;
            let mut psql = command::program("psql")?;
            fill(
                engine,
                psql.args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--dbname", &url]),
            )?;
            Ok((hythe, Some(postgres)))
        }
    }
}

/// Has the engine's own program run the statements.
fn fill(engine: Engine, program: &mut Command) -> Outcome {
    let statements =
        fs::read_to_string(places::tree().join(FILL))?.replace("HEXADECIMAL", engine.hexadecimal());
    let mut running = program.stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    running.stdin.take().ok_or("it takes no input")?.write_all(statements.as_bytes())?;
    if running.wait()?.success() { Ok(()) } else { Err("the rows could not be made".into()) }
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Engine::Sqlite => "SQLite",
            Engine::Postgres => "PostgreSQL",
        }
    }

    /// A number as the 64 digits of a digest.
    fn hexadecimal(self) -> &'static str {
        match self {
            Engine::Sqlite => "printf('%064x', n)",
            Engine::Postgres => "lpad(to_hex(n), 64, '0')",
        }
    }
}

fn rates(hythe: &Hythe, token: &str, tags: &AtomicUsize) -> Outcome<Rates> {
    let path = format!("/v2/{REPOSITORY}/manifests/v1");
    let pulls = manifests::load(hythe.port, &path, Some(token))?.rate;
    Ok(Rates { pulls, pushes: pushes(hythe, token, tags)? })
}

/// An upload of a blob and a manifest under a new tag, by several clients at once.
fn pushes(hythe: &Hythe, token: &str, tags: &AtomicUsize) -> Outcome<f64> {
    let before = tags.load(Ordering::Relaxed);
    let begun = Instant::now();
    let push_until_the_end = || -> Outcome {
        let client = hythe.client(Some(token.to_owned()));
        while begun.elapsed() < LENGTH {
            let tag = format!("t{}", tags.fetch_add(1, Ordering::Relaxed));
            manifests::push(&client, REPOSITORY, &tag)?;
        }
        Ok(())
    };
    thread::scope(|scope| -> Outcome {
        let pushers: Vec<_> = (0..PUSHERS).map(|_| scope.spawn(push_until_the_end)).collect();
        for pusher in pushers {
            pusher.join().map_err(|_| "a client broke down")??;
        }
        Ok(())
    })?;
    let pushed = tags.load(Ordering::Relaxed) - before;
    Ok(u32::try_from(pushed).map(f64::from)? / begun.elapsed().as_secs_f64())
}

/// Starts a collection and comes back when it is at work.
fn begin(hythe: &Hythe) -> Outcome<String> {
    let body = r#"{"schedule":{"type":"Manual"},"parameters":{"delete_untagged":false}}"#;
    hythe.ask("POST", "/api/v2.0/system/gc/schedule", body)?;
    let newest: Value = serde_json::from_str(&hythe.ask("GET", "/api/v2.0/system/gc?page_size=1", "")?)?;
    let job = newest[0]["id"].to_string();
    await_status(hythe, &job, &["Running"])?;
    Ok(job)
}

/// Stops it, so that the next round finds something to collect.
fn end(hythe: &Hythe, job: &str) -> Outcome {
    if status(hythe, job)? == "Success" {
        return Err("the collection was over before the round was: what was measured is no collection".into());
    }
    hythe.ask("PUT", &format!("/api/v2.0/system/gc/{job}"), "")?;
    await_status(hythe, job, &["Stopped", "Success"])
}

fn await_status(hythe: &Hythe, job: &str, wanted: &[&str]) -> Outcome {
    let begun = Instant::now();
    loop {
        let now = status(hythe, job)?;
        if wanted.contains(&now.as_str()) {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE || now == "Error" {
            return Err(format!("the collection is {now}, not {}", wanted.join(" or ")).into());
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn status(hythe: &Hythe, job: &str) -> Outcome<String> {
    let shown: Value = serde_json::from_str(&hythe.ask("GET", &format!("/api/v2.0/system/gc/{job}"), "")?)?;
    Ok(shown["job_status"].as_str().unwrap_or_default().to_owned())
}
