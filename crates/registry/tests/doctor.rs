//! The doctor on nodes that share a database: what each of them says of the others, and of what they stand on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong in a test fails it")]

mod support;

use std::sync::Arc;

use hythe_blobs::Filesystem;
use hythe_registry::access::system_rights::node::List;
use hythe_registry::doctor::{Finding, Status};
use hythe_registry::nodes::{Identity, Part};
use hythe_registry::secrets::KeyEncryptionKey;
use hythe_registry::{Caller, Options, Registry};

use support::{Bench, on_both_engines};

on_both_engines!(
    nodes_that_agree_are_one_line,
    nodes_with_other_versions_keys_or_troubles_are_told,
    a_storage_that_is_gone_is_told
);

async fn diagnose(node: &Registry) -> Vec<Finding> {
    let permit = node.permit_everywhere::<List>(&Caller::operator()).await.unwrap();
    node.diagnose(&permit).await
}

#[track_caller]
fn assert_told(findings: &[Finding], check: &str, status: Status, words: &str) {
    let told = |found: &&Finding| found.check == check && found.finding.contains(words);
    let found = findings.iter().find(told).unwrap_or_else(|| panic!("{findings:#?}"));
    assert_eq!((found.status, found.remedy.is_some()), (status, status != Status::Ok), "{found:?}");
}

async fn show(node: &Registry, version: &str, parts: Vec<Part>) {
    let identity = Identity { version: version.to_owned(), addresses: Vec::new() };
    node.beat(&identity, &node.report(parts)).await.unwrap();
}

async fn nodes_that_agree_are_one_line(bench: Bench) {
    let (one, two) = (bench.node("one"), bench.node("two"));
    show(&one, "1.0", Vec::new()).await;
    show(&two, "1.0", Vec::new()).await;
    let findings = diagnose(&one).await;
    assert_told(&findings, "nodes", Status::Ok, "2 nodes serve, with version 1.0");
    assert_told(&findings, "database", Status::Ok, "which is this version's");
    assert_told(&findings, "database", Status::Ok, "a question to the database takes");
    assert_told(&findings, "storage", Status::Warn, "kept in memory");
}

async fn nodes_with_other_versions_keys_or_troubles_are_told(bench: Bench) {
    let one = bench.node("one");
    let key = KeyEncryptionKey::generate().ok();
    let other_key = key.as_ref().unwrap().id().to_owned();
    let two = bench.node_with(Options { node: "two".to_owned(), secrets_key: key, ..Options::default() });
    let trouble = Some("no answer within 5 s".to_owned());
    show(&one, "1.0", Vec::new()).await;
    show(&two, "1.1", vec![Part { name: "storage".to_owned(), trouble, since: 1 }]).await;
    let findings = diagnose(&one).await;
    assert_told(&findings, "nodes", Status::Warn, "different versions: 1.0 (one), 1.1 (two)");
    assert_told(&findings, "nodes", Status::Warn, &format!("{other_key} (two)"));
    assert_told(&findings, "nodes", Status::Fail, "node two cannot use its storage: no answer within 5 s");
}

async fn a_storage_that_is_gone_is_told(bench: Bench) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("blobs");
    let store = Arc::new(Filesystem::open(&root).unwrap());
    let node = Registry::new(bench.node("one").database().clone(), store, Options::default());
    assert_told(&diagnose(&node).await, "storage", Status::Ok, "was durable after");
    std::fs::remove_dir_all(&root).unwrap();
    assert_told(
        &diagnose(&node).await,
        "storage",
        Status::Fail,
        "the storage folder of this node cannot be used",
    );
}
