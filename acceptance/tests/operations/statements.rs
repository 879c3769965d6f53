//! How many statements a pull and a push cost PostgreSQL, by its own count: published in docs/benchmarks.md, and not to grow.

use std::collections::{BTreeMap, HashMap};

use hythe_acceptance::desk::{Desk, OCI_MANIFEST, digest};
use hythe_acceptance::postgres::Postgres;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::Place;

/// Of each, one after the other. What a node does by itself every second is less often than half of this.
const TIMES: usize = 200;

/// A pull of a small image that is there: its manifest by tag and one blob, with a token that was used before.
const PULL: u64 = 2;
/// A push of a small image: a blob by `POST` and `PUT`, and a manifest by `PUT`, all of them new.
const PUSH: u64 = 37;

/// How often each statement was run so far.
fn counted(postgres: &Postgres) -> HashMap<String, u64> {
    let told = postgres.say(
        "SELECT string_agg(calls || ' ' || regexp_replace(query, '\\s+', ' ', 'g'), E'\\n') FROM \
         (SELECT query, SUM(calls) AS calls FROM pg_stat_statements GROUP BY query) AS each",
    );
    let lines = told.lines().filter_map(|line| line.split_once(' '));
    lines.filter_map(|(calls, query)| Some((query.to_owned(), calls.parse().ok()?))).collect()
}

/// Runs `work` many times; the statements of each time, with how often each is run.
async fn count(postgres: &Postgres, mut work: impl AsyncFnMut(usize)) -> BTreeMap<String, u64> {
    work(0).await;
    let before = counted(postgres);
    for time in 1..=TIMES {
        work(time).await;
    }
    let ran = |(query, calls): (String, u64)| {
        let new = calls - before.get(&query).copied().unwrap_or(0);
        let each = (new + TIMES as u64 / 2) / TIMES as u64;
        (each > 0).then_some((query, each))
    };
    counted(postgres).into_iter().filter_map(ran).collect()
}

/// `measured`, a name, a value, as benchmarks say it; and which statements they are.
fn tell(name: &str, statements: &BTreeMap<String, u64>) -> u64 {
    let all = statements.values().sum();
    println!("measured\tstatements of {name}\t{all}");
    for (query, each) in statements {
        println!("  {each} x {}", query.chars().take(120).collect::<String>());
    }
    all
}

fn is_frame(query: &str) -> bool {
    ["BEGIN", "COMMIT", "START TRANSACTION"].iter().any(|word| query.starts_with(word))
}

async fn token(desk: &Desk, repository: &str) -> String {
    let path = format!("/service/token?service=hythe&scope=repository:{repository}:pull,push");
    let answer: Value = desk.get(&path).await.expect(StatusCode::OK).json();
    answer["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_pull_and_a_push_cost_no_more_statements_than_are_published() {
    let mut postgres = Postgres::start();
    postgres.count();
    let mut place = Place::new();
    place.use_database(&postgres.url());
    let desk = place.serve().await;
    let repository = desk.repository("app");
    desk.push_image(&repository, "v1", "counted").await;
    let bearer = format!("Bearer {}", token(&desk, &repository).await);
    let layer = digest(b"layer of counted");
    let send = async |method: Method, path: String, media_type: &str, body: String, expected: StatusCode| {
        let request = desk.anonymous(method, &path).header("authorization", &bearer);
        let request = request.header("content-type", media_type).body(body);
        desk.send(request).await.expect(expected).header("location").map(str::to_owned)
    };
    let bytes = "application/octet-stream";

    let pull = count(&postgres, async |_| {
        for path in ["manifests/v1".to_owned(), format!("blobs/{layer}")] {
            let path = format!("/v2/{repository}/{path}");
            send(Method::GET, path, bytes, String::new(), StatusCode::OK).await;
        }
    })
    .await;

    let push = count(&postgres, async |time| {
        let blob = format!("blob {time}");
        let begin = format!("/v2/{repository}/blobs/uploads/");
        let upload = send(Method::POST, begin, bytes, String::new(), StatusCode::ACCEPTED).await.unwrap();
        let joint = if upload.contains('?') { '&' } else { '?' };
        let finish = format!("{upload}{joint}digest={}", digest(blob.as_bytes()));
        let descriptor = json!({ "mediaType": bytes, "digest": digest(blob.as_bytes()), "size": blob.len() });
        send(Method::PUT, finish, bytes, blob, StatusCode::CREATED).await;
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor, "layers": [] });
        let path = format!("/v2/{repository}/manifests/t{time}");
        send(Method::PUT, path, OCI_MANIFEST, manifest.to_string(), StatusCode::CREATED).await;
    })
    .await;

    let (pulled, pushed) = (tell("a pull", &pull), tell("a push", &push));
    let frames: u64 = push.iter().filter(|(query, _)| is_frame(query)).map(|(_, each)| each).sum();
    println!("measured\tstatements of a push that begin or end a transaction\t{frames}");
    assert!(
        pulled > 0 && pulled <= PULL,
        "a pull costs {pulled} statements, published are {PULL}: {pull:#?}"
    );
    assert!(
        pushed > pulled && pushed <= PUSH,
        "a push costs {pushed} statements, published are {PUSH}: {push:#?}"
    );
}
