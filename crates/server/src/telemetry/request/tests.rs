//! Requests through the layer, seen from both ends.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::routing::{any, get};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;
use tracing::subscriber::DefaultGuard;

use super::{RequestContext, RequestLayer};
use crate::telemetry::logs::testing::{self, Page};

/// A router behind the layer, and what it logs.
struct Stage {
    router: Router,
    page: Page,
    logs: crate::telemetry::logs::Guard,
    _default: DefaultGuard,
}

impl Stage {
    fn new(router: Router) -> Stage {
        let (subscriber, logs, page) = testing::subscriber("debug");
        let peer = |_: &http::Extensions| Some(SocketAddr::from(([192, 0, 2, 7], 4711)));
        Stage {
            router: router.layer(RequestLayer::new(peer)),
            page,
            logs,
            _default: tracing::subscriber::set_default(subscriber),
        }
    }

    async fn ask(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// The access lines, once all is over.
    fn access(self) -> Vec<Value> {
        self.logs.shutdown();
        self.page.json().into_iter().filter(|line| line["target"] == "hythe::access").collect()
    }
}

fn request(method: &str, uri: &str) -> Request<Body> {
    Request::builder().method(method).uri(uri).header("user-agent", "oras/1.2").body(Body::empty()).unwrap()
}

async fn label(axum::Extension(context): axum::Extension<RequestContext>) -> &'static str {
    context.set_route("label");
    "label"
}

