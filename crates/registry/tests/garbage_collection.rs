//! Garbage collection and the trash over real rows: what nobody needs goes, what somebody needs or deleted by mistake does
//! not, while everything goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what goes wrong in a test fails it")]
#![allow(dead_code, reason = "the support of all suites is one file")]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use hythe_blobs::body;
use hythe_blobs::hash::digest_of;
use hythe_metadata::job::{self, State};
use hythe_metadata::trash::Filter;
use hythe_metadata::{Window, garbage};
use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_oci::reference::Reference;
use hythe_registry::access::{Caller, Delete, Pull, Push};
use hythe_registry::error::Kind as ErrorKind;
use hythe_registry::garbage_collection::{Collected, Collection};
use hythe_registry::jobs::{Kind, NewJob};
use hythe_registry::manifests::{Expected, PushManifest};
use hythe_registry::trash::{Restore, Restored, Wanted};
use hythe_registry::uploads::{Chunk, Mounted};
use hythe_registry::{Error, Options, Registry, jobs};
use support::{Bench, on_both_engines};

on_both_engines![
    what_nobody_needs_goes_with_its_bytes,
    who_was_told_that_a_blob_is_there_can_use_it,
    what_is_deleted_comes_back_byte_for_byte,
    a_deleted_repository_comes_back_whole,
    an_index_comes_back_with_its_parts_and_signatures,
    a_tag_that_exists_meanwhile_is_not_taken_unless_told,
    what_goes_from_the_trash_goes_for_good,
    a_dry_run_says_why_and_changes_nothing,
    untagged_artifacts_go_to_the_trash_if_wanted,
    nothing_is_lost_while_everybody_works,
];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A node that is at jobs until this is dropped.
struct Node {
    registry: Arc<Registry>,
    running: tokio::task::JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl std::ops::Deref for Node {
    type Target = Arc<Registry>;

    fn deref(&self) -> &Arc<Registry> {
        &self.registry
    }
}

fn node(bench: &Bench, grace: Duration) -> Node {
    let jobs = jobs::Options { poll: Duration::from_millis(20), ..jobs::Options::default() };
    let options =
        Options { collection_grace: grace, bytes_delay: Duration::ZERO, jobs, ..Options::default() };
    let registry = bench.node_with(options);
    let running = tokio::spawn(registry.clone().run_jobs());
    Node { registry, running }
}

fn name(text: &str) -> RepositoryName {
    text.parse().unwrap()
}

fn operator() -> Caller {
    Caller::operator()
}

fn chunk(bytes: &str) -> Chunk {
    Chunk { range: None, length: Some(bytes.len() as u64), body: body::whole(bytes.to_owned()) }
}

fn digest(bytes: &str) -> Digest {
    digest_of(Algorithm::Sha256, bytes.as_bytes())
}

async fn push_blob(node: &Arc<Registry>, repository: &str, bytes: &str) -> Digest {
    let permit = node.permit::<Push>(&operator(), &name(repository)).await.unwrap();
    node.push_blob(permit, digest(bytes), chunk(bytes)).await.unwrap().digest
}

fn image(layers: &[&str]) -> String {
    let layer = |bytes: &&str| {
        serde_json::json!({
            "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest(bytes).to_string(), "size": bytes.len(),
        })
    };
    serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": digest("{}").to_string(), "size": 2 },
        "layers": layers.iter().map(layer).collect::<Vec<_>>(),
    })
    .to_string()
}

async fn push_manifest(
    node: &Registry,
    repository: &str,
    reference: &str,
    bytes: &str,
) -> Result<Digest, Error> {
    let permit = node.permit::<Push>(&operator(), &name(repository)).await?;
    let push = PushManifest {
        reference: reference.parse().unwrap(),
        tags: Vec::new(),
        content_type: None,
        bytes: bytes.to_owned().into(),
        expected: Expected::Any,
    };
    Ok(node.push_manifest(&permit, push).await?.digest)
}

