//! What `deploy/` holds is accepted by what reads it, and speaks of settings that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use hythe_acceptance::client;
use hythe_acceptance::server::{Server, binary};

const ONE_NODE: &[&str] = &["image.repository=hub.example.com/hythe"];
const SHARED_FOLDER: &[&str] =
    &["image.repository=hub.example.com/hythe", "database.existingSecret=db", "secrets.existingSecret=key"];
const EVERYTHING: &[&str] = &[
    "image.repository=hub.example.com/hythe",
    "database.existingSecret=db",
    "secrets.existingSecret=key",
    "storage.url=s3://bucket/prefix",
    "storage.s3.existingSecret=s3",
    "storage.s3.endpoint=https://s3.example.com",
    "admin.existingSecret=admin",
    "tls.existingSecret=tls",
    "ingress.enabled=true",
    "trustedProxies={10.0.0.0/8,192.168.0.0/16}",
];

#[test]
fn helm_accepts_the_chart_in_every_form() {
    for (values, kinds) in [
        (ONE_NODE, ["Service", "StatefulSet"].as_slice()),
        (SHARED_FOLDER, &["Deployment", "PersistentVolumeClaim", "PodDisruptionBudget", "Service"]),
        (EVERYTHING, &["Deployment", "Ingress", "PodDisruptionBudget", "Service"]),
    ] {
        let linted = helm("lint", &["--strict"], values);
        assert!(linted.status.success(), "{}", words(&linted));
        let rendered = helm("template", &[], values);
        assert!(rendered.status.success(), "{}", words(&rendered));
        let text = words(&rendered);
        let mut found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("kind: ")).collect();
        found.sort_unstable();
        assert_eq!(found, kinds, "{values:?}");
        assert!(
            text.contains("enableServiceLinks: false"),
            "the cluster would add variables that are no settings"
        );
        assert_known(&text, "the chart");
    }
}

#[test]
fn the_chart_refuses_what_would_not_run_and_says_what_to_do() {
    for (values, reason) in [
        (&[][..], "image.repository is not set: build deploy/image/Dockerfile"),
        (
            &["image.repository=x", "storage.url=s3://b/p"],
            "storage.s3.existingSecret is not set: make a secret",
        ),
        (
            &["image.repository=x", "database.existingSecret=db"],
            "secrets.existingSecret is not set, and nodes that share a database share the key",
        ),
        (&["image.repository=x", "storage.url=/srv"], "it is s3://BUCKET/PREFIX, or empty"),
    ] {
        let refused = helm("template", &[], values);
        assert!(!refused.status.success(), "{values:?}");
        assert!(words(&refused).contains(reason), "{}", words(&refused));
    }
}

#[test]
fn files_to_deploy_name_settings_that_exist() {
    for name in ["compose/compose.yaml", "systemd/hythe.service", "helm/hythe/values.yaml"] {
        let text = fs::read_to_string(deploy().join(name)).unwrap();
        assert_known(&text.replace("${HYTHE_IMAGE:", "").replace("HYTHE_IMAGE=", ""), name);
    }
}

#[test]
fn haproxy_accepts_its_configuration() {
    let configuration = fs::read_to_string(deploy().join("compose/haproxy.cfg")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("haproxy.cfg");
    // The names of the nodes are known to the containers' own name server.
    fs::write(&file, configuration.replace("init-addr last,libc,none", "init-addr none")).unwrap();
    let checked = Command::new("haproxy").arg("-c").arg("-f").arg(&file).output().unwrap();
    assert!(checked.status.success(), "{}", words(&checked));
    assert!(!words(&checked).contains("WARNING"), "{}", words(&checked));
}

#[test]
fn every_alarm_is_explained_and_goes_by_what_a_node_tells() {
    let rules = fs::read_to_string(deploy().join("prometheus/rules.yaml")).unwrap();
    let explained = fs::read_to_string(deploy().join("../docs/operations/alarms.md")).unwrap();
    let alarms: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    let headings: Vec<&str> = explained.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    assert_eq!(alarms, headings);
    let server = Server::start();
    let told = await_metrics(&server, &["hythe_storage_total_bytes", "hythe_requests_total"]);
    let word = |c: char| !(c.is_ascii_lowercase() || c == '_');
    let names = rules.split(word).filter(|word| word.starts_with("hythe_") || word.starts_with("process_"));
    for name in names {
        // Whether anybody was turned away is told once somebody was.
        let known = told.contains(name) || name == "hythe_connections_refused_total";
        assert!(known, "{name} is not in\n{told}");
    }
}

/// What `/metrics` prints once these are in it; they come with the first request and the first look at the storage.
fn await_metrics(server: &Server, names: &[&str]) -> String {
    let begun = Instant::now();
    loop {
        let asked = Command::new("curl").arg("-s").arg(format!("http://{}/metrics", server.host())).output();
        let told = words(&asked.unwrap());
        if names.iter().all(|name| told.contains(name)) {
            return told;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{names:?} are not in\n{told}");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn systemd_accepts_the_unit() {
    let unit = fs::read_to_string(deploy().join("systemd/hythe.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hythe.service");
    fs::write(&file, unit.replace("/usr/local/bin/hythe ", &format!("{} ", binary().display()))).unwrap();
    match Command::new("systemd-analyze").arg("verify").arg("--man=no").arg(&file).output() {
        Err(_) => eprintln!("NOT RUN: this machine has no systemd-analyze"),
        Ok(checked) => {
            let said = words(&checked);
            let about_us: Vec<&str> = said.lines().filter(|line| line.contains("hythe.service")).collect();
            assert!(about_us.is_empty(), "{about_us:#?}");
        }
    }
}

fn helm(verb: &str, options: &[&str], values: &[&str]) -> Output {
    let mut helm = Command::new(client::find("helm").unwrap());
    helm.arg(verb)
        .args(options)
        .args((verb == "template").then_some("hythe"))
        .arg(deploy().join("helm/hythe"));
    for value in values {
        helm.args(["--set", value]);
    }
    helm.output().unwrap()
}

/// Every word of the text that looks like a variable of ours is one.
fn assert_known(text: &str, place: &str) {
    let known = variables();
    let word = |c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    for name in text.split(word).filter(|word| word.starts_with("HYTHE_")) {
        let setting = name.strip_suffix("_FILE").unwrap_or(name);
        assert!(known.contains(name) || known.contains(setting), "{place} sets {name}, which is no setting");
    }
}

/// The variables of all settings, as `hythe config example` lists them, and the one for the first password.
fn variables() -> BTreeSet<String> {
    let example = Command::new(binary()).args(["config", "example"]).output().unwrap();
    let (mut section, mut names) = (String::new(), BTreeSet::from(["HYTHE_ADMIN_PASSWORD".to_owned()]));
    for line in words(&example).lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = format!("{}_", name.replace('.', "_"));
        } else if let Some((key, _)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = ")) {
            names.insert(format!("HYTHE_{section}{key}").to_uppercase());
        }
    }
    assert!(names.contains("HYTHE_STORAGE_S3_SECRET_KEY"), "{names:?}");
    names
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}
