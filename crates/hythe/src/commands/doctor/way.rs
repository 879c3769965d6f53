//! What stands between a client and the registry: something that refuses large bodies, or keeps them back until they are
//! whole, or spreads requests over nodes that do not belong together.
//!
//! Nothing is pushed. A body is announced and not sent: the registry answers such a request of a stranger at once, so
//! whoever answers otherwise, or not at all, is not the registry.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use futures_util::stream;
use reqwest::header::CONTENT_LENGTH;
use reqwest::{Body, Client};
use serde::Deserialize;

use super::advice;
use hythe_registry::doctor::Finding;

const CHECK: &str = "way";

/// Bodies that are announced, in bytes: what proxies refuse by default, and what layers really have.
const SIZES: [u64; 3] = [2 << 20, 512 << 20, 16 << 30];
/// Small enough for every limit.
const SMALL: u64 = 64 << 10;
/// The registry answers within milliseconds.
const PATIENCE: Duration = Duration::from_secs(4);
/// Requests by which every node of a balancer should be met.
const ROUNDS: usize = 12;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Status(u16),
    Nothing,
}

/// `base` is scheme, host and port.
pub(super) async fn check(client: &Client, base: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(limit(client, base).await);
    if announce(client, base, SMALL).await == Answer::Nothing {
        findings.push(Finding::warn(
            CHECK,
            "something on the way keeps uploads back until they are whole: large pushes are slow and fill its disk",
            advice::UNBUFFERED,
        ));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(CHECK, "bodies of 16 GiB are let through, and passed on as they come"));
    }
    findings.extend(keys(base).await);
    findings
}

/// The smallest body that is refused for its size. Something that keeps bodies back says nothing to those it takes.
async fn limit(client: &Client, base: &str) -> Option<Finding> {
    for size in SIZES {
        if announce(client, base, size).await == Answer::Status(413) {
            let finding = format!(
                "a body of {} MiB is refused with 413 on the way: pushes of larger layers fail; the registry has no such limit",
                size >> 20
            );
            return Some(Finding::fail(CHECK, finding, advice::UNLIMITED));
        }
    }
    None
}

async fn announce(client: &Client, base: &str, size: u64) -> Answer {
    let never = stream::pending::<Result<Vec<u8>, io::Error>>();
    let request = client
        .post(format!("{base}/v2/hythe-doctor/announced/blobs/uploads/"))
        .header(CONTENT_LENGTH, size)
        .timeout(PATIENCE)
        .body(Body::wrap_stream(never));
    match request.send().await {
        Ok(response) => Answer::Status(response.status().as_u16()),
        Err(_) => Answer::Nothing,
    }
}

/// The keys that tokens are checked with, as far as they are told.
#[derive(Deserialize)]
struct Keys {
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    kid: String,
}

/// All nodes of a registry have the keys of its database. Each question goes over a connection of its own.
async fn keys(base: &str) -> Option<Finding> {
    let client = Client::builder().timeout(PATIENCE).pool_max_idle_per_host(0).no_proxy().build().ok()?;
    let mut seen = BTreeSet::new();
    for _ in 0..ROUNDS {
        let answer = client.get(format!("{base}/service/token/keys")).send().await.ok()?;
        let keys: Keys = answer.json().await.ok()?;
        let ids: BTreeSet<String> = keys.keys.into_iter().map(|key| key.kid).collect();
        seen.insert(ids);
    }
    judge_keys(&seen.into_iter().collect::<Vec<_>>())
}

/// A key that is just being rotated in makes two sets that share the others.
fn judge_keys(seen: &[BTreeSet<String>]) -> Option<Finding> {
    let strangers = seen.iter().any(|one| seen.iter().any(|other| one.is_disjoint(other)));
    let known = !seen.iter().any(BTreeSet::is_empty);
    (strangers && known).then(|| {
        Finding::fail(
            CHECK,
            "nodes behind this address have different databases: each refuses the tokens of the others, and has other images",
            "give every node the same database.url and storage.url; `hythe nodes` shows who belongs together",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(keys: &[&str]) -> BTreeSet<String> {
        keys.iter().map(|key| (*key).to_owned()).collect()
    }

    #[test]
    fn a_rotated_key_makes_no_stranger() {
        assert_eq!(judge_keys(&[set(&["a", "b"])]), None);
        assert_eq!(judge_keys(&[set(&["a", "b"]), set(&["b", "c"])]), None);
        assert!(judge_keys(&[set(&["a"]), set(&["b"])]).is_some());
    }
}
