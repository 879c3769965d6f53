//! What every client can do: ask through the balancer, push a blob in pieces, pull what a name names.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_acceptance::desk::{self, OCI_MANIFEST, builder, descriptor, digest};
use reqwest::{Client as Http, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value as Json, json};

use crate::history::{Value, What};
use crate::plan::Dice;
use crate::record::Ground;

/// A client gives a request up after this; what became of it is then open.
pub(crate) const PATIENCE: Duration = Duration::from_secs(4);
/// An upload that is held by a node that stands still is free after its lease of 30 s.
pub(crate) const UPLOAD_PATIENCE: Duration = Duration::from_secs(45);
pub(crate) const PAUSE: Duration = Duration::from_millis(200);
/// Larger than the first part of an upload to S3, so that parts are sent before its end; one blob in so many is.
const LARGE: usize = 9 << 20;
const ONE_IN: usize = 100;

pub(crate) struct Hand {
    pub(crate) ground: Arc<Ground>,
    http: Http,
    pub(crate) number: usize,
    pub(crate) dice: Dice,
    made: u64,
}

/// What a request that changes something came to.
pub(crate) enum Outcome {
    Done,
    /// Refused for good by this status.
    Refused(StatusCode, String),
    /// No answer, or one that leaves open whether it happened.
    Open,
}

/// Where an upload stands.
pub(crate) enum Standing {
    At(usize),
    Finished,
    Gone,
    Unknown,
}

impl Hand {
    pub(crate) fn new(ground: Arc<Ground>, number: usize, seed: u64) -> Hand {
        let http = builder().timeout(PATIENCE).build().unwrap();
        Hand { ground, http, number, dice: Dice::new(seed ^ (number as u64 + 1) << 32), made: 0 }
    }

