//! The addresses in answers: always those that the client itself used.

use hythe_acceptance::server::Options;
use reqwest::{Method, StatusCode};

use crate::support::{Desk, Raw, Shared};

static SHARED: Shared = Shared::new();

fn realm(desk: &Desk, headers: &str) -> String {
    let answer = Raw::exchange(&desk.server, format!("GET /v2/ HTTP/1.1\r\n{headers}\r\n"));
    assert_eq!(answer.status, 401, "{headers}");
    answer.header("www-authenticate").unwrap().split('"').nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn row_16_location_is_a_path_that_works() {
    let desk = Desk::at(&SHARED).await;
    let repository = desk.repository("a");
    let upload = desk.start_upload(&repository).await;
    assert!(upload.starts_with(&format!("/v2/{repository}/blobs/uploads/")), "{upload}");
    let pushed = desk.push_image(&repository, "1", "row 16").await;
    let image = desk.image(&repository, "row 16").await;
    let location = desk.put_manifest(&repository, "1", &image).await.location().to_owned();
    assert_eq!(location, format!("/v2/{repository}/manifests/{pushed}"));
    desk.get(&location).await.expect(StatusCode::OK);
}

#[tokio::test]
async fn row_16_location_is_the_whole_url_where_the_operator_wants_it() {
    let desk = Desk::with(&Options::default().variable("HYTHE_REGISTRY_RELATIVE_LOCATIONS", "false")).await;
    let path = format!("/v2/{}/blobs/uploads/", desk.repository("a"));
    let started = desk.post(&path).await.expect(StatusCode::ACCEPTED);
    assert!(started.location().starts_with(&desk.url(&path)), "{}", started.location());
    let proxied = desk.request(Method::POST, &path).header("content-length", 0);
    let proxied = proxied.header("x-forwarded-proto", "https").header("x-forwarded-host", "hub.example.com");
    let started = desk.send(proxied).await.expect(StatusCode::ACCEPTED);
    assert!(
        started.location().starts_with(&format!("https://hub.example.com{path}")),
        "{}",
        started.location()
    );
}

#[tokio::test]
async fn the_realm_follows_the_host_and_a_trusted_proxy() {
    let desk = Desk::at(&SHARED).await;
    for (headers, wanted) in [
        ("Host: hub.example.com\r\n", "http://hub.example.com/service/token"),
        ("Host: hub.example.com:5000\r\n", "http://hub.example.com:5000/service/token"),
        ("Host: [::1]:5000\r\n", "http://[::1]:5000/service/token"),
        ("Host: inner\r\nX-Forwarded-Proto: https\r\n", "https://inner/service/token"),
        ("Host: inner\r\nX-Forwarded-Proto: HTTPS\r\n", "https://inner/service/token"),
        ("Host: inner\r\nX-Forwarded-Host: no host\r\n", "http://inner/service/token"),
        (
            "Host: inner\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: hub.example.com\r\n",
            "https://hub.example.com/service/token",
        ),
        (
            "Host: inner\r\nX-Forwarded-Proto: https, http\r\nX-Forwarded-Host: outer, middle\r\n",
            "https://outer/service/token",
        ),
        ("Host: inner\r\nX-Forwarded-Proto: javascript\r\n", "http://inner/service/token"),
        (
            "Host: inner\r\nX-Forwarded-Host: outer\r\nX-Forwarded-Port: 8443\r\n",
            "http://outer:8443/service/token",
        ),
    ] {
        assert_eq!(realm(&desk, headers), wanted);
    }
}

#[tokio::test]
async fn hostile_hosts_are_not_repeated() {
    let desk = Desk::at(&SHARED).await;
    for evil in
        ["a\"b", "evil.example/path", "user@evil", "a b", "<script>", "evil,other", "a\\b", &"x".repeat(300)]
    {
        for name in ["Host", "X-Forwarded-Host"] {
            let other = if name == "Host" { "" } else { "Host: good\r\n" };
            let request = format!("GET /v2/ HTTP/1.1\r\n{other}{name}: {evil}\r\n\r\n");
            let answer = Raw::exchange(&desk.server, request);
            if answer.status == 401 {
                let said = answer.header("www-authenticate").unwrap();
                let repeated = said.contains(evil) || said.matches('"').count() != 4;
                assert!(!repeated, "{name}: {evil} gave {said}");
            } else {
                assert_eq!(answer.status, 400, "{name}: {evil}");
            }
        }
    }
}

#[tokio::test]
async fn a_peer_who_is_not_trusted_changes_nothing() {
    let desk = Desk::with(&Options::default().variable("HYTHE_SERVER_TRUSTED_PROXIES", "10.0.0.0/8")).await;
    let headers =
        "Host: inner\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Port: 1\r\n";
    assert_eq!(realm(&desk, headers), "http://inner/service/token");
}

#[tokio::test]
async fn a_configured_address_wins_over_everything() {
    let options = Options::default().variable("HYTHE_SERVER_EXTERNAL_URL", "https://hub.example.com");
    let desk = Desk::with(&options).await;
    let headers = "Host: inner\r\nX-Forwarded-Host: outer\r\n";
    assert_eq!(realm(&desk, headers), "https://hub.example.com/service/token");
}