/// An image with its blobs; returns its digest.
async fn push_image(node: &Arc<Registry>, repository: &str, reference: &str, layers: &[&str]) -> Digest {
    push_blob(node, repository, "{}").await;
    for layer in layers {
        push_blob(node, repository, layer).await;
    }
    push_manifest(node, repository, reference, &image(layers)).await.unwrap()
}

async fn pull(node: &Registry, repository: &str, reference: &str) -> Option<String> {
    let permit = node.permit::<Pull>(&operator(), &name(repository)).await.unwrap();
    let pulled = node.pull_manifest(&permit, &reference.parse().unwrap()).await.ok()?;
    Some(String::from_utf8(pulled.bytes).unwrap())
}

/// Whether the repository has the blob and storage its bytes.
async fn has_blob(node: &Registry, repository: &str, bytes: &str) -> bool {
    let permit = node.permit::<Pull>(&operator(), &name(repository)).await.unwrap();
    let Ok(row) = node.get_blob(&permit, &digest(bytes)).await else { return false };
    node.open_blob(&row).await.unwrap().size() == bytes.len() as u64
}

async fn delete(node: &Registry, repository: &str, reference: &str) -> Result<(), Error> {
    let permit = node.permit::<Delete>(&operator(), &name(repository)).await?;
    let reference: Reference = reference.parse().unwrap();
    node.delete_manifest(&permit, &reference).await
}

async fn delete_repository(node: &Registry, repository: &str) -> Result<(), Error> {
    let permit = node.permit(&operator(), &name(repository)).await?;
    node.delete_repository(&permit).await
}

async fn restore(
    node: &Registry,
    repository: &str,
    wanted: Wanted,
    overwrite: bool,
) -> Result<Restored, Error> {
    let project: ProjectName = "library".parse().unwrap();
    let permit = node.permit_in_project(&operator(), &project).await.unwrap();
    let wanted = Restore { repository: name(repository), wanted, deletion: None, overwrite };
    node.restore_in_project(&permit, wanted).await
}

