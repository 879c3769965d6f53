//! Traces against a small collector, as far as bytes tell: ids, names and attributes stand in OTLP as they are.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::routing::{get, post};
use bytes::Bytes;
use http::Request;
use tokio::net::TcpListener;
use tower::ServiceExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{Options, endpoint, layer};
use crate::telemetry::logs::testing;
use crate::telemetry::{RequestContext, RequestLayer};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn options(endpoint: String) -> Options {
    Options { endpoint, sample: 1.0, node: "node-1".to_owned() }
}

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<u8>>>);

impl Collector {
    async fn start(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::clone(&self.0);
        let take = move |body: Bytes| async move { received.lock().unwrap().extend_from_slice(&body) };
        tokio::spawn(async { axum::serve(listener, Router::new().route("/v1/traces", post(take))).await });
        format!("http://{address}")
    }

    fn has(&self, bytes: &[u8]) -> bool {
        self.0.lock().unwrap().windows(bytes.len()).any(|window| window == bytes)
    }
}

fn asked(traceparent: &str) -> Request<Body> {
    Request::get("/v2/x?secret=s3cret").header("traceparent", traceparent).body(Body::empty()).unwrap()
}

async fn pull_blob(axum::Extension(context): axum::Extension<RequestContext>) -> &'static str {
    context.set_route("pull_blob");
    "bytes"
}

fn bytes_of(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn a_request_goes_on_with_the_trace_of_its_client_and_is_flushed_at_the_end() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let collector = Collector::default();
    let address = runtime.block_on(collector.start());
    let (traces, guard) = layer(&options(address), runtime.handle()).unwrap();
    let subscriber = tracing_subscriber::registry().with(traces);
    let router = Router::new().route("/v2/x", get(pull_blob)).layer(RequestLayer::new(|_| None));
    tracing::subscriber::with_default(subscriber, || {
        runtime.block_on(async { router.oneshot(asked(&format!("00-{TRACE}-{PARENT}-01"))).await.unwrap() });
    });
    assert!(!collector.has(b"pull_blob"), "nothing is sent on the request's time");
    guard.shutdown();
    for text in ["pull_blob", "http.route", "hythe", "node-1", "request_id"] {
        assert!(collector.has(text.as_bytes()), "{text}");
    }
    assert!(collector.has(&bytes_of(TRACE)) && collector.has(&bytes_of(PARENT)));
    assert!(!collector.has(b"s3cret"));
}

#[test]
fn a_collector_that_does_not_answer_is_named_once() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let exporter = super::Exporter::new(&options(format!("http://{gone}")), runtime.handle()).unwrap();
    let (subscriber, logs, page) = testing::subscriber("info");
    let started = Instant::now();
    tracing::subscriber::with_default(subscriber, || {
        use opentelemetry_sdk::trace::SpanExporter as _;
        for _ in 0..3 {
            runtime.block_on(exporter.export(Vec::new())).unwrap_err();
        }
    });
    assert!(started.elapsed() < Duration::from_secs(20));
    logs.shutdown();
    let lines = page.json();
    assert_eq!(lines.len(), 1, "{lines:?}");
    let message = lines[0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        format!("cannot send traces to http://{gone}/v1/traces, they are dropped until it answers")
    );
    assert!(!lines[0]["error"].as_str().unwrap().is_empty());
}

#[test]
fn an_endpoint_gets_its_path() {
    assert_eq!(endpoint("http://c:4318").unwrap(), "http://c:4318/v1/traces");
    assert_eq!(endpoint("https://c/").unwrap(), "https://c/v1/traces");
    assert_eq!(endpoint("http://c/otlp/v1/traces").unwrap(), "http://c/otlp/v1/traces");
    for wrong in ["", "collector:4318", "ftp://c"] {
        let refused = endpoint(wrong).unwrap_err().to_string();
        assert_eq!(refused, format!("traces endpoint {wrong:?} is not an http or https address"));
    }
}
