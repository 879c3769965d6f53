//! The node itself: health, metrics, request ids, and what its answers never carry.

use reqwest::{Method, StatusCode};

use crate::support::{Answer, Desk, Shared, digest};

static SHARED: Shared = Shared::new();

async fn one_of_each(desk: &Desk) -> Vec<Answer> {
    let repository = desk.repository("a");
    desk.push_image(&repository, "1", "one of each").await;
    let mut answers = Vec::new();
    for path in ["/v2/", "/livez", "/readyz", "/metrics", "/v2/_catalog", "/api/v2.0/systeminfo", "/nothing"]
    {
        answers.push(desk.get(path).await);
    }
    for path in
        ["manifests/1", "manifests/2", "tags/list", &format!("referrers/{}", digest(b"x")), "blobs/junk"]
    {
        answers.push(desk.get(&format!("/v2/{repository}/{path}")).await);
    }
    answers
}

#[tokio::test]
async fn row_31_no_warning_is_sent_that_clients_could_not_read() {
    let desk = Desk::at(&SHARED).await;
    for answer in one_of_each(&desk).await {
        let warnings = answer.headers.get_all("warning").iter().map(|value| value.to_str().unwrap());
        let warnings: Vec<_> = warnings.collect();
        assert!(warnings.iter().map(|text| text.len()).sum::<usize>() <= 4096);
        assert!(
            warnings.iter().all(|text| text.starts_with("299 - \"") && text.ends_with('"')),
            "{warnings:?}"
        );
    }
}

#[tokio::test]
async fn row_33_errors_are_json_and_empty_on_head() {
    let desk = Desk::private_at(&SHARED).await;
    let repository = desk.repository("a");
    desk.push_image(&repository, "1", "row 33").await;
    for path in
        ["manifests/2", "tags/list", "blobs/junk", "manifests/x/y", &format!("blobs/{}", digest(b"x"))]
    {
        let path = format!("/v2/{repository}/{path}");
        for signed_in in [true, false] {
            let request = |method| match signed_in {
                true => desk.request(method, &path),
                false => desk.anonymous(method, &path),
            };
            let (head, get) = (desk.send(request(Method::HEAD)).await, desk.send(request(Method::GET)).await);
            assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
            if get.status >= 400 {
                assert!(!get.code().is_empty());
                assert_eq!(get.header("content-type"), Some("application/json"));
            }
        }
    }
}

#[tokio::test]
async fn every_answer_has_a_request_id_and_keeps_a_sane_one() {
    let desk = Desk::at(&SHARED).await;
    let mut ids: Vec<String> = Vec::new();
    for answer in one_of_each(&desk).await {
        ids.push(answer.header("x-request-id").unwrap().to_owned());
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    for (sent, kept) in
        [("build-42.a_b", true), ("has space", false), (&"x".repeat(65), false), ("a\"b", false)]
    {
        let answer = desk.send(desk.anonymous(Method::GET, "/v2/").header("x-request-id", sent)).await;
        assert_eq!(answer.header("x-request-id") == Some(sent), kept, "{sent}");
    }
}

#[tokio::test]
async fn the_node_says_that_it_lives_and_is_ready() {
    let desk = Desk::at(&SHARED).await;
    assert_eq!(desk.send(desk.anonymous(Method::GET, "/livez")).await.expect(StatusCode::OK).text(), "ok\n");
    let ready = desk.send(desk.anonymous(Method::GET, "/readyz")).await.expect(StatusCode::OK).json();
    assert_eq!(ready["status"], "healthy");
    let names: Vec<_> =
        ready["components"].as_array().unwrap().iter().map(|part| part["name"].clone()).collect();
    assert_eq!(names, ["database", "storage"]);
}

#[tokio::test]
async fn metrics_count_by_route_and_name_no_repository() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("very-particular-name");
    desk.push_image(&repository, "particular-tag", "metrics").await;
    desk.get(&format!("/v2/{repository}/manifests/particular-tag")).await.expect(StatusCode::OK);
    let metrics = desk.send(desk.anonymous(Method::GET, "/metrics")).await.expect(StatusCode::OK);
    let text = metrics.text();
    assert!(text.contains("route=\"pull_manifest\""), "{text}");
    assert!(text.lines().any(|line| line.starts_with("hythe_requests_total{")));
    for name in ["particular", &desk.project, "sha256:"] {
        assert!(!text.contains(name), "{name} in\n{text}");
    }
}
