//! What projects hold is counted anew by a job, which every registry has scheduled from its beginning.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(dead_code, reason = "the support of all suites is one file")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::body;
use hythe_blobs::hash::digest_of;
use hythe_metadata::blob::{self, Blob};
use hythe_metadata::job::{self, Job, State};
use hythe_metadata::{charge, repository, usage};
use hythe_oci::digest::Algorithm;
use hythe_oci::name::RepositoryName;
use hythe_registry::access::{Caller, Push};
use hythe_registry::jobs::{Kind, NewJob};
use hythe_registry::projects::WantedProject;
use hythe_registry::uploads::Chunk;
use hythe_registry::{Options, Registry, jobs};
use support::{Bench, on_both_engines};

on_both_engines![
    what_was_counted_wrongly_is_right_after_the_daily_recount,
    a_project_that_cannot_be_counted_keeps_none_from_it,
];

const BLOB: &str = "twelve bytes";

async fn what_was_counted_wrongly_is_right_after_the_daily_recount(bench: Bench) {
    let jobs = jobs::Options { poll: Duration::from_millis(20), ..jobs::Options::default() };
    let node = bench.node_with(Options { jobs, ..Options::default() });
    let scheduled = node.find_schedule(Kind::QuotaRecount, "").await.unwrap().unwrap();
    assert_eq!((scheduled.cron.as_str(), scheduled.created_by.as_str()), ("30 3 * * *", "system"));
    let library = push_uncounted(&node).await;
    let mut c = node.database().connect().await.unwrap();
    assert_eq!(usage::of_project(&mut c, library).await.unwrap(), 0);
    let running = tokio::spawn(node.clone().run_jobs());
    let done = run(&node).await;
    running.abort();
    assert_eq!((done.state, done.message.as_str()), (State::Succeeded, ""));
    assert_eq!(done.progress.as_deref(), Some(r#"{"after":"library","projects":1,"wrong":1,"failed":0}"#));
    assert_eq!(usage::of_project(&mut c, library).await.unwrap(), BLOB.len() as i64);
}

async fn a_project_that_cannot_be_counted_keeps_none_from_it(bench: Bench) {
    let jobs = jobs::Options { poll: Duration::from_millis(20), ..jobs::Options::default() };
    let node = bench.node_with(Options { jobs, ..Options::default() });
    hold_more_than_a_sum_can_say(&node, "before").await;
    let library = push_uncounted(&node).await;
    let running = tokio::spawn(node.clone().run_jobs());
    let tried = job_once(&node, |job| !job.message.is_empty()).await;
    running.abort();
    assert_eq!(tried.message, "1 projects could not be counted: the log of the job says why");
    assert_eq!(tried.progress.as_deref(), Some(r#"{"after":"library","projects":1,"wrong":1,"failed":1}"#));
    let mut c = node.database().connect().await.unwrap();
    assert_eq!(usage::of_project(&mut c, library).await.unwrap(), BLOB.len() as i64);
}

/// A project of this name with two blobs that are charged for, whose sizes together are no number of 63 bits.
async fn hold_more_than_a_sum_can_say(node: &Registry, name: &str) {
    let wanted =
        WantedProject { name: name.parse().unwrap(), metadata: BTreeMap::new(), storage_limit: None };
    node.create_project(&Caller::operator(), wanted).await.unwrap();
    let repository: RepositoryName = format!("{name}/app").parse().unwrap();
    for bytes in [b"one", b"two"] {
        let digest = digest_of(Algorithm::Sha256, bytes);
        let huge = Blob { digest, size: i64::MAX as u64, location: "nowhere".to_owned() };
        let repository = repository.clone();
        let linked = node.database().transaction(move |c| {
            let (huge, repository) = (huge.clone(), repository.clone());
            Box::pin(async move {
                let app = repository::ensure(c, &repository, 1).await?.unwrap();
                blob::record(c, &huge, 1).await?;
                blob::link(c, app.id, &digest, 1).await?;
                charge::release(c, app.id, &[digest]).await?;
                charge::create(c, app.id, &digest).await
            })
        });
        linked.await.unwrap();
    }
}

/// Pushes a blob that is charged for and not in the sum; the id of its project.
async fn push_uncounted(node: &Arc<Registry>) -> i64 {
    let digest = digest_of(Algorithm::Sha256, BLOB.as_bytes());
    let permit = node.permit::<Push>(&Caller::operator(), &"library/app".parse().unwrap()).await.unwrap();
    let chunk = Chunk { range: None, length: Some(BLOB.len() as u64), body: body::whole(BLOB.to_owned()) };
    node.push_blob(permit, digest, chunk).await.unwrap();
    let mut c = node.database().connect().await.unwrap();
    let app = repository::find(&mut c, &"library/app".parse().unwrap()).await.unwrap().unwrap();
    let id = app.id;
    let taken = node
        .database()
        .transaction(move |c| Box::pin(async move { charge::release(c, id, &[digest]).await }));
    taken.await.unwrap();
    let charged =
        node.database().transaction(move |c| Box::pin(async move { charge::create(c, id, &digest).await }));
    charged.await.unwrap();
    app.project_id
}

async fn run(node: &Registry) -> Job {
    job_once(node, |job| job.finished_at.is_some()).await
}

/// A recount, once that can be said of it.
async fn job_once(node: &Registry, there: impl Fn(&Job) -> bool) -> Job {
    let new = NewJob::new(Kind::QuotaRecount, &serde_json::json!({}));
    let id = node
        .database()
        .transaction(move |c| {
            let new = new.clone();
            Box::pin(async move { new.enqueue(c).await.map(|enqueued| enqueued.id()) })
        })
        .await
        .unwrap();
    let mut c = node.database().connect().await.unwrap();
    for _ in 0..500 {
        let job = job::find(&mut c, id).await.unwrap().unwrap();
        if there(&job) {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("the recount does not end");
}
