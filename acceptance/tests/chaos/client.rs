//! One client: pushes, pulls, tags anew and deletes through the balancer, and writes down every answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use hythe_acceptance::desk::{self, OCI_MANIFEST, builder, descriptor, digest};
use reqwest::{Client as Http, Method, RequestBuilder, Response, StatusCode};
use serde_json::json;

use crate::history::{Operation, Value, What};
use crate::plan::Dice;

/// Tags that all clients fight over.
pub(crate) const TAGS: usize = 12;
/// A client gives a request up after this; what became of it is then open.
const PATIENCE: Duration = Duration::from_secs(4);
/// An upload that is held by a node that stands still is free after its lease of 30 s.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(200);

/// What all clients wrote down.
#[derive(Default)]
pub(crate) struct Record {
    pub(crate) tags: Vec<(usize, Operation)>,
    /// Blobs and manifests that were acknowledged, by the path that must give them back.
    pub(crate) kept: Vec<String>,
    /// Answers that no fault excuses.
    pub(crate) violations: Vec<String>,
    pub(crate) unanswered: usize,
}

/// What clients share.
pub(crate) struct Ground {
    pub(crate) host: String,
    pub(crate) project: String,
    pub(crate) begun: Instant,
    pub(crate) over: AtomicBool,
    pub(crate) record: Mutex<Record>,
}

pub(crate) struct Client {
    ground: Arc<Ground>,
    http: Http,
    number: usize,
    dice: Dice,
    pushed: u64,
}

/// What a request that changes something came to.
enum Outcome {
    Done,
    /// Refused for good by this status.
    Refused(StatusCode, String),
    /// No answer, or one that leaves open whether it happened.
    Open,
}

impl Client {
    pub(crate) fn new(ground: Arc<Ground>, number: usize, seed: u64) -> Client {
        let http = builder().timeout(PATIENCE).build().unwrap();
        Client { ground, http, number, dice: Dice::new(seed ^ (number as u64 + 1) << 32), pushed: 0 }
    }

    /// Goes on until the run is over.
    pub(crate) async fn run(mut self) {
        while !self.ground.over.load(Ordering::Relaxed) {
            let tag = self.dice.below(TAGS);
            match self.dice.below(10) {
                0..=4 => self.push(tag).await,
                5..=8 => self.pull(tag).await,
                _ => self.delete(tag).await,
            }
            tokio::time::sleep(Duration::from_millis(self.dice.below(30) as u64)).await;
        }
    }

