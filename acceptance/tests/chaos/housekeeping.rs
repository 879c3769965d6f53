//! What administrators have done while everybody works: garbage collection and retention, over and over; and what they look
//! at in the end.

use std::time::{Duration, Instant};

use reqwest::{Client as Http, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value as Json, json};

use crate::hand::{Hand, PAUSE, whole};
use crate::owner::{ROTATED, ROTATING};
use crate::record::{Ground, count};

/// One job may wait this long for its turn and its end once nothing breaks any more.
const PATIENCE: Duration = Duration::from_secs(60);
const COLLECT: &str = "/api/v2.0/system/gc/schedule";
const GC: &str = "/api/v2.0/system/gc";

/// Asks for both until the run is over.
pub(crate) async fn run(mut hand: Hand, policy: String) {
    while !hand.ground.is_over() {
        collect(&hand).await;
        hand.rest(Duration::from_secs(4)).await;
        apply(&hand, &policy).await;
        hand.rest(Duration::from_secs(4)).await;
    }
}

fn once() -> Json {
    json!({ "schedule": { "type": "Manual" }, "parameters": {} })
}

async fn collect(hand: &Hand) {
    if let Some((StatusCode::CREATED, _)) =
        whole(hand.request(Method::POST, COLLECT).json(&once()).send().await).await
    {
        count(&hand.ground.done.collections);
    }
}

async fn apply(hand: &Hand, policy: &str) {
    let asked =
        hand.request(Method::POST, &format!("{policy}/executions")).json(&json!({ "dry_run": false }));
    if let Some((StatusCode::CREATED, _)) = whole(asked.send().await).await {
        count(&hand.ground.done.retentions);
    }
}

/// A policy that keeps the last tags of one repository; its path.
pub(crate) async fn make_policy(http: &Http, ground: &Ground) -> String {
    let project = get(http, ground, &format!("/api/v2.0/projects/{}", ground.project)).await;
    let everything = json!([{ "kind": "doublestar", "decoration": "matches", "pattern": "**" }]);
    let policy = json!({
        "algorithm": "or",
        "rules": [{
            "disabled": false, "action": "retain", "template": "latestPushedK",
            "params": { "latestPushedK": ROTATED }, "tag_selectors": everything,
            "scope_selectors": { "repository": [
                { "kind": "doublestar", "decoration": "repoMatches", "pattern": ROTATING }
            ] },
        }],
        "trigger": { "kind": "Schedule", "settings": { "cron": "" }, "references": {} },
        "scope": { "level": "project", "ref": project["project_id"] },
    });
    make(http, ground, "/api/v2.0/retentions", &policy).await
}

/// How many places in storage and blobs the collections of a run have freed.
pub(crate) async fn collected(http: &Http, ground: &Ground) -> u64 {
    let all = get(http, ground, &format!("{GC}?page_size=100")).await;
    let of = |one: &Json| {
        let told: Json = serde_json::from_str(one["job_parameters"].as_str().unwrap_or_default()).ok()?;
        told["blobs"].as_u64()
    };
    all.as_array().into_iter().flatten().filter_map(of).sum()
}

/// One more collection, now that nothing breaks: it has to come to its end, and jobs that wait before it as well.
pub(crate) async fn collect_to_the_end(http: &Http, ground: &Ground) -> Result<(), String> {
    let begun = Instant::now();
    let made = make(http, ground, COLLECT, &once()).await;
    let (_, number) = made.rsplit_once('/').unwrap();
    loop {
        let told = get(http, ground, &format!("{GC}/{number}")).await;
        match told["job_status"].as_str().unwrap_or_default() {
            "Success" => return Ok(()),
            "Error" | "Stopped" => {
                return Err(format!("collection {number} failed while nothing broke: {told}"));
            }
            _ if begun.elapsed() > PATIENCE => {
                return Err(format!("collection {number} does not end within {PATIENCE:?}: {told}"));
            }
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
}

/// A node may not have noticed yet that all is well again; it is asked until it has.
async fn ask(request: impl Fn() -> RequestBuilder) -> Response {
    let begun = Instant::now();
    loop {
        let asked = request().basic_auth("admin", Some(hythe_acceptance::server::PASSWORD)).send().await;
        match asked {
            Ok(answer) if !answer.status().is_server_error() => return answer,
            other => assert!(begun.elapsed() < PATIENCE, "no answer within {PATIENCE:?}: {other:?}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn get(http: &Http, ground: &Ground, path: &str) -> Json {
    let url = format!("http://{}{path}", ground.host);
    ask(|| http.get(&url)).await.json().await.unwrap()
}

/// Has something made; where it is.
pub(crate) async fn make(http: &Http, ground: &Ground, path: &str, body: &Json) -> String {
    let url = format!("http://{}{path}", ground.host);
    let made = ask(|| http.post(&url).json(body)).await;
    let location = made.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
    let (status, words) = (made.status(), made.text().await.unwrap());
    assert_eq!(status, StatusCode::CREATED, "{path}: {words}");
    location.unwrap()
}