async fn run(node: &Registry, new: NewJob) -> (job::Job, Vec<String>) {
    let id = node.enqueue(new).await.unwrap().id();
    for _ in 0..1000 {
        let mut c = node.database().connect().await.unwrap();
        let job = job::find(&mut c, id).await.unwrap().unwrap();
        if job.state.is_finished() {
            assert_eq!(job.state, State::Succeeded, "{job:?}");
            let log = job::list_log(&mut c, id, 0, 10_000).await.unwrap();
            return (job, log.into_iter().map(|line| line.line).collect());
        }
        drop(c);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("job {id} does not end");
}

async fn collect(node: &Registry, collection: Collection) -> (Collected, Vec<String>) {
    let (job, log) = run(node, collection.job()).await;
    (serde_json::from_str(&job.progress.unwrap()).unwrap(), log)
}

/// Collects, and removes the bytes; returns what was collected.
async fn collect_all(node: &Registry) -> Collected {
    let (collected, _) = collect(node, Collection::default()).await;
    run(node, NewJob::new(Kind::BytesRemoval, &())).await;
    collected
}

async fn what_nobody_needs_goes_with_its_bytes(bench: Bench) {
    let (careful, node) = (node(&bench, DAY), node(&bench, Duration::ZERO));
    push_image(&node, "library/app", "v1", &["layer"]).await;
    push_blob(&node, "library/app", "of nobody").await;
    let row = {
        let permit = node.permit::<Pull>(&operator(), &name("library/app")).await.unwrap();
        node.get_blob(&permit, &digest("of nobody")).await.unwrap()
    };
    // Only one of the two nodes may be at jobs, or the other's grace counts.
    node.running.abort();
    assert_eq!(collect(&careful, Collection::default()).await.0, Collected::default(), "it is too young");
    drop(careful);
    let node = self::node(&bench, Duration::ZERO);
    let collected = collect_all(&node).await;
    assert_eq!(collected, Collected { links: 1, blobs: 1, freed_space: 9, ..Collected::default() });
    assert!(has_blob(&node, "library/app", "layer").await && has_blob(&node, "library/app", "{}").await);
    assert!(!has_blob(&node, "library/app", "of nobody").await);
    assert!(node.open_blob(&row).await.is_err(), "its bytes are gone");
    let waiting = garbage::count(&mut node.database().connect().await.unwrap()).await.unwrap();
    assert_eq!(waiting, garbage::Waiting::default());
}

async fn who_was_told_that_a_blob_is_there_can_use_it(bench: Bench) {
    let grace = Duration::from_millis(1500);
    let node = node(&bench, grace);
    push_blob(&node, "library/app", "{}").await;
    push_blob(&node, "library/app", "layer").await;
    for _ in 0..4 {
        tokio::time::sleep(grace / 2).await;
        assert!(has_blob(&node, "library/app", "{}").await && has_blob(&node, "library/app", "layer").await);
        collect_all(&node).await;
    }
    push_manifest(&node, "library/app", "v1", &image(&["layer"])).await.unwrap();
    tokio::time::sleep(2 * grace).await;
    collect_all(&node).await;
    assert!(has_blob(&node, "library/app", "layer").await);
}

async fn what_is_deleted_comes_back_byte_for_byte(bench: Bench) {
    let node = node(&bench, Duration::ZERO);
    let digest = push_image(&node, "library/app", "v1", &["layer"]).await;
    push_image(&node, "library/app", "v2", &["layer"]).await;
    let bytes = pull(&node, "library/app", "v1").await.unwrap();
    delete(&node, "library/app", "v1").await.unwrap();
    let restored = restore(&node, "library/app", Wanted::Tag("v1".parse().unwrap()), false).await.unwrap();
    assert_eq!(
        (restored.manifests.len(), restored.tags),
        (0, vec!["v1".to_owned()]),
        "only the tag was gone"
    );
    delete(&node, "library/app", &digest.to_string()).await.unwrap();
    assert_eq!(pull(&node, "library/app", "v2").await, None);
    let collected = collect_all(&node).await;
    assert_eq!((collected.links, collected.blobs), (2, 0), "the trash has its blobs");
    assert!(!has_blob(&node, "library/app", "layer").await);
    let missing = restore(&node, "library/app", Wanted::Tag("v3".parse().unwrap()), false).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Unknown);
    let restored = restore(&node, "library/app", Wanted::Digest(digest), false).await.unwrap();
    assert_eq!((restored.manifests, restored.tags.len()), (vec![digest], 2));
    assert_eq!(pull(&node, "library/app", "v2").await, Some(bytes));
    assert!(has_blob(&node, "library/app", "layer").await);
    assert!(
        restore(&node, "library/app", Wanted::Digest(digest), false).await.is_err(),
        "the trash is empty"
    );
}

async fn a_deleted_repository_comes_back_whole(bench: Bench) {
    let node = node(&bench, Duration::ZERO);
    let layers: Vec<String> = (0..5).map(|number| format!("layer {number}")).collect();
    for (number, layer) in layers.iter().enumerate() {
        push_image(&node, "library/app", &format!("v{number}"), &[layer, "shared"]).await;
    }
    delete_repository(&node, "library/app").await.unwrap();
    assert_eq!(collect_all(&node).await.blobs, 0);
    let restored = restore(&node, "library/app", Wanted::Everything, false).await.unwrap();
    assert_eq!((restored.manifests.len(), restored.tags.len(), restored.missing.len()), (5, 5, 0));
    for (number, layer) in layers.iter().enumerate() {
        assert_eq!(pull(&node, "library/app", &format!("v{number}")).await, Some(image(&[layer, "shared"])));
        assert!(
            has_blob(&node, "library/app", layer).await && has_blob(&node, "library/app", "shared").await
        );
    }
}