    fn repository(&self) -> String {
        format!("{}/chaos", self.ground.project)
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.ground.host);
        self.http.request(method, url).basic_auth("admin", Some(hythe_acceptance::server::PASSWORD))
    }

    fn now(&self) -> Duration {
        self.ground.begun.elapsed()
    }

    fn write_down(&self, tag: usize, begun: Duration, answered: bool, what: What) {
        let ended = answered.then(|| self.now());
        let operation = Operation { begun, ended, what, client: self.number };
        let mut record = self.ground.record.lock().unwrap();
        record.unanswered += usize::from(!answered);
        record.tags.push((tag, operation));
    }

    fn keep(&self, path: String) {
        self.ground.record.lock().unwrap().kept.push(path);
    }

    fn accuse(&self, words: String) {
        let words = format!("{:?} client {}: {words}", self.now(), self.number);
        self.ground.record.lock().unwrap().violations.push(words);
    }

    /// An image of its own under a tag of everybody's.
    async fn push(&mut self, tag: usize) {
        self.pushed += 1;
        let length = 2_000 + self.dice.below(150_000);
        let mut dice = Dice::new((self.number as u64) << 40 | self.pushed);
        let bytes: Vec<u8> = (0..length.div_ceil(8)).flat_map(|_| dice.roll().to_le_bytes()).collect();
        if !self.push_blob(&bytes).await {
            return;
        }
        self.keep(format!("/v2/{}/blobs/{}", self.repository(), digest(&bytes)));
        let image = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor("application/vnd.example.config", &bytes),
            "layers": [],
        });
        let manifest = image.to_string();
        let (begun, named) = (self.now(), digest(manifest.as_bytes()));
        let path = format!("/v2/{}/manifests/tag-{tag}", self.repository());
        let put = self.request(Method::PUT, &path).header("content-type", OCI_MANIFEST).body(manifest);
        let what = What::Write(Some(named.clone()));
        match outcome(put.send().await, StatusCode::CREATED).await {
            Outcome::Done => {
                self.write_down(tag, begun, true, what);
                self.keep(format!("/v2/{}/manifests/{named}", self.repository()));
            }
            Outcome::Open => self.write_down(tag, begun, false, what),
            Outcome::Refused(status, words) => {
                self.accuse(format!("the image of an acknowledged blob was refused: {status} {words}"));
            }
        }
    }

    /// In three requests, which go to three nodes; whether it was acknowledged in the end.
    async fn push_blob(&mut self, bytes: &[u8]) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < UPLOAD_PATIENCE && !self.ground.over.load(Ordering::Relaxed) {
            let started = self.request(Method::POST, &format!("/v2/{}/blobs/uploads/", self.repository()));
            let upload = match started.header("content-length", 0).send().await {
                Ok(answer) if answer.status() == StatusCode::ACCEPTED => location(&answer),
                _ => {
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            };
            if self.fill(&upload, bytes, begun).await {
                return true;
            }
        }
        false
    }

    /// Sends the bytes, going on where the registry says that the upload stands after every failure.
    async fn fill(&mut self, upload: &str, bytes: &[u8], begun: Instant) -> bool {
        let (mut offset, mut finishing) = (0, false);
        while begun.elapsed() < UPLOAD_PATIENCE {
            let end = if offset == 0 { bytes.len() / 2 } else { bytes.len() };
            finishing |= end == bytes.len();
            match self.send(upload, bytes, offset, end).await {
                Outcome::Done if end == bytes.len() => return true,
                Outcome::Done => offset = end,
                Outcome::Refused(StatusCode::CONFLICT | StatusCode::RANGE_NOT_SATISFIABLE, _)
                | Outcome::Open => {
                    tokio::time::sleep(PAUSE).await;
                    match self.standing(upload, bytes, finishing).await {
                        Standing::At(received) => offset = received,
                        Standing::Finished => return true,
                        Standing::Gone => return false,
                        Standing::Unknown => {}
                    }
                }
                Outcome::Refused(StatusCode::NOT_FOUND, _) if finishing => return false,
                Outcome::Refused(status, words) => {
                    self.accuse(format!("a chunk that fits was refused: {status} {words}"));
                    return false;
                }
            }
        }
        false
    }

    async fn send(&self, upload: &str, bytes: &[u8], from: usize, to: usize) -> Outcome {
        let chunk = bytes[from..to].to_vec();
        if to == bytes.len() {
            let put = self.request(Method::PUT, &format!("{upload}?digest={}", digest(bytes))).body(chunk);
            return outcome(put.send().await, StatusCode::CREATED).await;
        }
        let range = format!("{from}-{}", to - 1);
        let patch = self.request(Method::PATCH, upload).header("content-range", range).body(chunk);
        outcome(patch.send().await, StatusCode::ACCEPTED).await
    }

    /// Where an upload stands. One that is gone may have been finished by a request whose answer was lost.
    async fn standing(&self, upload: &str, bytes: &[u8], finishing: bool) -> Standing {
        let Ok(answer) = self.request(Method::GET, upload).send().await else { return Standing::Unknown };
        match answer.status() {
            StatusCode::NO_CONTENT => Standing::At(received(&answer)),
            StatusCode::NOT_FOUND if finishing => {
                let blob = format!("/v2/{}/blobs/{}", self.repository(), digest(bytes));
                match self.request(Method::HEAD, &blob).send().await {
                    Ok(found) if found.status() == StatusCode::OK => Standing::Finished,
                    Ok(found) if found.status() == StatusCode::NOT_FOUND => Standing::Gone,
                    _ => Standing::Unknown,
                }
            }
            StatusCode::NOT_FOUND => {
                self.accuse("an upload that was begun is unknown".to_owned());
                Standing::Gone
            }
            _ => Standing::Unknown,
        }
    }

    /// What a tag names, if there was an answer; the image is read whole.
    async fn pull(&self, tag: usize) {
        let (begun, path) = (self.now(), format!("/v2/{}/manifests/tag-{tag}", self.repository()));
        let Some((status, body)) = whole(self.request(Method::GET, &path).send().await).await else { return };
        let found: Value = match status {
            StatusCode::OK => Some(digest(&body)),
            StatusCode::NOT_FOUND => None,
            status if status.is_server_error() => return,
            status => return self.accuse(format!("a pull was answered by {status}")),
        };
        self.write_down(tag, begun, true, What::Read(found.clone()));
        if found.is_some() {
            self.pull_blob(&body).await;
        }
    }

    async fn pull_blob(&self, manifest: &[u8]) {
        let image: serde_json::Value = serde_json::from_slice(manifest).unwrap();
        let wanted = image["config"]["digest"].as_str().unwrap().to_owned();
        let path = format!("/v2/{}/blobs/{wanted}", self.repository());
        match whole(self.request(Method::GET, &path).send().await).await {
            Some((StatusCode::OK, body)) if digest(&body) == wanted => {}
            Some((status, _)) if status.is_server_error() => {}
            Some((StatusCode::OK, body)) => {
                self.accuse(format!("{wanted} was sent with the digest {}", digest(&body)));
            }
            Some((status, _)) => {
                self.accuse(format!("{wanted}, which an image names, was answered by {status}"))
            }
            None => {}
        }
    }

    async fn delete(&self, tag: usize) {
        let path = format!(
            "/api/v2.0/projects/{}/repositories/chaos/artifacts/tag-{tag}/tags/tag-{tag}",
            self.ground.project
        );
        let begun = self.now();
        match outcome(self.request(Method::DELETE, &path).send().await, StatusCode::OK).await {
            Outcome::Done => self.write_down(tag, begun, true, What::Write(None)),
            // There is no such tag, or it was moved between the two looks at it: nothing is known, and nothing happened.
            Outcome::Refused(StatusCode::NOT_FOUND, _) => {}
            Outcome::Refused(status, words) => self.accuse(format!("a delete was refused: {status} {words}")),
            Outcome::Open => self.write_down(tag, begun, false, What::Write(None)),
        }
    }
}

