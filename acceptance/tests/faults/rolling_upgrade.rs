//! Nodes of an earlier version are replaced one by one while clients work: no request fails, and both versions serve what the
//! other one took.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hythe_acceptance::actor::Actor;
use hythe_acceptance::balancer::Balancer;
use hythe_acceptance::desk::{self, OCI_MANIFEST, descriptor, digest};
use hythe_acceptance::directory::free_port;
use hythe_acceptance::server::{Options, PASSWORD, Server, binary};
use hythe_acceptance::stores;
use reqwest::{Client as Http, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::bytes;

const NODES: usize = 3;
const CLIENTS: u64 = 6;
/// For so long two versions stand side by side after each step.
const STEP: Duration = Duration::from_secs(2);

/// What clients share, and what they wrote down.
struct Ground {
    host: String,
    over: AtomicBool,
    requests: AtomicUsize,
    /// Requests that a client had to repeat, and those that failed for good.
    repeated: Mutex<Vec<String>>,
    failed: Mutex<Vec<String>>,
    /// Paths that were acknowledged.
    kept: Mutex<Vec<String>>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_an_earlier_version_are_replaced_under_load_and_no_request_fails() {
    let (Some(previous), Some(database)) = (std::env::var_os("HYTHE_TEST_PREVIOUS"), stores::postgres())
    else {
        eprintln!(
            "NOT RUN: HYTHE_TEST_PREVIOUS names no earlier binary, or HYTHE_TEST_POSTGRES no server; cargo xtask test sets both"
        );
        return;
    };
    assert!(
        std::fs::read(&previous).unwrap() != std::fs::read(binary()).unwrap(),
        "both are the same version"
    );
    let folder = tempfile::tempdir().unwrap();
    let options = nodes(folder.path(), &database);
    let old = |options: &Options| options.clone().binary(Path::new(&previous));
    let mut running: Vec<Server> = options.iter().map(|(_, options)| old(options).start()).collect();
    let balancer = Balancer::checking(&options.iter().map(|(port, _)| *port).collect::<Vec<_>>());
    let ground = Ground::new(balancer.host()).await;
    let clients: Vec<_> = (0..CLIENTS).map(|seed| tokio::spawn(work(ground.clone(), seed))).collect();
    tokio::time::sleep(STEP).await;
    migrate(&options[0].1);
    tokio::time::sleep(STEP).await;
    for (server, (_, options)) in running.iter_mut().zip(&options) {
        replace(server, options).await;
        tokio::time::sleep(STEP).await;
    }
    ground.over.store(true, Ordering::Relaxed);
    for client in clients {
        client.await.unwrap();
    }
    let (failed, repeated) = (ground.failed.lock().unwrap().clone(), ground.repeated.lock().unwrap().clone());
    println!(
        "{} requests, {} repeated: {repeated:?}",
        ground.requests.load(Ordering::Relaxed),
        repeated.len()
    );
    assert!(failed.is_empty(), "{failed:#?}");
    for server in &running {
        ground.assert_whole(&server.host()).await;
    }
}

/// The port of each node and what it is told, whatever its version.
fn nodes(folder: &Path, database: &str) -> Vec<(u16, Options)> {
    let shared = Options::default()
        .variable("HYTHE_DATABASE_URL", database)
        .variable("HYTHE_STORAGE_URL", folder.join("blobs").to_str().unwrap());
    let node = |index: usize| {
        let port = free_port();
        let options = shared.clone().variable("HYTHE_NODE", &format!("node-{index}"));
        (port, options.listen(&format!("127.0.0.1:{port}")).data(&folder.join(format!("data-{index}"))))
    };
    (0..NODES).map(node).collect()
}

/// The new tables and columns come first, beside nodes that do not know them.
fn migrate(options: &Options) {
    let output = options.command(&["migrate"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// As an operator does it: an orderly end, then the new binary at the same place.
async fn replace(server: &mut Server, options: &Options) {
    server.signal("TERM");
    tokio::task::block_in_place(|| {
        assert!(server.ended().success());
        *server = options.start();
    });
}

impl Ground {
    async fn new(host: String) -> Arc<Ground> {
        let made = desk::builder().build().unwrap().post(format!("http://{host}/api/v2.0/projects"));
        let made =
            made.basic_auth("admin", Some(PASSWORD)).json(&json!({ "project_name": "rolling" })).send().await;
        assert_eq!(made.unwrap().status(), StatusCode::CREATED);
        Arc::new(Ground {
            host,
            over: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            repeated: Mutex::default(),
            failed: Mutex::default(),
            kept: Mutex::default(),
        })
    }

    /// Sends it and expects this status. What clients repeat by themselves is repeated here too: no connection, and 502,
    /// 503 and 504, twice.
    async fn ask(
        &self,
        what: &str,
        wanted: StatusCode,
        request: impl Fn() -> RequestBuilder,
    ) -> Option<Answer> {
        for attempt in 0..3 {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let words = match request().send().await {
                Ok(answer) if answer.status() == wanted => {
                    let location = answer.headers().get("location");
                    let location =
                        location.map(|place| place.to_str().unwrap().to_owned()).unwrap_or_default();
                    match answer.bytes().await {
                        Ok(body) => return Some(Answer { location, body: body.to_vec() }),
                        Err(error) => format!("{what}: {error:?}"),
                    }
                }
                Ok(answer) => {
                    let status = answer.status();
                    let words = format!("{what}: {status} {}", answer.text().await.unwrap_or_default());
                    if !matches!(status.as_u16(), 502..=504) {
                        self.failed.lock().unwrap().push(words);
                        return None;
                    }
                    words
                }
                Err(error) => format!("{what}: {error:?}"),
            };
            let list = if attempt == 2 { &self.failed } else { &self.repeated };
            list.lock().unwrap().push(words);
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        None
    }

    async fn assert_whole(&self, host: &str) {
        let (http, kept) = (desk::builder().build().unwrap(), self.kept.lock().unwrap().clone());
        assert!(!kept.is_empty());
        for path in kept {
            let got = http
                .get(format!("http://{host}{path}"))
                .basic_auth("admin", Some(PASSWORD))
                .send()
                .await
                .unwrap();
            assert_eq!(got.status(), StatusCode::OK, "{host}{path}");
            let body = got.bytes().await.unwrap();
            assert!(path.ends_with(&digest(&body)), "{host}{path} is not whole");
        }
    }
}

struct Answer {
    location: String,
    body: Vec<u8>,
}

/// Signs in, pushes an image in pieces and pulls it, as docker does, over and over.
async fn work(ground: Arc<Ground>, seed: u64) {
    let (http, administrator) = (desk::builder().build().unwrap(), Actor::new("admin", PASSWORD));
    for number in 0.. {
        if ground.over.load(Ordering::Relaxed) {
            return;
        }
        if image(&ground, &http, &administrator, seed, number).await.is_none() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

async fn image(ground: &Ground, http: &Http, administrator: &Actor, seed: u64, number: u64) -> Option<()> {
    let repository = format!("rolling/app-{seed}");
    let url = |path: &str| format!("http://{}{path}", ground.host);
    let query = format!("service=hythe-registry&scope=repository:{repository}:pull,push");
    let token = ground
        .ask("sign in", StatusCode::OK, || {
            http.get(url(&format!("/service/token?{query}")))
                .header("authorization", desk::basic(administrator))
        })
        .await?;
    let token: Value = serde_json::from_slice(&token.body).unwrap();
    let token = token["token"].as_str().unwrap();
    let by = |method: Method, path: &str| http.request(method, url(path)).bearer_auth(token);
    let blob = bytes(seed << 32 | number, 40_000);
    let begun = ground.ask("begin", StatusCode::ACCEPTED, || {
        by(Method::POST, &format!("/v2/{repository}/blobs/uploads/")).header("content-length", 0)
    });
    let upload = begun.await?.location;
    let half = blob.len() / 2;
    let sent =
        ground.ask("chunk", StatusCode::ACCEPTED, || by(Method::PATCH, &upload).body(blob[..half].to_vec()));
    sent.await?;
    let put = format!("{upload}?digest={}", digest(&blob));
    let rest = blob[half..].to_vec();
    ground.ask("finish", StatusCode::CREATED, || by(Method::PUT, &put).body(rest.clone())).await?;
    ground.kept.lock().unwrap().push(format!("/v2/{repository}/blobs/{}", digest(&blob)));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.example.config", &blob), "layers": [],
    });
    let manifest = manifest.to_string();
    let path = format!("/v2/{repository}/manifests/latest");
    let pushed = ground.ask("manifest", StatusCode::CREATED, || {
        by(Method::PUT, &path).header("content-type", OCI_MANIFEST).body(manifest.clone())
    });
    pushed.await?;
    ground.kept.lock().unwrap().push(format!("/v2/{repository}/manifests/{}", digest(manifest.as_bytes())));
    let pulled = ground.ask("pull", StatusCode::OK, || by(Method::GET, &path)).await?;
    if pulled.body != manifest.as_bytes() {
        ground.failed.lock().unwrap().push(format!("{path} came back as another"));
    }
    Some(())
}