async fn an_index_comes_back_with_its_parts_and_signatures(bench: Bench) {
    let node = node(&bench, Duration::ZERO);
    let one = push_image(&node, "library/app", "one", &["for one"]).await;
    let other = push_image(&node, "library/app", "other", &["for the other"]).await;
    let child = |digest: Digest, bytes: String| {
        serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest.to_string(), "size": bytes.len(),
        })
    };
    let index = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [child(one, image(&["for one"])), child(other, image(&["for the other"]))],
    })
    .to_string();
    let root = push_manifest(&node, "library/app", "latest", &index).await.unwrap();
    let mut signature: serde_json::Value = serde_json::from_str(&image(&[])).unwrap();
    signature["subject"] = child(root, index.clone());
    let signature = push_manifest(&node, "library/app", "signature", &signature.to_string()).await.unwrap();
    delete_repository(&node, "library/app").await.unwrap();
    let restored =
        restore(&node, "library/app", Wanted::Tag("latest".parse().unwrap()), false).await.unwrap();
    let back: BTreeSet<String> = restored.manifests.iter().map(ToString::to_string).collect();
    assert_eq!(back, [one, other, root, signature].map(|digest| digest.to_string()).into());
    assert_eq!(restored.manifests.iter().position(|digest| *digest == root), Some(2), "after its parts");
    assert_eq!(pull(&node, "library/app", "latest").await, Some(index));
}

async fn a_tag_that_exists_meanwhile_is_not_taken_unless_told(bench: Bench) {
    let node = node(&bench, Duration::ZERO);
    let old = push_image(&node, "library/app", "v1", &["old"]).await;
    delete(&node, "library/app", &old.to_string()).await.unwrap();
    push_image(&node, "library/app", "v1", &["new"]).await;
    let by_tag = || Wanted::Tag("v1".parse().unwrap());
    let refused = restore(&node, "library/app", by_tag(), false).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
    assert_eq!(pull(&node, "library/app", &old.to_string()).await, None, "all or nothing");
    let restored = restore(&node, "library/app", Wanted::Digest(old), false).await.unwrap();
    assert_eq!((restored.tags.len(), restored.left.len()), (0, 1));
    assert_eq!(pull(&node, "library/app", "v1").await, Some(image(&["new"])));
    delete(&node, "library/app", &old.to_string()).await.unwrap();
    assert!(
        restore(&node, "library/app", by_tag(), true).await.is_err(),
        "it had no tag when it was deleted"
    );
    restore(&node, "library/app", Wanted::Everything, false).await.unwrap();
    push_manifest(&node, "library/app", "v1", &image(&["old"])).await.unwrap();
    delete(&node, "library/app", "v1").await.unwrap();
    push_manifest(&node, "library/app", "v1", &image(&["new"])).await.unwrap();
    let restored = restore(&node, "library/app", by_tag(), true).await.unwrap();
    assert_eq!(restored.tags, ["v1"]);
    assert_eq!(pull(&node, "library/app", "v1").await, Some(image(&["old"])));
}

async fn what_goes_from_the_trash_goes_for_good(bench: Bench) {
    let node = node(&bench, Duration::ZERO);
    for repository in ["library/app", "library/other"] {
        push_image(&node, repository, "v1", &[repository]).await;
        delete_repository(&node, repository).await.unwrap();
    }
    let permit = node.permit_everywhere(&operator()).await.unwrap();
    let window = Window { after: None, skip: 0, limit: 10 };
    assert_eq!(node.list_trash(&permit, Filter::default(), window).await.unwrap().0.len(), 2);
    let permit = node.permit_everywhere(&operator()).await.unwrap();
    let of_app = Filter { repository: Some(name("library/app")), ..Filter::default() };
    assert_eq!(node.empty_trash(&permit, of_app).await.unwrap(), 1);
    assert_eq!(collect_all(&node).await.blobs, 1, "what the other needs stays");
    assert!(restore(&node, "library/app", Wanted::Everything, false).await.is_err());
    restore(&node, "library/other", Wanted::Everything, false).await.unwrap();
    assert!(has_blob(&node, "library/other", "library/other").await);
}

