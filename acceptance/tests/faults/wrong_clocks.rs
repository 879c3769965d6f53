//! Nodes whose clocks are ten minutes apart: all of them go by the database's, and nobody notices but the administrator.

use std::path::Path;
use std::time::Duration;

use hythe_acceptance::clock;
use hythe_acceptance::desk::{Desk, digest};
use hythe_acceptance::server::Options;
use hythe_acceptance::stores;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{await_line, await_range, eventually, moved, stalled_patch};

/// By which a clock is wrong.
const SECONDS: i64 = 300;

/// Nodes whose clocks are right, ahead and behind; nothing where the tests were given no PostgreSQL or no other time.
async fn nodes(folder: &Path) -> Option<[Desk; 3]> {
    let Some(database) = stores::postgres() else {
        eprintln!("NOT RUN: HYTHE_TEST_POSTGRES names no server; cargo xtask test starts one");
        return None;
    };
    let blobs = folder.join("blobs");
    let shared = Options::default()
        .variable("HYTHE_DATABASE_URL", &database)
        .variable("HYTHE_STORAGE_URL", blobs.to_str().unwrap());
    let named = |name: &str| shared.clone().variable("HYTHE_NODE", name);
    let (ahead, behind) =
        (clock::ahead(&named("ahead"), SECONDS)?, clock::ahead(&named("behind"), -SECONDS)?);
    let right = Desk::with(&named("right")).await;
    let (ahead, behind) = (moved(&right.project, &ahead), moved(&right.project, &behind));
    Some([right, ahead, behind])
}

#[tokio::test]
async fn a_token_of_any_node_is_good_on_all_whatever_their_clocks_say() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = nodes(folder.path()).await else { return };
    let repository = nodes[0].repository("a");
    nodes[0].push_image(&repository, "v1", "an image").await;
    for issuer in &nodes {
        let administrator = issuer.server.administrator();
        let token = issuer.token(Some(&administrator), &[&format!("repository:{repository}:pull")]).await;
        for node in &nodes {
            node.get_with_token(&token, &format!("/v2/{repository}/manifests/v1"))
                .await
                .expect(StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn an_upload_that_a_node_holds_is_taken_by_none_whose_clock_is_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = nodes(folder.path()).await else { return };
    let repository = nodes[0].repository("a");
    for holder in &nodes {
        let upload = holder.start_upload(&repository).await;
        holder.patch(&upload, "0-2", b"abc").await.expect(StatusCode::ACCEPTED);
        let writing = stalled_patch(holder, &upload, 6, "xyz");
        // Nobody else asks for it before the node has it.
        tokio::time::sleep(Duration::from_millis(500)).await;
        for other in &nodes {
            other.patch(&upload, "3-5", b"def").await.refused(409, "BLOB_UPLOAD_INVALID");
        }
        drop(writing);
        await_range(&nodes[2], &upload, "0-5").await;
        for (node, (range, part)) in nodes.iter().zip([("6-8", b"ghi"), ("9-11", b"jkl"), ("12-14", b"mno")])
        {
            node.patch(&upload, range, part).await.expect(StatusCode::ACCEPTED);
        }
        let put = format!("{upload}?digest={}", digest(b"abcxyzghijklmno"));
        let pushed = nodes[2].put(&put, "").await.expect(StatusCode::CREATED);
        assert_eq!(nodes[1].get(pushed.location()).await.text(), "abcxyzghijklmno");
    }
}

#[tokio::test]
async fn a_job_is_done_once_and_at_once_whichever_node_was_asked_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let Some(nodes) = nodes(folder.path()).await else { return };
    for node in &nodes {
        let wanted = json!({ "schedule": { "type": "Manual" }, "parameters": {} });
        let made = node.post_json("/api/v2.0/system/gc/schedule", &wanted).await.expect(StatusCode::CREATED);
        let number = made.location().rsplit('/').next().unwrap().to_owned();
        let job = eventually("the job has ended", async || {
            let job = node.get(&format!("/api/v2.0/jobs/{number}")).await.expect(StatusCode::OK).json();
            (!["pending", "running"].contains(&job["state"].as_str().unwrap())).then_some(job)
        })
        .await;
        assert_eq!((&job["state"], &job["attempts"]), (&json!("succeeded"), &json!(1)), "{job}");
        let span = |from: &str, to: &str| seconds_between(&job[from], &job[to]);
        let waited = span("creation_time", "start_time");
        assert!(waited.abs() < 20.0, "{job}");
        assert!(span("start_time", "end_time").abs() < 20.0, "{job}");
    }
}

#[tokio::test]
async fn every_wrong_clock_is_named_in_the_list_of_nodes_and_in_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let Some([right, ahead, behind]) = nodes(folder.path()).await else { return };
    for (node, words) in [(&ahead, "s ahead of the database's"), (&behind, "s behind the database's")] {
        await_line(&node.server, &["the clock of this machine is", words, "set the clock right"]).await;
    }
    let wanted = [("ahead", SECONDS * 1000), ("behind", -SECONDS * 1000), ("right", 0)];
    eventually("all three are listed with their clocks", async || {
        let listed = right.get("/api/v2.0/nodes").await.expect(StatusCode::OK).json();
        let all = listed.as_array().unwrap();
        let is_off = |name: &str, by: i64| {
            all.iter().any(|node| {
                let off = node["clock_offset_ms"].as_i64().unwrap();
                node["name"] == name && node["state"] == "serving" && (off - by).abs() < 5000
            })
        };
        wanted.iter().all(|(name, by)| is_off(name, *by)).then_some(())
    })
    .await;
}

/// Of two times of the API.
fn seconds_between(from: &Value, to: &Value) -> f64 {
    let [from, to] = [from, to].map(|at| {
        let day = at.as_str().unwrap().split_once('T').unwrap().1.trim_end_matches('Z');
        day.split(':').fold(0.0, |sum, part| sum * 60.0 + part.parse::<f64>().unwrap())
    });
    let day = Duration::from_secs(24 * 60 * 60).as_secs_f64();
    (to - from + day / 2.0).rem_euclid(day) - day / 2.0
}