/// Where an upload stands.
enum Standing {
    At(usize),
    Finished,
    Gone,
    Unknown,
}

async fn outcome(sent: reqwest::Result<Response>, wanted: StatusCode) -> Outcome {
    match whole(sent).await {
        None => Outcome::Open,
        Some((status, _)) if status == wanted => Outcome::Done,
        Some((status, _)) if status.is_server_error() => Outcome::Open,
        Some((status, body)) => Outcome::Refused(status, String::from_utf8_lossy(&body).into_owned()),
    }
}

/// Status and body; nothing where either did not come.
async fn whole(sent: reqwest::Result<Response>) -> Option<(StatusCode, Vec<u8>)> {
    let answer = sent.ok()?;
    let status = answer.status();
    Some((status, answer.bytes().await.ok()?.to_vec()))
}

fn location(answer: &Response) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// How many bytes an upload has, by its `Range: 0-N`; an empty one says `0-0`, like one of one byte, which none here is.
fn received(answer: &Response) -> usize {
    let range = answer.headers().get("range").and_then(|range| range.to_str().ok()).unwrap_or_default();
    let last: usize = range.rsplit_once('-').and_then(|(_, last)| last.parse().ok()).unwrap_or(0);
    if last == 0 { 0 } else { last + 1 }
}

/// What a path gives on one node, for the look at everything in the end.
pub(crate) async fn look(http: &Http, host: &str, path: &str) -> Option<Vec<u8>> {
    let asked = http
        .get(format!("http://{host}{path}"))
        .basic_auth("admin", Some(hythe_acceptance::server::PASSWORD));
    let (status, body) = whole(asked.send().await).await?;
    (status == StatusCode::OK).then_some(body)
}

/// A client for that.
pub(crate) fn patient() -> Http {
    desk::builder().timeout(Duration::from_secs(30)).build().unwrap()
}
