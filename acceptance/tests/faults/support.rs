//! What the tests share: waiting, a ledger of what was acknowledged, and a look at what the server says of itself.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use hythe_acceptance::answer::Answer;
use hythe_acceptance::desk::{self, Desk};
use hythe_acceptance::raw::Raw;
use hythe_acceptance::server::{Options, Server};
use reqwest::{Method, StatusCode};
use serde_json::Value;

/// How long something may take that a test waits for; a lease of an upload lasts 30 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A server that knows the project already.
pub(crate) fn moved(project: &str, options: &Options) -> Desk {
    let http = desk::builder().build().unwrap();
    Desk { server: options.start().into(), http, project: project.to_owned() }
}

/// The same server and project, at a client of their own.
pub(crate) fn another(desk: &Desk) -> Desk {
    let http = desk::builder().build().unwrap();
    Desk { server: desk.server.clone(), http, project: desk.project.clone() }
}

/// The server itself, when nobody else holds it any more.
pub(crate) fn server_of(desk: Desk) -> Server {
    std::sync::Arc::into_inner(desk.server).unwrap()
}

/// Ends the server as a power cut would.
pub(crate) fn kill(desk: Desk) {
    let mut server = server_of(desk);
    server.signal("KILL");
    server.ended();
}

/// Bytes that no other call makes, so many of them.
pub(crate) fn bytes(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..length.div_ceil(8)).flat_map(|_| next()).take(length).collect()
}

/// Pushes a blob by `POST` and `PUT`; the answer to the first of them that is refused, or to the last.
pub(crate) async fn push(desk: &Desk, repository: &str, bytes: &[u8]) -> Answer {
    let begun = desk.post(&format!("/v2/{repository}/blobs/uploads/")).await;
    if begun.status != StatusCode::ACCEPTED.as_u16() {
        return begun;
    }
    desk.put(&format!("{}?digest={}", begun.location(), desk::digest(bytes)), bytes).await
}

/// A request's head, by the administrator.
pub(crate) fn head(desk: &Desk, method: &str, path: &str, headers: &str) -> String {
    let (host, authorization) = (desk.server.host(), desk::basic(&desk.server.administrator()));
    format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {authorization}\r\n{headers}\r\n")
}

/// A `PATCH` that announces more bytes than it has sent so far.
pub(crate) fn stalled_patch(desk: &Desk, upload: &str, announced: usize, sent: &str) -> Raw {
    let headers = format!("Content-Length: {announced}\r\n");
    Raw::connect(&desk.server).send(head(desk, "PATCH", upload, &headers) + sent)
}

/// What was acknowledged with 201, to be held against what is there later.
#[derive(Default)]
pub(crate) struct Ledger {
    blobs: Vec<(String, Vec<u8>)>,
    manifests: Vec<(String, String)>,
}

impl Ledger {
    /// Pushes a blob that must be taken.
    pub(crate) async fn push(&mut self, desk: &Desk, repository: &str, bytes: Vec<u8>) {
        push(desk, repository, &bytes).await.expect(StatusCode::CREATED);
        self.blobs.push((path(repository, &desk::digest(&bytes)), bytes));
    }

    /// Pushes an image that must be taken, under a tag.
    pub(crate) async fn push_image(&mut self, desk: &Desk, repository: &str, tag: &str) {
        let digest = desk.push_image(repository, tag, tag).await;
        self.manifests.push((format!("/v2/{repository}/manifests/{tag}"), digest));
    }

    /// Enters what was acknowledged to somebody else.
    pub(crate) fn enter(&mut self, others: Ledger) {
        self.blobs.extend(others.blobs);
        self.manifests.extend(others.manifests);
    }

    /// Enters a blob that was acknowledged.
    pub(crate) fn enter_blob(&mut self, repository: &str, bytes: Vec<u8>) {
        self.blobs.push((path(repository, &desk::digest(&bytes)), bytes));
    }

    /// Enters a tag that was acknowledged.
    pub(crate) fn enter_tag(&mut self, repository: &str, tag: &str, digest: String) {
        self.manifests.push((format!("/v2/{repository}/manifests/{tag}"), digest));
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.blobs.len() + self.manifests.len()
    }

    /// Pulls everything and compares it byte for byte.
    pub(crate) async fn assert_whole(&self, desk: &Desk) {
        for (path, bytes) in &self.blobs {
            let pulled = desk.get(path).await.expect(StatusCode::OK);
            assert!(pulled.body == *bytes, "{path} came back with other bytes");
        }
        for (path, digest) in &self.manifests {
            let pulled = desk.get(path).await.expect(StatusCode::OK);
            assert_eq!(desk::digest(&pulled.body), *digest, "{path}");
        }
    }
}

fn path(repository: &str, digest: &str) -> String {
    format!("/v2/{repository}/blobs/{digest}")
}

/// One part of what `/readyz` or `/api/v2.0/health` tells, and the status of the whole answer.
pub(crate) async fn part(desk: &Desk, path: &str, name: &str) -> (u16, Value) {
    let answer = desk.send(desk.anonymous(Method::GET, path)).await;
    let parts = answer.json()["components"].as_array().unwrap().clone();
    (answer.status, parts.into_iter().find(|part| part["name"] == name).unwrap())
}

/// Waits until both pages say that the part is out of order, and only it; what they say is wrong.
pub(crate) async fn await_trouble(desk: &Desk, name: &str) -> String {
    let other = if name == "storage" { "database" } else { "storage" };
    let told = eventually("/readyz tells the trouble", async || {
        let (status, told) = part(desk, "/readyz", name).await;
        (status == 503 && told["status"] == "unhealthy").then_some(told)
    })
    .await;
    assert!(told["since"].as_str().unwrap().starts_with("20"), "{told}");
    assert_eq!(part(desk, "/readyz", other).await.1["status"], "healthy");
    let (status, again) = part(desk, "/api/v2.0/health", name).await;
    assert_eq!((status, &again["since"]), (503, &told["since"]));
    told["error"].as_str().unwrap().to_owned()
}

/// Waits until all is well.
pub(crate) async fn await_ready(desk: &Desk) {
    eventually("/readyz says that all is well", async || {
        let answer = desk.send(desk.anonymous(Method::GET, "/readyz")).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

/// The lines of a server's log, those that are JSON.
pub(crate) fn log_lines(server: &Server) -> Vec<Value> {
    server.log().lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A line of the log that holds all of these words.
pub(crate) async fn await_line(server: &Server, words: &[&str]) -> String {
    eventually(&format!("a log line with {words:?}"), async || {
        let log = server.log();
        log.lines().find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
    })
    .await
}

/// Where an upload stands, as its `Range` tells it, once nobody writes to it.
pub(crate) async fn await_range(desk: &Desk, upload: &str, range: &str) {
    eventually(&format!("the upload stands at {range}"), async || {
        (desk.get(upload).await.header("range") == Some(range)).then_some(())
    })
    .await;
}

/// All files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found
}