async fn a_dry_run_says_why_and_changes_nothing(bench: Bench) {
    let node = node(&bench, Duration::ZERO);
    push_image(&node, "library/app", "v1", &["layer"]).await;
    push_blob(&node, "library/app", "of nobody").await;
    push_blob(&node, "library/other", "of nobody").await;
    let dry = Collection { dry_run: true, ..Collection::default() };
    let (would, log) = collect(&node, dry).await;
    assert_eq!((would.blobs, would.links, would.freed_space), (1, 2, 9));
    let line = log.iter().find(|line| line.starts_with(&format!("blob {}", digest("of nobody")))).unwrap();
    for repository in ["library/app", "library/other"] {
        assert!(line.contains(&format!("no manifest of {repository} needs it, and nobody asked")), "{line}");
    }
    assert!(
        has_blob(&node, "library/app", "of nobody").await
            && has_blob(&node, "library/other", "of nobody").await
    );
    let (went, _) = collect(&node, Collection::default()).await;
    assert_eq!((went.blobs, went.freed_space), (would.blobs, would.freed_space));
}

async fn untagged_artifacts_go_to_the_trash_if_wanted(bench: Bench) {
    let node = node(&bench, Duration::ZERO);
    let old = push_image(&node, "library/app", "v1", &["old"]).await;
    push_image(&node, "library/app", "v1", &["new"]).await;
    assert_eq!(collect(&node, Collection::default()).await.0.untagged, 0);
    let collection = Collection { delete_untagged: true, dry_run: false };
    let (collected, log) = collect(&node, collection).await;
    assert_eq!((collected.untagged, collected.blobs), (1, 0), "the trash has its blobs");
    assert!(log[0].contains(&format!("library/app@{old}: it has no tag")), "{log:?}");
    assert_eq!(pull(&node, "library/app", &old.to_string()).await, None);
    restore(&node, "library/app", Wanted::Digest(old), false).await.unwrap();
    assert_eq!(pull(&node, "library/app", &old.to_string()).await, Some(image(&["old"])));
}

const CONTENTS: [&str; 6] = ["zero", "one", "two", "three", "four", "five"];
const REPOSITORIES: [&str; 2] = ["library/app", "library/other"];

