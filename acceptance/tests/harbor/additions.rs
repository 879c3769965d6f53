//! What artifacts bring along to be read: additions and icons.

use hythe_acceptance::workbench::Workbench;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::api::Api;
use crate::pusher::Pusher;

const CHART: &[(&str, &str)] = &[
    ("demo/Chart.yaml", "apiVersion: v2\nname: demo\n"),
    ("demo/charts/redis/README.md", "another chart's"),
    ("demo/README.md", "# demo\n"),
    ("demo/values.yaml", "replicas: 2\n"),
];

/// A server with a project, and who asks about its artifacts.
struct Reader {
    api: Api,
    pusher: Pusher,
    _bench: Workbench,
}

impl Reader {
    fn new() -> Reader {
        let bench = Workbench::new();
        let api = Api::of(&bench.server);
        api.make("/projects", &json!({ "project_name": "shelf" }));
        let pusher = Pusher::to(&bench.server, "shelf/deep/things");
        Reader { api, pusher, _bench: bench }
    }

    fn reads(&self, reference: &str, addition: &str) -> (StatusCode, Value) {
        let artifact = format!("/projects/shelf/repositories/deep%252Fthings/artifacts/{reference}");
        self.api.send(&Method::GET, &format!("{artifact}/additions/{addition}"), None)
    }

    #[track_caller]
    fn is_refused(&self, reference: &str, addition: &str, status: StatusCode, word: &str) {
        let (answered, said) = self.reads(reference, addition);
        let message = said["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(answered == status && message.contains(word), "{addition}: {answered} {said}");
    }
}

#[test]
fn an_image_tells_how_it_was_built() {
    let reader = Reader::new();
    let image = reader.pusher.image("amd64", Some("v1"));
    reader.pusher.index(&[&image], "all");
    let history =
        json!([{ "created_by": "COPY app /app" }, { "created_by": "CMD [\"/app\"]", "empty_layer": true }]);
    for reference in ["v1", image["digest"].as_str().unwrap()] {
        assert_eq!(reader.reads(reference, "build_history"), (StatusCode::OK, history.clone()));
    }
    reader.is_refused("v1", "readme.md", StatusCode::BAD_REQUEST, "build_history");
    reader.is_refused("v1", "licence", StatusCode::BAD_REQUEST, "license");
    reader.is_refused("v1", "vulnerabilities", StatusCode::NOT_FOUND, "no scanner");
    reader.is_refused("v2", "build_history", StatusCode::NOT_FOUND, "v2");
    reader.is_refused("all", "build_history", StatusCode::BAD_REQUEST, "no additions");
}

#[test]
fn a_chart_is_looked_into() {
    let reader = Reader::new();
    reader.pusher.chart(CHART, "1.2.3");
    assert_eq!(reader.reads("1.2.3", "readme.md"), (StatusCode::OK, json!("# demo\n")));
    assert_eq!(reader.reads("1.2.3", "values.yaml"), (StatusCode::OK, json!("replicas: 2\n")));
    let needs = json!([{ "name": "redis", "version": "1.0.0", "repository": "oci://charts.test" }]);
    assert_eq!(reader.reads("1.2.3", "dependencies"), (StatusCode::OK, needs));
    reader.is_refused("1.2.3", "license", StatusCode::NOT_FOUND, "license");
    reader.is_refused("1.2.3", "build_history", StatusCode::BAD_REQUEST, "readme.md");
}

/// A few kilobytes that unpack to more than any chart: the look into them ends, and the server goes on.
#[test]
fn a_chart_that_is_a_bomb_is_left() {
    let reader = Reader::new();
    let zeros = "0".repeat(40 * 1024 * 1024);
    reader.pusher.chart(&[("demo/bomb", &zeros), ("demo/README.md", "behind it")], "1.0.0");
    reader.is_refused("1.0.0", "readme.md", StatusCode::BAD_REQUEST, "more than");
}

#[test]
fn an_icon_is_shown_to_who_could_pull_it() {
    let reader = Reader::new();
    let bytes = b"\x89PNG\r\n\x1a\n and so on";
    let picture = reader.pusher.blob("image/png", bytes);
    let text = reader.pusher.blob("text/html", b"<script>");
    let ask = |api: &Api, blob: &Value| {
        api.send(&Method::GET, &format!("/icons/{}", blob["digest"].as_str().unwrap()), None)
    };
    let (status, shown) = ask(&reader.api, &picture);
    assert_eq!((status, &shown["content-type"]), (StatusCode::OK, &json!("image/png")));
    assert_eq!(shown["content"], json!("iVBORw0KGgogYW5kIHNvIG9u"));
    assert_eq!(ask(&reader.api, &text).0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&reader.api.by_nobody(), &picture).0, StatusCode::NOT_FOUND);
}
