//! What projects hold is counted anew by a job, which every registry has scheduled from its beginning.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(dead_code, reason = "the support of all suites is one file")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use hythe_blobs::body;
use hythe_blobs::hash::digest_of;
use hythe_metadata::job::{self, Job, State};
use hythe_metadata::{charge, repository, usage};
use hythe_oci::digest::Algorithm;
use hythe_registry::access::{Caller, Push};
use hythe_registry::jobs::{Kind, NewJob};
use hythe_registry::uploads::Chunk;
use hythe_registry::{Options, Registry, jobs};
use support::{Bench, on_both_engines};

on_both_engines![what_was_counted_wrongly_is_right_after_the_daily_recount];

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
        if job.finished_at.is_some() {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("the recount does not end");
}
