//! Jobs over real rows: done once, by one node at a time, whatever becomes of that node.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use hythe_metadata::job::{self, Enqueued, Job, State};
use hythe_registry::audit::purge::Purge;
use hythe_registry::jobs::{Kind, NewJob};
use hythe_registry::{Options, Registry, jobs};
use support::{Bench, on_both_engines};

on_both_engines![a_job_is_done, a_key_has_one_unfinished_job];

/// A node that looks often and whose leases are short.
fn quick(bench: &Bench, name: &str) -> Arc<Registry> {
    bench.node_with(Options {
        node: name.to_owned(),
        jobs: jobs::Options {
            poll: Duration::from_millis(20),
            lease: Duration::from_millis(600),
            ..jobs::Options::default()
        },
        ..Options::default()
    })
}

fn purge() -> NewJob {
    NewJob::new(Kind::AuditPurge, &Purge { retention_hours: 1 })
}

async fn find(node: &Registry, id: i64) -> Job {
    job::find(&mut node.database().connect().await.unwrap(), id).await.unwrap().unwrap()
}

/// The job once it has ended.
async fn ended(node: &Registry, id: i64) -> Job {
    for _ in 0..500 {
        let job = find(node, id).await;
        if job.state.is_finished() {
            return job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("job {id} does not end: {:?}", find(node, id).await);
}

async fn a_job_is_done(bench: Bench) {
    let node = quick(&bench, "one");
    let running = tokio::spawn(node.clone().run_jobs());
    let id = node.enqueue(purge()).await.unwrap().id();
    let job = ended(&node, id).await;
    assert_eq!(
        (job.state, job.attempts, job.holder.as_deref()),
        (State::Succeeded, 1, Some("one")),
        "{job:?}"
    );
    let log = job::list_log(&mut node.database().connect().await.unwrap(), id, 0, 10).await.unwrap();
    assert_eq!(log[0].line, "removed 0 events older than 1 hours");
    running.abort();
}

async fn a_key_has_one_unfinished_job(bench: Bench) {
    let node = quick(&bench, "one");
    let first = node.enqueue(purge().keyed("all")).await.unwrap();
    assert!(matches!(first, Enqueued::New(_)));
    assert_eq!(node.enqueue(purge().keyed("all")).await.unwrap(), Enqueued::Already(first.id()));
    assert!(matches!(node.enqueue(purge().keyed("other")).await.unwrap(), Enqueued::New(_)));
    let running = tokio::spawn(node.clone().run_jobs());
    ended(&node, first.id()).await;
    assert!(matches!(node.enqueue(purge().keyed("all")).await.unwrap(), Enqueued::New(_)));
    running.abort();
}
