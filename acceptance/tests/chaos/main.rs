//! Proof by history: clients push, pull, tag anew, delete and undelete through a balancer while nodes, database and disk fail
//! under them, and garbage collection and retention take away what they may. Every answer is written down; afterwards one
//! order of events must explain all of them, and whatever was acknowledged must be there and whole on every node.
//!
//! `HYTHE_CHAOS_SEED` replays a run's faults, `HYTHE_CHAOS_SECONDS` says for how long, `HYTHE_CHAOS_STORAGE` over what, and
//! `HYTHE_CHAOS_WITHOUT` which rule is switched off, which the check then has to find; `cargo xtask chaos` sets them.
#![allow(clippy::panic, clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod client;
mod cluster;
mod hand;
mod history;
mod housekeeping;
mod judge;
mod owner;
mod plan;
mod record;
mod sleeper;
mod slow;
mod storage;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cluster::{Cluster, NODES, Rule};
use hand::Hand;
use record::{Done, Ground, Record};
use serde_json::json;
use sleeper::Ends;
use storage::Footing;
use tokio::task::JoinHandle;

/// Long enough for one node that stands still for longer than a lease, short enough for every run of the tests.
const SHORT: Duration = Duration::from_secs(60);
/// Long enough for some crashes, and for another storage.
const BRIEF: Duration = Duration::from_secs(20);
/// Long enough for writers to meet.
const MOMENT: Duration = Duration::from_secs(8);
/// One set at a time: two would only slow each other down. Those of broken rules have few clients and mostly wait.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
/// Nodes may take this long to be well again once nothing breaks them any more.
const RECOVERY: Duration = Duration::from_secs(60);

/// A run.
#[derive(Clone, Debug)]
struct Trial {
    seed: u64,
    length: Duration,
    planned: Vec<plan::Planned>,
    footing: Footing,
    without: Option<Rule>,
    cast: Cast,
}

/// How many clients of each kind there are.
#[derive(Clone, Copy, Debug)]
struct Cast {
    rivals: usize,
    owners: usize,
    slow: usize,
    housekeepers: usize,
}

