//! The doctor before faults that were made on purpose: real proxies, real nodes, real folders.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use hythe_acceptance::certificates::Certificates;
use hythe_acceptance::directory::{await_port, free_port};
use hythe_acceptance::stores;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::Place;

/// nginx with one server. Dropped, it ends.
pub(crate) struct Nginx {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Nginx {
    /// In front of these nodes, with these lines in its server.
    pub(crate) fn before(nodes: &[String], tls: Option<&Certificates>, lines: &str) -> Nginx {
        let folder = TempDir::with_prefix("hythe-nginx-").unwrap();
        let port = free_port();
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(folder.path(), port, nodes, tls, lines)).unwrap();
        let child = Command::new("/usr/sbin/nginx")
            .args(["-p", &folder.path().to_string_lossy(), "-c", &file.to_string_lossy()])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        await_port(port);
        Nginx { child, port, _folder: folder }
    }

    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(
    folder: &Path,
    port: u16,
    nodes: &[String],
    tls: Option<&Certificates>,
    lines: &str,
) -> String {
    let servers: String = nodes.iter().map(|node| format!("server {node};")).collect();
    let secure = tls.map_or_else(String::new, |made| {
        let (certificate, key) = (made.server_certificate(), made.server_key());
        format!("ssl_certificate {}; ssl_certificate_key {};", certificate.display(), key.display())
    });
    let (ssl, place) = (if tls.is_some() { " ssl" } else { "" }, folder.display());
    format!(
        "daemon off; master_process off; user root; pid {place}/pid; error_log {place}/error.log;
         events {{}}
         http {{
           access_log off;
           client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/f;
           uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;
           upstream nodes {{ {servers} }}
           server {{
             listen 127.0.0.1:{port}{ssl}; {secure}
             {lines}
             location / {{ proxy_pass http://nodes; proxy_http_version 1.1; }}
           }}
         }}"
    )
}

/// The finding of a check that says this.
pub(crate) fn finding<'a>(answer: &'a Value, check: &str, words: &str) -> Option<&'a Value> {
    findings(answer)
        .filter(|finding| finding["check"] == check)
        .find(|finding| finding["finding"].as_str().unwrap().contains(words))
}

pub(crate) fn findings(answer: &Value) -> impl Iterator<Item = &Value> {
    answer["findings"].as_array().unwrap().iter()
}

impl Place {
    pub(crate) fn doctor(&self, url: &str) -> Value {
        let ran = self.run(&["doctor", "--listen", "127.0.0.1:0", "--output", "json", url]);
        serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
    }
}

pub(crate) const RIGHT: &str = "client_max_body_size 0; proxy_request_buffering off;
    proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;";

#[tokio::test]
async fn a_proxy_that_limits_and_keeps_back_bodies_is_found_and_a_right_one_is_not() {
    let place = Place::new();
    let desk = place.serve().await;
    let nodes = [desk.server.host()];
    let fresh = Nginx::before(&nodes, None, "proxy_set_header Host $http_host;");
    let answer = place.doctor(&format!("http://{}", fresh.host()));
    let limit = finding(&answer, "way", "a body of 2 MiB is refused with 413")
        .unwrap_or_else(|| panic!("{answer:#}"));
    assert!(limit["remedy"].as_str().unwrap().contains("client_max_body_size 0"), "{limit}");
    assert!(finding(&answer, "way", "keeps uploads back").is_some(), "{answer:#}");
    let larger = Nginx::before(&nodes, None, "proxy_set_header Host $http_host; client_max_body_size 100m;");
    let answer = place.doctor(&format!("http://{}", larger.host()));
    assert!(finding(&answer, "way", "a body of 512 MiB is refused with 413").is_some(), "{answer:#}");
    let right = Nginx::before(&nodes, None, RIGHT);
    let answer = place.doctor(&format!("http://{}", right.host()));
    assert!(finding(&answer, "way", "passed on as they come").is_some(), "{answer:#}");
    assert!(
        answer["findings"].as_array().unwrap().iter().all(|finding| finding["status"] != "fail"),
        "{answer:#}"
    );
}

#[tokio::test]
async fn a_proxy_that_does_not_say_https_or_whom_the_client_asked_is_found() {
    let place = Place::new();
    let desk = place.serve().await;
    let nodes = [desk.server.host()];
    let certificates = Certificates::make(&place.path("certificates"));
    let trusting = |url: &str| place.doctor_trusting(&certificates, url);
    let silent = Nginx::before(&nodes, Some(&certificates), "proxy_set_header Host $http_host;");
    let answer = trusting(&format!("https://{}", silent.host()));
    let scheme = finding(&answer, "client", "another scheme").unwrap_or_else(|| panic!("{answer:#}"));
    assert!(scheme["remedy"].as_str().unwrap().contains("X-Forwarded-Proto"), "{scheme}");
    let nameless = Nginx::before(&nodes, Some(&certificates), "proxy_set_header X-Forwarded-Proto $scheme;");
    let answer = trusting(&format!("https://{}", nameless.host()));
    let name = finding(&answer, "client", "another host").unwrap_or_else(|| panic!("{answer:#}"));
    assert!(name["remedy"].as_str().unwrap().contains("Host"), "{name}");
    let right = Nginx::before(&nodes, Some(&certificates), RIGHT);
    let answer = trusting(&format!("https://{}", right.host()));
    assert!(finding(&answer, "client", "the address that they asked").is_some(), "{answer:#}");
}

#[tokio::test]
async fn https_to_an_http_port_and_a_certificate_nobody_knows_are_told_apart() {
    let place = Place::new();
    let desk = place.serve().await;
    let plain = Nginx::before(&[desk.server.host()], None, RIGHT);
    let answer = place.doctor(&format!("https://{}", plain.host()));
    assert!(finding(&answer, "client", "speaks http and not https").is_some(), "{answer:#}");
    let answer = place.doctor(&format!("https://{}", desk.server.host()));
    assert!(finding(&answer, "client", "not trusted").is_some(), "{answer:#}");
    let certificates = Certificates::make(&place.path("certificates"));
    let secure = Nginx::before(&[desk.server.host()], Some(&certificates), RIGHT);
    let answer = place.doctor(&format!("http://{}", secure.host()));
    assert!(
        finding(&answer, "client", "400").is_some() || finding(&answer, "client", "speaks https").is_some(),
        "{answer:#}"
    );
}

#[tokio::test]
async fn nodes_with_different_databases_behind_one_address_are_found() {
    let (one, two) = (Place::new(), Place::new());
    let (first, second) = (one.serve().await, two.serve().await);
    let nodes = [first.server.host(), second.server.host()];
    let balancer = Nginx::before(&nodes, None, RIGHT);
    let answer = one.doctor(&format!("http://{}", balancer.host()));
    assert!(finding(&answer, "way", "different databases").is_some(), "{answer:#}");
    let alone = one.doctor(&format!("http://{}", first.server.host()));
    assert!(finding(&alone, "way", "different databases").is_none(), "{alone:#}");
}

#[tokio::test]
async fn a_storage_that_nodes_do_not_share_is_found() {
    let Some(database) = stores::postgres() else { return };
    let (mut one, mut two) = (Place::new(), Place::new());
    one.use_database(&database);
    two.use_database(&database);
    let desk = one.serve().await;
    desk.push_image(&desk.repository("app"), "v1", "here").await;
    fs::create_dir(two.storage()).unwrap();
    let url = format!("http://{}", desk.server.host());
    let answer = two.doctor(&url);
    let apart =
        finding(&answer, "belonging", "none of the 2 newest blobs").unwrap_or_else(|| panic!("{answer:#}"));
    assert!(apart["remedy"].as_str().unwrap().contains("mount the same folder"), "{apart}");
    assert!(finding(&one.doctor(&url), "belonging", "newest blobs of the database are in").is_some());
}
