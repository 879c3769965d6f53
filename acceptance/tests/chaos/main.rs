//! Proof by history: clients push, pull, tag anew and delete through a balancer while nodes, database and disk fail under
//! them. Every answer is written down; afterwards one order of events must explain all of them, and whatever was
//! acknowledged must be there and whole on every node.
//!
//! `HYTHE_CHAOS_SEED` replays a run's faults, `HYTHE_CHAOS_SECONDS` says for how long; `cargo xtask chaos` sets both.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod client;
mod cluster;
mod history;
mod plan;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use client::{Client, Ground, Record, TAGS};
use cluster::{Cluster, NODES};
use futures_util::future::join_all;
use history::{Operation, What};
use hythe_acceptance::desk::digest;
use reqwest::StatusCode;
use serde_json::json;

const CLIENTS: usize = 8;
/// Long enough for one node that stands still for longer than a lease, short enough for every run of the tests.
const SHORT: Duration = Duration::from_secs(60);
/// Long enough for some crashes.
const BROKEN: Duration = Duration::from_secs(16);
/// One set at a time: two would only slow each other down.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// Nodes may take this long to be well again once nothing breaks them any more.
const RECOVERY: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_of_events_explains_every_answer() {
    let seed = given("HYTHE_CHAOS_SEED").unwrap_or_else(fresh_seed);
    let length = given("HYTHE_CHAOS_SECONDS").map_or(SHORT, Duration::from_secs);
    println!(
        "seed {seed}: HYTHE_CHAOS_SEED={seed} HYTHE_CHAOS_SECONDS={} replays the faults",
        length.as_secs()
    );
    let durable = std::env::var_os("HYTHE_CHAOS_WITHOUT_DURABILITY").is_none();
    let Some(violations) = run(seed, length, plan::draw(seed, NODES, length), durable).await else { return };
    assert!(violations.is_empty(), "seed {seed}:\n{}", violations.join("\n"));
}

/// The proof that the check can fail: commits are acknowledged before they are on disk, and the database crashes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_acknowledges_what_is_not_on_disk_is_found_out() {
    let Some(violations) = run(fresh_seed(), BROKEN, plan::crashes(BROKEN), false).await else { return };
    assert!(!violations.is_empty(), "acknowledged pushes were lost and nobody noticed");
    println!("found, as it must be:\n{}", violations[0]);
}

/// Everything that no order of events explains; nothing where this machine has no balancer.
async fn run(seed: u64, length: Duration, planned: Vec<plan::Planned>, durable: bool) -> Option<Vec<String>> {
    if !cluster::can_start() {
        eprintln!("NOT RUN: there is no haproxy; cargo xtask tools installs it");
        return None;
    }
    let _alone = ALONE.lock().await;
    let mut cluster = Cluster::start(durable);
    let ground = prepare(&cluster).await;
    let clients: Vec<_> =
        (0..CLIENTS).map(|number| tokio::spawn(Client::new(ground.clone(), number, seed).run())).collect();
    let (faults, breaking) = (planned.len(), ground.clone());
    let breaking = tokio::task::spawn_blocking(move || {
        break_things(&mut cluster, &planned, &breaking, length);
        cluster
    });
    let cluster = breaking.await.unwrap();
    ground.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    await_recovery(&cluster).await;
    let mut record = std::mem::take(&mut *ground.record.lock().unwrap());
    read_everything(&cluster, &ground, &mut record).await;
    println!("{}", summary(&record, faults));
    let mut violations = judge(&record);
    violations.append(&mut record.violations);
    if !violations.is_empty() && durable {
        eprintln!("{}", cluster.logs_tail());
    }
    Some(violations)
}

fn given(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn fresh_seed() -> u64 {
    u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos())
}