const EVERYBODY: Cast = Cast { rivals: 6, owners: 3, slow: 3, housekeepers: 1 };

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_of_events_explains_every_answer() {
    let length =
        given("HYTHE_CHAOS_SECONDS").map_or(SHORT, |text| Duration::from_secs(text.parse().unwrap()));
    let without = given("HYTHE_CHAOS_WITHOUT").map(|name| match name.as_str() {
        "durability" => Rule::Durability,
        "fencing" => Rule::Fencing,
        "leases" => Rule::Leases,
        _ => panic!("HYTHE_CHAOS_WITHOUT is durability, fencing or leases"),
    });
    let footing = match given("HYTHE_CHAOS_STORAGE").as_deref() {
        None | Some("disk") => Footing::Disk,
        Some("s3") => Footing::S3,
        Some("second-s3") => Footing::SecondS3,
        Some("shared-folder") => Footing::SharedFolder,
        _ => panic!("HYTHE_CHAOS_STORAGE is disk, s3, second-s3 or shared-folder"),
    };
    let _alone = ALONE.lock().await;
    let Some(violations) = run(drawn(length, footing, without)).await else { return };
    match without {
        None => assert!(violations.is_empty(), "{}", violations.join("\n")),
        Some(rule) => found_out(rule, &violations),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_of_events_explains_every_answer_over_s3() {
    let _alone = ALONE.lock().await;
    if let Some(violations) = run(drawn(BRIEF, Footing::S3, None)).await {
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_of_events_explains_every_answer_over_another_s3() {
    let _alone = ALONE.lock().await;
    if let Some(violations) = run(drawn(BRIEF, Footing::SecondS3, None)).await {
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_order_of_events_explains_every_answer_over_a_folder_that_is_mounted_twice() {
    let _alone = ALONE.lock().await;
    if let Some(violations) = run(drawn(BRIEF, Footing::SharedFolder, None)).await {
        assert!(violations.is_empty(), "{}", violations.join("\n"));
    }
}

/// The proof that the check can fail. Commits are acknowledged before they are on disk, and the database crashes; a writer
/// that was asleep writes on after its upload was given to another; two writers are let in at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registry_that_does_without_one_of_its_rules_is_found_out() {
    let trial = |rule, length, planned, cast| Trial {
        seed: fresh_seed(),
        length,
        planned,
        footing: Footing::Disk,
        without: Some(rule),
        cast,
    };
    let (asleep, waking) = plan::long_sleep(NODES);
    let slow = Cast { rivals: 0, owners: 0, slow: 9, housekeepers: 0 };
    let fencing = trial(Rule::Fencing, waking, asleep, slow);
    let leases = trial(Rule::Leases, MOMENT, Vec::new(), Cast { slow: 4, ..slow });
    let durability =
        trial(Rule::Durability, BRIEF, plan::crashes(BRIEF), Cast { rivals: 5, slow: 0, ..slow });
    let (fencing, (leases, durability)) =
        tokio::join!(seek(fencing), async { (seek(leases).await, seek(durability).await) });
    for (rule, violations) in
        [(Rule::Fencing, fencing), (Rule::Leases, leases), (Rule::Durability, durability)]
    {
        if let Some(violations) = violations {
            found_out(rule, &violations);
        }
    }
}

/// Not alone: it does little more than wait.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_slept_ends_no_job_that_is_anothers() {
    if !cluster::can_start() {
        return eprintln!("NOT RUN: there is no haproxy; cargo xtask tools installs it");
    }
    let (fenced, unfenced) = tokio::join!(sleeper::ends(None), sleeper::ends(Some(Rule::JobFencing)));
    assert_eq!(fenced, Ends { of_sleeper: false, of_successor: true });
    assert_eq!(
        unfenced,
        Ends { of_sleeper: true, of_successor: false },
        "there was no fence, and nothing of it was seen"
    );
}

/// What a run finds, or a second one: what a missing rule breaks depends on who does what while nodes sleep.
async fn seek(trial: Trial) -> Option<Vec<String>> {
    let found = run(trial.clone()).await?;
    if found.is_empty() { run(Trial { seed: fresh_seed(), ..trial }).await } else { Some(found) }
}

fn found_out(rule: Rule, violations: &[String]) {
    assert!(!violations.is_empty(), "nobody noticed that there was no {rule:?}");
    println!("without {rule:?}, found as it must be:\n{}", violations[0]);
}

/// Everybody at work, and faults that the seed decides.
fn drawn(length: Duration, footing: Footing, without: Option<Rule>) -> Trial {
    let seed = given("HYTHE_CHAOS_SEED").map_or_else(fresh_seed, |text| text.parse().unwrap());
    Trial { seed, length, planned: plan::draw(seed, NODES, length), footing, without, cast: EVERYBODY }
}

/// Everything that no order of events explains; nothing where this machine has no balancer or no such storage.
async fn run(trial: Trial) -> Option<Vec<String>> {
    if !cluster::can_start() {
        eprintln!("NOT RUN: there is no haproxy; cargo xtask tools installs it");
        return None;
    }
    let Some(mut cluster) = Cluster::start(trial.footing, trial.without) else {
        eprintln!("NOT RUN: the tests were given no {:?}; cargo xtask test starts one", trial.footing);
        return None;
    };
    let Trial { seed, length, footing, without, .. } = trial;
    println!(
        "seed {seed}: HYTHE_CHAOS_SEED={seed} HYTHE_CHAOS_SECONDS={} replays the faults; over {footing:?}, without {without:?}",
        length.as_secs()
    );
    let (ground, policy) = prepare(&cluster).await;
    let clients = start_clients(&trial, &ground, &policy);
    let (faults, breaking) = (trial.planned.len(), ground.clone());
    let breaking = tokio::task::spawn_blocking(move || {
        break_things(&mut cluster, &trial.planned, &breaking, length);
        cluster
    });
    let cluster = breaking.await.unwrap();
    ground.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    await_recovery(&cluster).await;
    let violations = judge::judge(&cluster, &ground).await;
    println!("{}", judge::summary(&ground, faults, &violations));
    if !violations.is_empty() && without.is_none() {
        eprintln!("seed {seed}\n{}", cluster.logs_tail());
    }
    Some(violations)
}

fn given(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn fresh_seed() -> u64 {
    u64::from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos())
}

/// A project, and a retention policy in it.
async fn prepare(cluster: &Cluster) -> (Arc<Ground>, String) {
    let http = hand::patient();
    let ground = Ground {
        host: cluster.host(),
        project: "arena".to_owned(),
        begun: Instant::now(),
        over: false.into(),
        record: Mutex::new(Record::default()),
        done: Done::default(),
    };
    housekeeping::make(&http, &ground, "/api/v2.0/projects", &json!({ "project_name": ground.project }))
        .await;
    let policy = housekeeping::make_policy(&http, &ground).await;
    (Arc::new(ground), policy)
}

fn start_clients(trial: &Trial, ground: &Arc<Ground>, policy: &str) -> Vec<JoinHandle<()>> {
    let mut numbers = 0..;
    let mut hand = || Hand::new(ground.clone(), numbers.next().unwrap(), trial.seed);
    let Cast { rivals, owners, slow, housekeepers } = trial.cast;
    let mut clients: Vec<JoinHandle<()>> = Vec::new();
    clients.extend((0..rivals).map(|_| tokio::spawn(client::run(hand()))));
    clients.extend((0..owners).map(|_| tokio::spawn(owner::run(hand()))));
    clients.extend((0..slow).map(|_| tokio::spawn(slow::run(hand()))));
    clients.extend((0..housekeepers).map(|_| tokio::spawn(housekeeping::run(hand(), policy.to_owned()))));
    clients
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
    let (begun, http) = (Instant::now(), hand::patient());
    for host in cluster.hosts() {
        while hand::look(&http, &host, "/readyz").await.is_none() {
            assert!(begun.elapsed() < RECOVERY, "{host} is not well again\n{}", cluster.logs_tail());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}