    pub(crate) fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.ground.project)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.ground.host);
        self.http.request(method, url).basic_auth("admin", Some(hythe_acceptance::server::PASSWORD))
    }

    pub(crate) fn accuse(&self, words: &str) {
        self.ground.accuse(self.number, words);
    }

    pub(crate) async fn rest(&mut self, most: Duration) {
        let most = usize::try_from(most.as_millis()).unwrap();
        tokio::time::sleep(Duration::from_millis(self.dice.below(most) as u64)).await;
    }

    /// Bytes that nobody else makes.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        self.made += 1;
        let mut dice = Dice::new((self.number as u64) << 40 | self.made);
        (0..length.div_ceil(8)).flat_map(|_| dice.roll().to_le_bytes()).take(length).collect()
    }

    /// An image of this blob that is like no other.
    pub(crate) fn image(&mut self, config: &Json) -> String {
        self.made += 1;
        let image = json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": config,
            "layers": [],
            "annotations": { "made": format!("{}-{}", self.number, self.made) },
        });
        image.to_string()
    }

    /// Pushes a blob of its own, unless the run ends before; its descriptor.
    pub(crate) async fn push_some_blob(&mut self, repository: &str) -> Option<Json> {
        let length = if self.dice.below(ONE_IN) == 0 { LARGE } else { 2_000 } + self.dice.below(150_000);
        let bytes = self.bytes(length);
        let pushed = self.push_blob(repository, &bytes).await;
        pushed.then(|| descriptor("application/vnd.example.config", &bytes))
    }

    /// Pushes an image under a name and writes down what came of it.
    pub(crate) async fn push_image(&self, path: &str, image: &str) -> Outcome {
        let begun = self.ground.now();
        let put = self.request(Method::PUT, path).header("content-type", OCI_MANIFEST).body(image.to_owned());
        let what = What::Write(Some(digest(image.as_bytes())));
        let outcome = outcome(put.send().await, StatusCode::CREATED).await;
        match &outcome {
            Outcome::Done => self.ground.write_down(path, begun, true, what, self.number),
            Outcome::Open => self.ground.write_down(path, begun, false, what, self.number),
            Outcome::Refused(status, words) => self
                .accuse(&format!("the image at {path}, whose blob is there, was refused: {status} {words}")),
        }
        outcome
    }

    /// What a name names, if there was an answer; the image is read whole.
    pub(crate) async fn pull(&self, path: &str) {
        let begun = self.ground.now();
        let Some((status, body)) = whole(self.request(Method::GET, path).send().await).await else { return };
        let found: Value = match status {
            StatusCode::OK => Some(digest(&body)),
            StatusCode::NOT_FOUND => None,
            status if status.is_server_error() => return,
            status => return self.accuse(&format!("a pull was answered by {status}")),
        };
        self.ground.write_down(path, begun, true, What::Read(found.clone()), self.number);
        if found.is_some() {
            self.pull_blob(path, &body).await;
        }
    }

    /// The blob of an image that was there a moment ago. Where it is gone the image has to be gone too.
    async fn pull_blob(&self, image_path: &str, manifest: &[u8]) {
        let image: Json = serde_json::from_slice(manifest).unwrap();
        let wanted = image["config"]["digest"].as_str().unwrap().to_owned();
        let (repository, _) = image_path.split_once("/manifests/").unwrap();
        let path = format!("{repository}/blobs/{wanted}");
        match whole(self.request(Method::GET, &path).send().await).await {
            Some((StatusCode::OK, body)) if digest(&body) == wanted => {}
            Some((StatusCode::OK, body)) => {
                self.accuse(&format!("{wanted} was sent with the digest {}", digest(&body)));
            }
            Some((status, _)) if status.is_client_error() => {
                let named = digest(manifest);
                let by_digest = format!("{repository}/manifests/{named}");
                if let Some((StatusCode::OK, _)) =
                    whole(self.request(Method::GET, &by_digest).send().await).await
                {
                    self.accuse(&format!("{path}, which {named} names, was answered by {status}"));
                }
            }
            _ => {}
        }
    }

    /// In three requests, which go to three nodes; whether it was acknowledged in the end.
    pub(crate) async fn push_blob(&mut self, repository: &str, bytes: &[u8]) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < UPLOAD_PATIENCE && !self.ground.is_over() {
            let Some(upload) = self.start_upload(repository).await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            if self.fill(repository, &upload, bytes, begun).await {
                return true;
            }
        }
        false
    }

    /// Begins an upload.
    pub(crate) async fn start_upload(&self, repository: &str) -> Option<String> {
        let started = self.request(Method::POST, &format!("/v2/{repository}/blobs/uploads/"));
        match started.header("content-length", 0).send().await {
            Ok(answer) if answer.status() == StatusCode::ACCEPTED => Some(location(&answer)),
            _ => None,
        }
    }

    /// Sends the bytes, going on where the registry says that the upload stands after every failure.
    async fn fill(&mut self, repository: &str, upload: &str, bytes: &[u8], begun: Instant) -> bool {
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
                    match self.standing(repository, upload, &digest(bytes), finishing).await {
                        Standing::At(received) => offset = received,
                        Standing::Finished => return true,
                        Standing::Gone => return false,
                        Standing::Unknown => {}
                    }
                }
                Outcome::Refused(StatusCode::NOT_FOUND, _) if finishing => return false,
                Outcome::Refused(status, words) => {
                    self.accuse(&format!("a chunk that fits was refused: {status} {words}"));
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
        let patch = self.request(Method::PATCH, upload).header("content-range", range(from, to)).body(chunk);
        outcome(patch.send().await, StatusCode::ACCEPTED).await
    }

    /// Where an upload stands. One that is gone may have been finished by a request whose answer was lost.
    pub(crate) async fn standing(
        &self,
        repository: &str,
        upload: &str,
        blob: &str,
        finishing: bool,
    ) -> Standing {
        let Ok(answer) = self.request(Method::GET, upload).send().await else { return Standing::Unknown };
        match answer.status() {
            StatusCode::NO_CONTENT => Standing::At(received(&answer)),
            StatusCode::NOT_FOUND if finishing => {
                match self.is_there(&format!("/v2/{repository}/blobs/{blob}")).await {
                    Some(true) => Standing::Finished,
                    Some(false) => Standing::Gone,
                    None => Standing::Unknown,
                }
            }
            StatusCode::NOT_FOUND => {
                self.accuse("an upload that was begun is unknown");
                Standing::Gone
            }
            _ => Standing::Unknown,
        }
    }

    /// What `HEAD` says, if it says anything.
    pub(crate) async fn is_there(&self, path: &str) -> Option<bool> {
        match self.request(Method::HEAD, path).send().await.ok()?.status() {
            StatusCode::OK => Some(true),
            StatusCode::NOT_FOUND => Some(false),
            _ => None,
        }
    }
}

pub(crate) async fn outcome(sent: reqwest::Result<Response>, wanted: StatusCode) -> Outcome {
    match whole(sent).await {
        None => Outcome::Open,
        Some((status, _)) if status == wanted => Outcome::Done,
        Some((status, _)) if status.is_server_error() => Outcome::Open,
        Some((status, body)) => Outcome::Refused(status, String::from_utf8_lossy(&body).into_owned()),
    }
}

/// Status and body; nothing where either did not come.
pub(crate) async fn whole(sent: reqwest::Result<Response>) -> Option<(StatusCode, Vec<u8>)> {
    let answer = sent.ok()?;
    let status = answer.status();
    Some((status, answer.bytes().await.ok()?.to_vec()))
}

fn location(answer: &Response) -> String {
    answer.headers()["location"].to_str().unwrap().to_owned()
}

/// `Content-Range` of bytes from one place up to another.
pub(crate) fn range(from: usize, to: usize) -> String {
    format!("{from}-{}", to - 1)
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
