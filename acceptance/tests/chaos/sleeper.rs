//! A node that stands still in the middle of a job for longer than the job's lease, and goes on when another one is at it.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::cluster::{Cluster, Rule};
use crate::hand::{Hand, PAUSE, look, patient};
use crate::plan::Fault;
use crate::storage::Footing;

/// An audit that reads one MiB a second is at this for much longer than a job is leased, and whoever begins it anew is still
/// at it when the sleeper could be done.
const BLOB: usize = 10 << 20;
/// Twice as long as a job is leased to a node of the set.
const SLEEP: Duration = Duration::from_secs(6);
const PATIENCE: Duration = Duration::from_secs(60);
const AUDITS: &str = "/api/v2.0/system/storage-audit";

/// Whether the node that slept, and whether one that took the job over meanwhile, says that it has come to its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) of_sleeper: bool,
    pub(crate) of_successor: bool,
}

/// What becomes of a job that was taken over.
pub(crate) async fn ends(without: Option<Rule>) -> Ends {
    let mut cluster = Cluster::start(Footing::Disk, without).unwrap();
    let (ground, _) = crate::prepare(&cluster).await;
    let mut hand = Hand::new(ground, 0, 0);
    let (repository, bytes) = (hand.repository("large"), hand.bytes(BLOB));
    assert!(hand.push_blob(&repository, &bytes).await);
    let wanted = json!({ "repair": false, "rehash": true, "rate": 1 });
    let asked = hand.request(Method::POST, AUDITS).json(&wanted).send().await.unwrap();
    assert_eq!(asked.status(), StatusCode::CREATED);
    let audit = asked.headers()["location"].to_str().unwrap().to_owned();

    let sleeper = eventually("a node begins", || said(&cluster, "began a job").first().copied()).await;
    tokio::time::sleep(PAUSE).await;
    cluster.suffer(Fault::Freeze(sleeper));
    tokio::time::sleep(SLEEP).await;
    cluster.suffer(Fault::Thaw(sleeper));
    let over =
        || (said(&cluster, "finished a job").len() + said(&cluster, "ended a job").len() == 2).then_some(());
    eventually("both nodes are done", over).await;

    let told = look(&patient(), &cluster.host(), &audit).await.unwrap();
    let told: Json = serde_json::from_slice(&told).unwrap();
    assert_eq!(told["state"], "succeeded", "{told}");
    assert_eq!(said(&cluster, "began a job").len(), 2, "another node has taken it over");
    let finished = said(&cluster, "finished a job");
    let of_sleeper = finished.contains(&sleeper);
    Ends { of_sleeper, of_successor: finished.len() > usize::from(of_sleeper) }
}

/// The nodes that say this of the audit.
fn said(cluster: &Cluster, words: &str) -> Vec<usize> {
    let says = |log: &String| log.lines().any(|line| line.contains(words) && line.contains("storage_audit"));
    let logs = cluster.logs();
    (0..logs.len()).filter(|node| says(&logs[*node])).collect()
}

async fn eventually<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