async fn prepare(cluster: &Cluster) -> Arc<Ground> {
    let (host, project) = (cluster.host(), "arena".to_owned());
    let made = client::patient()
        .post(format!("http://{host}/api/v2.0/projects"))
        .basic_auth("admin", Some(hythe_acceptance::server::PASSWORD))
        .json(&json!({ "project_name": project }))
        .send()
        .await
        .unwrap();
    assert_eq!(made.status(), StatusCode::CREATED);
    let record = Mutex::new(Record::default());
    Arc::new(Ground { host, project, begun: Instant::now(), over: AtomicBool::new(false), record })
}

/// In their order, each when its time has come and the one before is over.
fn break_things(cluster: &mut Cluster, planned: &[plan::Planned], ground: &Ground, length: Duration) {
    for (at, fault) in planned {
        std::thread::sleep(at.saturating_sub(ground.begun.elapsed()));
        println!("{:>7.1} s {fault:?}", ground.begun.elapsed().as_secs_f32());
        cluster.suffer(*fault);
    }
    std::thread::sleep(length.saturating_sub(ground.begun.elapsed()));
}

async fn await_recovery(cluster: &Cluster) {
    let (begun, http) = (Instant::now(), client::patient());
    for host in cluster.hosts() {
        while client::look(&http, &host, "/readyz").await.is_none() {
            assert!(begun.elapsed() < RECOVERY, "{host} is not well again\n{}", cluster.logs_tail());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Every tag once more on every node, as reads that come after everything; and everything that was acknowledged.
async fn read_everything(cluster: &Cluster, ground: &Ground, record: &mut Record) {
    let http = client::patient();
    let kept = std::mem::take(&mut record.kept);
    for host in cluster.hosts() {
        for tag in 0..TAGS {
            let path = format!("/v2/{}/chaos/manifests/tag-{tag}", ground.project);
            let begun = ground.begun.elapsed();
            let found = client::look(&http, &host, &path).await.map(|bytes| digest(&bytes));
            let ended = Some(ground.begun.elapsed());
            record.tags.push((tag, Operation { begun, ended, what: What::Read(found), client: CLIENTS }));
        }
        for paths in kept.chunks(16) {
            let looked = join_all(paths.iter().map(|path| client::look(&http, &host, path))).await;
            for (path, found) in paths.iter().zip(looked) {
                if !found.is_some_and(|bytes| path.ends_with(&digest(&bytes))) {
                    record.violations.push(format!("{host}: {path} was acknowledged and is not there whole"));
                }
            }
        }
    }
    record.kept = kept;
}

fn judge(record: &Record) -> Vec<String> {
    let mut of_tags: BTreeMap<usize, Vec<Operation>> = BTreeMap::new();
    for (tag, operation) in &record.tags {
        of_tags.entry(*tag).or_default().push(operation.clone());
    }
    let unexplained = |(tag, operations): (&usize, &Vec<Operation>)| {
        let placed = history::explain(operations).err()?;
        Some(format!(
            "tag-{tag}: no order explains its history; {placed} events could be placed\n{}",
            told(operations)
        ))
    };
    of_tags.iter().filter_map(unexplained).collect()
}

/// A history for a person to read.
fn told(operations: &[Operation]) -> String {
    let mut operations: Vec<&Operation> = operations.iter().collect();
    operations.sort_by_key(|operation| operation.begun);
    let mut text = String::new();
    for Operation { begun, ended, what, client } in operations {
        let _ = writeln!(text, "  {begun:?} to {ended:?} client {client}: {what:?}");
    }
    text
}

fn summary(record: &Record, faults: usize) -> String {
    let count = |wanted: fn(&Operation) -> bool| record.tags.iter().filter(|(_, done)| wanted(done)).count();
    format!(
        "{faults} faults; {} tags written, {} read; {} requests without an answer; {} blobs and images looked at on every node",
        count(|done| done.ended.is_some() && matches!(done.what, What::Write(_))),
        count(|done| matches!(done.what, What::Read(_))),
        record.unanswered,
        record.kept.len(),
    )
}