/// Several clients push as clients do (ask, upload what is not there, push the manifest), mount, delete and put back,
/// while garbage is collected again and again. A blob that somebody was told of may not be missing a moment later; in the
/// end every tag leads to a whole image, and nothing is left that nobody needs.
async fn nothing_is_lost_while_everybody_works(bench: Bench) {
    let seed = uuid::Uuid::new_v4().as_u128() as u64;
    eprintln!("seed {seed}");
    // Long enough for a push on a busy machine: from the first word about a blob to the manifest.
    let grace = Duration::from_secs(10);
    let (one, other) = (node(&bench, grace), node(&bench, grace));
    let over = Arc::new(AtomicBool::new(false));
    let collecting = {
        let (one, over) = (one.registry.clone(), over.clone());
        tokio::spawn(async move {
            let mut rounds = 0;
            while !over.load(Ordering::Relaxed) {
                collect(&one, Collection { delete_untagged: true, dry_run: false }).await;
                run(&one, NewJob::new(Kind::BytesRemoval, &())).await;
                rounds += 1;
            }
            rounds
        })
    };
    let clients: Vec<_> = (0..4_u64)
        .map(|number| {
            let node = if number % 2 == 0 { one.registry.clone() } else { other.registry.clone() };
            tokio::spawn(client(node, seed.wrapping_add(number), Duration::from_secs(8)))
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    over.store(true, Ordering::Relaxed);
    assert!(collecting.await.unwrap() > 0);
    every_tag_leads_to_a_whole_image(&one).await;
    tokio::time::sleep(grace + Duration::from_millis(500)).await;
    let permit = one.permit_everywhere(&operator()).await.unwrap();
    one.empty_trash(&permit, Filter::default()).await.unwrap();
    collect_all(&one).await;
    every_tag_leads_to_a_whole_image(&one).await;
    let (again, _) = collect(&one, Collection { dry_run: true, delete_untagged: false }).await;
    assert_eq!((again.links, again.blobs), (0, 0), "seed {seed}");
}

/// xorshift: the same seed, the same client.
fn next(state: &AtomicU64, below: usize) -> usize {
    let mut x = state.load(Ordering::Relaxed) | 1;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    state.store(x, Ordering::Relaxed);
    usize::try_from(x >> 33).unwrap() % below
}

async fn client(node: Arc<Registry>, seed: u64, for_so_long: Duration) {
    let (random, begun) = (AtomicU64::new(seed), std::time::Instant::now());
    while begun.elapsed() < for_so_long {
        let repository = REPOSITORIES[next(&random, 2)];
        let tag = format!("v{}", next(&random, 3));
        match next(&random, 10) {
            0..5 => {
                let layers: Vec<&str> = (0..2).map(|_| CONTENTS[next(&random, CONTENTS.len())]).collect();
                push_as_clients_do(&node, repository, &tag, &layers).await;
            }
            5 => mount(&node, repository, CONTENTS[next(&random, CONTENTS.len())]).await,
            6 => allowed(delete(&node, repository, &tag).await),
            7 => {
                let layers: Vec<&str> = (0..2).map(|_| CONTENTS[next(&random, CONTENTS.len())]).collect();
                let digest = digest(&image(&layers)).to_string();
                allowed(delete(&node, repository, &digest).await);
            }
            8 => allowed(delete_repository(&node, repository).await),
            _ => allowed(restore(&node, repository, Wanted::Everything, false).await.map(|_| ())),
        }
    }
}

/// There is nothing to delete or to put back, somebody pushes into the repository, or so many want the same rows that the
/// database has given up again and again.
fn allowed(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        let expected =
            matches!(error.kind(), ErrorKind::Unknown | ErrorKind::Conflict | ErrorKind::Unavailable);
        assert!(expected, "{error:?}");
    }
}

async fn push_as_clients_do(node: &Arc<Registry>, repository: &str, tag: &str, layers: &[&str]) {
    let before = repository_id(node, repository).await;
    for bytes in layers.iter().chain(&["{}"]) {
        let permit = node.permit::<Push>(&operator(), &name(repository)).await.unwrap();
        if !has_blob(node, repository, bytes).await {
            // The repository may go while the blob is on its way into it.
            if node.push_blob(permit, digest(bytes), chunk(bytes)).await.is_err() {
                return;
            }
        }
    }
    let Err(error) = push_manifest(node, repository, tag, &image(layers)).await else { return };
    let same = before.is_some() && repository_id(node, repository).await == before;
    let gone = error.code() == ErrorCode::ManifestBlobUnknown || error.kind() == ErrorKind::Conflict;
    assert!(
        (gone && !same) || error.kind() == ErrorKind::Unavailable,
        "a blob that was there is gone, or worse: {error:?}"
    );
}

/// Whoever deletes the repository takes its blobs from those who are pushing into it.
async fn repository_id(node: &Registry, repository: &str) -> Option<i64> {
    let mut c = node.database().connect().await.unwrap();
    let found = hythe_metadata::repository::find(&mut c, &name(repository)).await.unwrap();
    found.map(|found| found.id)
}

async fn mount(node: &Arc<Registry>, to: &str, bytes: &str) {
    let from = REPOSITORIES[usize::from(to == REPOSITORIES[0])];
    let permit = node.permit::<Push>(&operator(), &name(to)).await.unwrap();
    let source = node.permit::<Pull>(&operator(), &name(from)).await.unwrap();
    match node.mount_blob(&permit, digest(bytes), Some(&source), false).await {
        Ok(Mounted::Upload(status)) => allowed(node.cancel_upload(&permit, status.id).await),
        Ok(Mounted::Mounted(_)) => {}
        Err(error) => allowed(Err(error)),
    }
}

async fn every_tag_leads_to_a_whole_image(node: &Registry) {
    for repository in REPOSITORIES {
        let permit = node.permit::<Pull>(&operator(), &name(repository)).await.unwrap();
        for tag in node.list_tags(&permit, None, 100).await.unwrap_or_default() {
            let manifest = pull(node, repository, &tag).await.unwrap();
            let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
            for layer in manifest["layers"].as_array().unwrap() {
                let digest = layer["digest"].as_str().unwrap().parse().unwrap();
                let row = node.get_blob(&permit, &digest).await.unwrap();
                node.open_blob(&row).await.unwrap();
            }
        }
    }
}
