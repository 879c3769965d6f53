//! `hythe doctor`: checks what a registry stands on, and asks a running one as a client would.

mod address;
mod advice;
mod belonging;
mod client;
mod clock;
mod database;
mod finding;
mod folder;
mod link;
mod place;
mod port;
mod storage;
mod there;
mod way;

use hythe_api::doctor::{Diagnosis, Status};
use hythe_registry::doctor::Finding;
use hythe_server::doctor::show;

use crate::config::{Config, Inputs, Loaded, load};
use crate::failure::Failure;
use crate::output::{self, Format};

pub(crate) async fn run(url: Option<&str>, format: Format, inputs: &Inputs) -> Result<(), Failure> {
    let loaded = load(inputs);
    let mut findings = check_configuration(&loaded);
    if let Some(config) = loaded.config() {
        findings.extend(check_node(config).await);
    }
    let mut findings: Vec<_> = findings.into_iter().map(show).collect();
    if let Some(url) = url {
        findings.extend(check_registry(url).await);
    }
    let diagnosis = Diagnosis::of(findings);
    match format {
        Format::Json => output::print_json(&diagnosis),
        Format::Text => output::print(&finding::in_words(&diagnosis.findings)),
    }
    if diagnosis.status == Status::Fail { Err(Failure::found()) } else { Ok(()) }
}

/// A running registry as a client meets it, and what it says of itself.
async fn check_registry(url: &str) -> Vec<hythe_api::doctor::Finding> {
    let seen = client::check(url).await;
    let reached = seen.first().is_some_and(|first| first.status != hythe_registry::doctor::Status::Fail);
    let mut findings: Vec<_> = seen.into_iter().map(show).collect();
    if let Some(server) = client::server(url).filter(|_| reached) {
        findings.extend(there::check(&server).await);
    }
    findings
}

fn check_configuration(loaded: &Loaded) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    let failed = loaded.problems.iter().map(|problem| {
        let mut bare = problem.clone();
        let hint =
            bare.hint.take().unwrap_or_else(|| "`hythe config explain` says what each setting is".to_owned());
        Finding::fail(CHECK, bare.to_string(), hint)
    });
    let failed: Vec<Finding> = failed.collect();
    if !failed.is_empty() {
        return failed;
    }
    let source = match &loaded.file {
        Some(file) => format!("valid, with {}", file.display()),
        None => "valid, without a configuration file".to_owned(),
    };
    vec![Finding::ok(CHECK, source)]
}

/// What the node itself stands on.
async fn check_node(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.uses_data_folder() {
        findings.extend(folder::check(&config.root.data));
    }
    findings.extend(storage::check(config).await);
    findings.extend(database::check(config).await);
    findings.extend(belonging::check(config).await);
    findings.extend(clock::check(config).await);
    findings.extend(port::check(config));
    findings.extend(address::check(config));
    findings
}
