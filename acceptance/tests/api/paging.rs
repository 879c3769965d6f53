//! Pages of lists that are longer than one: by the Link header and by number, all of it and nothing twice.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::SHARED;
use hythe_acceptance::desk::Desk;
use hythe_acceptance::things::{CONFIG, field};

const MANY: usize = 250;

#[tokio::test]
async fn many_artifacts_are_walked() {
    let desk = Desk::at(&SHARED).await;
    let mut image = desk.made_of("app", CONFIG, "{}", "layer").await;
    let mut expected = Vec::new();
    for number in 0..MANY {
        image["annotations"] = json!({ "number": number.to_string() });
        expected.push(desk.push("app", None, &image).await);
    }
    expected.reverse();
    both_ways(&desk, &desk.artifacts("app"), "digest", &expected).await;
    expected.reverse();
    both_ways(&desk, &format!("{}?sort=push_time", desk.artifacts("app")), "digest", &expected).await;
    let of_project = format!("/api/v2.0/projects/{}/artifacts?sort=push_time", desk.project);
    both_ways(&desk, &of_project, "digest", &expected).await;
}

#[tokio::test]
async fn many_tags_are_walked() {
    let desk = Desk::at(&SHARED).await;
    let (image, _) = desk.push_for("app", Some("t000"), "amd64").await;
    let mut expected = vec!["t000".to_owned()];
    for number in 1..MANY {
        let tag = format!("t{number:03}");
        desk.push("app", Some(&tag), &image).await;
        expected.push(tag);
    }
    both_ways(&desk, &format!("{}/t000/tags", desk.artifacts("app")), "name", &expected).await;
    let shown = desk.get(&format!("{}/t000", desk.artifacts("app"))).await.json();
    assert_eq!(field(shown["tags"].as_array().unwrap(), "name"), expected);
}

#[tokio::test]
async fn many_repositories_are_walked() {
    let desk = Desk::at(&SHARED).await;
    let mut expected = Vec::new();
    for number in 0..MANY {
        let name = desk.repository(&format!("r{number:03}"));
        desk.start_upload(&name).await;
        expected.push(name);
    }
    let path = format!("/api/v2.0/projects/{}/repositories", desk.project);
    both_ways(&desk, &path, "name", &expected).await;
    let everywhere = format!("/api/v2.0/repositories?q=name=~{}/r", desk.project);
    both_ways(&desk, &everywhere, "name", &expected).await;
}

async fn both_ways(desk: &Desk, path: &str, name: &str, expected: &[String]) {
    let begin = format!("{path}{}page_size=100", if path.contains('?') { "&" } else { "?" });
    let (mut by_link, mut next) = (Vec::new(), Some(begin.clone()));
    while let Some(page) = next {
        let answer = desk.get(&page).await.expect(StatusCode::OK);
        assert_eq!(answer.header("x-total-count"), Some(MANY.to_string().as_str()), "{page}");
        by_link.extend(answer.json().as_array().unwrap().clone());
        next = next_of(answer.header("link"));
        assert!(by_link.len() <= MANY, "{page} goes on and on");
    }
    let mut by_number: Vec<Value> = Vec::new();
    for number in 1..=4 {
        by_number.extend(desk.page(&format!("{begin}&page={number}")).await);
    }
    assert_eq!(field(&by_link, name), expected, "{path} by links");
    assert_eq!(field(&by_number, name), expected, "{path} by numbers");
}

fn next_of(link: Option<&str>) -> Option<String> {
    let next = link?.split(", ").find_map(|link| link.strip_suffix("; rel=\"next\""))?;
    Some(next.trim_matches(['<', '>']).to_owned())
}

#[tokio::test]
async fn lists_are_asked_for_as_clients_of_harbor_do() {
    let desk = Desk::at(&SHARED).await;
    for query in ["", "?page=0&page_size=0", "?page=-1&page_size=-1"] {
        for path in ["/api/v2.0/projects", "/api/v2.0/projects/", "/api/v2.0//projects"] {
            let listed = desk.get(&format!("{path}{query}")).await.expect(StatusCode::OK);
            assert!(!listed.json().as_array().unwrap().is_empty(), "{path}{query}");
        }
    }
}