async fn read(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn an_access_line_says_it_all_and_no_secret() {
    let router = Router::new().route(
        "/v2/{*path}",
        any(async |request: Request<Body>| {
            let context: RequestContext = request.extensions().get().cloned().unwrap();
            context.set_route("push_manifest");
            context.set_user("robot$ci");
            request.into_body().collect().await.unwrap();
            (StatusCode::CREATED, "done")
        }),
    );
    let stage = Stage::new(router);
    let mut asked = request("PUT", "/v2/team/app/manifests/v1?token=s3cret");
    asked.headers_mut().insert("authorization", "Bearer s3cret".parse().unwrap());
    asked.headers_mut().insert("x-request-id", "build-17".parse().unwrap());
    *asked.body_mut() = Body::from("{ }");
    let response = stage.ask(asked).await;
    assert_eq!(response.headers()["x-request-id"], "build-17");
    assert_eq!(read(response).await, "done");
    let page = stage.page.clone();
    let lines = stage.access();
    assert!(!page.text().contains("s3cret"), "{}", page.text());
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let said = |name: &str| line[name].clone();
    assert_eq!(said("level"), "INFO");
    assert_eq!(said("request_id"), "build-17");
    assert_eq!((said("method"), said("path")), ("PUT".into(), "/v2/team/app/manifests/v1".into()));
    assert_eq!((said("route"), said("user")), ("push_manifest".into(), "robot$ci".into()));
    assert_eq!(
        (said("status"), said("received_bytes"), said("sent_bytes")),
        (201.into(), 3.into(), 4.into())
    );
    assert_eq!((said("peer"), said("user_agent")), ("192.0.2.7:4711".into(), "oras/1.2".into()));
    assert!(line["message"].as_str().unwrap().starts_with("PUT /v2/team/app/manifests/v1 201 in "));
    for name in line.as_object().unwrap().keys() {
        let known = crate::telemetry::fields::ACCESS.contains(&name.as_str());
        assert!(
            known || ["timestamp", "level", "message", "node", "target"].contains(&name.as_str()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_route_is_the_label_else_the_pattern_else_unknown() {
    let router = Router::new().route("/a/{name}", get(async || "pattern")).route("/b/{name}", get(label));
    let stage = Stage::new(router);
    for path in ["/a/x", "/b/x", "/c"] {
        read(stage.ask(request("GET", path)).await).await;
    }
    let routes: Vec<_> = stage.access().iter().map(|line| line["route"].clone()).collect();
    assert_eq!(routes, ["/a/{name}", "label", "unknown"]);
}

#[tokio::test]
async fn lines_inside_a_request_carry_its_id() {
    let router = Router::new().route("/", get(async || tracing::warn!("inside")));
    let stage = Stage::new(router);
    let response = stage.ask(request("GET", "/")).await;
    let page = stage.page.clone();
    stage.access();
    let inside = page.json().into_iter().find(|line| line["message"] == "inside").unwrap();
    assert_eq!(inside["request_id"], response.headers()["x-request-id"].to_str().unwrap());
}

fn two_frames() -> Response<Body> {
    let frames = [Bytes::from_static(b"12345"), Bytes::from_static(b"67890")];
    let body = Body::from_stream(stream::iter(frames.map(Ok::<_, Infallible>)));
    Response::new(Body::new(Sized { inner: body, left: 10 }))
}

/// Knows its length, as a blob does.
struct Sized {
    inner: Body,
    left: u64,
}

impl http_body::Body for Sized {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let frame = std::task::ready!(std::pin::Pin::new(&mut self.inner).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.left -= frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        std::task::Poll::Ready(frame)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.left)
    }
}

#[tokio::test]
async fn a_client_that_goes_away_is_told_with_its_bytes() {
    let stage = Stage::new(Router::new().route("/", get(async || two_frames())));
    let mut body = stage.ask(request("GET", "/")).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let line = &stage.access()[0];
    assert_eq!(
        (&line["error"], &line["level"]),
        (&"client went away after 5 of 10 bytes".into(), &"INFO".into())
    );
    assert_eq!((&line["status"], &line["sent_bytes"]), (&200.into(), &5.into()));
}

/// hyper drops a body of known length once all bytes are out, and polls none in answer to HEAD.
#[tokio::test]
async fn a_body_dropped_when_all_is_sent_is_complete() {
    let stage = Stage::new(Router::new().route("/", any(async || two_frames())));
    let mut body = stage.ask(request("GET", "/")).await.into_body();
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap();
    drop(body);
    drop(stage.ask(request("HEAD", "/")).await);
    for line in stage.access() {
        assert_eq!((&line["error"], &line["level"]), (&Value::Null, &"DEBUG".into()), "{line}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_counts_as_499() {
    let stage = Stage::new(Router::new().route("/", get(async || std::future::pending::<()>().await)));
    let mut asking = Box::pin(stage.ask(request("GET", "/")));
    assert!(futures_util::poll!(&mut asking).is_pending());
    drop(asking);
    let line = &stage.access()[0];
    assert_eq!(
        (&line["status"], &line["error"]),
        (&499.into(), &"client went away before the answer".into())
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_warning() {
    let broken = async || {
        let frames = [Ok(Bytes::from_static(b"12345")), Err(std::io::Error::other("disk is gone"))];
        Response::new(Body::from_stream(stream::iter(frames)))
    };
    let stage = Stage::new(Router::new().route("/", get(broken)));
    stage.ask(request("GET", "/")).await.into_body().collect().await.unwrap_err();
    let line = &stage.access()[0];
    assert_eq!((&line["error"], &line["level"]), (&"answer broke off: disk is gone".into(), &"WARN".into()));
}

#[tokio::test]
async fn frames_and_sizes_pass_untouched() {
    let bytes = Bytes::from(vec![7; 100_000]);
    let sent = bytes.clone();
    let handler = async move || Response::new(Body::from(sent));
    let stage = Stage::new(Router::new().route("/", get(handler)));
    let mut body = stage.ask(request("GET", "/")).await.into_body();
    assert_eq!(body.size_hint().exact(), Some(100_000));
    let frame = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frame.as_ptr(), bytes.as_ptr(), "sendfile recognises a frame by its address");
    assert!(body.is_end_stream());
}

#[test]
fn loudness() {
    use super::access::{Outcome, level};
    use http::Method;
    use tracing::Level;
    let of = |method: &Method, status| level(method, status, &Outcome::Complete);
    assert_eq!(of(&Method::GET, 200), Level::DEBUG);
    assert_eq!(of(&Method::GET, 304), Level::DEBUG);
    assert_eq!(of(&Method::GET, 401), Level::DEBUG);
    assert_eq!(of(&Method::HEAD, 404), Level::DEBUG);
    assert_eq!(of(&Method::PATCH, 202), Level::DEBUG);
    assert_eq!(of(&Method::PUT, 201), Level::INFO);
    assert_eq!(of(&Method::DELETE, 202), Level::INFO);
    assert_eq!(of(&Method::GET, 403), Level::INFO);
    assert_eq!(of(&Method::GET, 503), Level::WARN);
}

#[tokio::test]
async fn headers_that_are_no_text_do_no_harm() {
    let stage = Stage::new(Router::new().route("/", get(async || "")));
    let mut asked = request("GET", "/");
    let mut headers = HeaderMap::new();
    for name in ["x-request-id", "user-agent", "traceparent"] {
        headers.insert(name, http::HeaderValue::from_bytes(b"\xff\xfe").unwrap());
    }
    *asked.headers_mut() = headers;
    assert_eq!(stage.ask(asked).await.headers()["x-request-id"].len(), 36);
    assert_eq!(stage.access()[0]["user_agent"], Value::Null);
}

#[tokio::test]
async fn the_level_decides_what_is_written() {
    let (subscriber, logs, page) = testing::subscriber("info");
    let _default = tracing::subscriber::set_default(subscriber);
    let router =
        Router::new().route("/", any(async || StatusCode::CREATED)).layer(RequestLayer::new(|_| None));
    for method in ["GET", "PUT"] {
        router.clone().oneshot(request(method, "/")).await.unwrap();
    }
    logs.shutdown();
    assert_eq!(page.json().len(), 1);
    assert_eq!(page.json()[0]["method"], "PUT");
}

#[tokio::test]
async fn large_bodies_are_transfers_while_they_last_and_small_ones_are_none() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let numbers = recorder.handle();
    let _local = ::metrics::set_default_local_recorder(&recorder);
    let large = async |body: Body| {
        let frames = stream::iter(body.collect().await).map(|whole| Ok::<_, Infallible>(whole.to_bytes()));
        Response::new(Body::from_stream(frames))
    };
    let stage = Stage::new(Router::new().route("/large", any(large)).route("/small", get(async || "small")));
    read(stage.ask(request("GET", "/small")).await).await;
    assert!(!numbers.render().contains("hythe_transfers"));
    let mut asked = request("PUT", "/large");
    *asked.body_mut() = Body::from(vec![1; 64 * 1024]);
    let response = stage.ask(asked).await;
    let under_way = |direction: &str, count: u32| {
        let line = format!("hythe_transfers{{direction=\"{direction}\"}} {count}\n");
        assert!(numbers.render().contains(&line), "{line} in {}", numbers.render());
    };
    under_way("in", 0);
    under_way("out", 1);
    assert_eq!(read(response).await.len(), 64 * 1024);
    under_way("out", 0);
}

#[tokio::test]
async fn a_panic_is_a_500_and_one_line_with_the_request() {
    crate::telemetry::panics::install();
    let boom = || async {
        if true {
            panic!("on\npurpose")
        }
    };
    let stage = Stage::new(Router::new().route("/boom", get(boom)));
    let answer = stage.ask(request("GET", "/boom")).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    drop(answer);
    let page = stage.page.clone();
    let access = stage.access();
    assert_eq!((access.len(), &access[0]["status"]), (1, &500.into()));
    let lines = page.json();
    let panicked: Vec<_> = lines.iter().filter(|line| line["location"].is_string()).collect();
    assert_eq!(panicked.len(), 1, "{lines:?}");
    assert_eq!((&panicked[0]["request_id"], &panicked[0]["level"]), (&id.into(), &"ERROR".into()));
    assert!(panicked[0]["location"].as_str().unwrap().contains("tests.rs:"), "{panicked:?}");
    assert!(panicked[0]["message"].as_str().unwrap().starts_with("panicked: on\\npurpose;"), "{panicked:?}");
}
