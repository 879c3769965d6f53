//! Jobs over real rows: done once, by one node at a time, whatever becomes of that node.
#![allow(clippy::panic, clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use hythe_metadata::audit::{self, NewEvent};
use hythe_metadata::job::{self, Enqueued, Job, State};
use hythe_metadata::schedule::{self, NewSchedule};
use hythe_metadata::setting;
use hythe_registry::access::Caller;
use hythe_registry::audit::purge::Purge;
use hythe_registry::jobs::{Halt, Kind, NewJob, Priority, QueueChange, QueueName};
use hythe_registry::load::Load;
use hythe_registry::{Options, Registry, clock, jobs};
use support::{Bench, on_both_engines};

on_both_engines![
    a_job_is_done,
    a_node_that_leaves_begins_none,
    a_key_has_one_unfinished_job,
    what_comes_first_is_taken_first,
    a_paused_node_that_wakes_up_changes_nothing,
    a_node_frozen_in_the_middle_of_a_job_does_no_harm,
    a_running_job_stops_when_it_is_told_to,
    jobs_are_given_back_at_the_end_of_a_node,
    a_schedule_makes_one_job_on_two_nodes,
    a_paused_queue_waits,
    a_payload_that_cannot_be_read_fails_at_once,
    purges_can_be_limited_to_types_and_be_dry,
];

/// Longer than a busy machine keeps a node from prolonging it.
const LEASE: Duration = Duration::from_secs(2);

/// A node that looks often and whose leases are short.
fn quick(bench: &Bench, name: &str) -> Arc<Registry> {
    bench.node_with(Options {
        node: name.to_owned(),
        jobs: jobs::Options { poll: Duration::from_millis(20), lease: LEASE, ..jobs::Options::default() },
        ..Options::default()
    })
}

fn purge() -> NewJob {
    NewJob::new(Kind::AuditPurge, &Purge { audit_retention_hour: 1, ..Purge::default() })
}

async fn find(node: &Registry, id: i64) -> Job {
    job::find(&mut node.database().connect().await.unwrap(), id).await.unwrap().unwrap()
}

/// The job once it has ended.
async fn ended(node: &Registry, id: i64) -> Job {
    for _ in 0..1500 {
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

async fn a_node_that_leaves_begins_none(bench: Bench) {
    let (leaving, staying) = (quick(&bench, "leaving"), quick(&bench, "staying"));
    leaving.leave_jobs();
    let running = tokio::spawn(leaving.clone().run_jobs());
    let id = leaving.enqueue(purge()).await.unwrap().id();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(find(&leaving, id).await.state, State::Pending);
    let other = tokio::spawn(staying.clone().run_jobs());
    assert_eq!(ended(&staying, id).await.holder.as_deref(), Some("staying"));
    running.abort();
    other.abort();
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

async fn what_comes_first_is_taken_first(bench: Bench) {
    let node = quick(&bench, "one");
    let low = node.enqueue(purge().priority(Priority::Low)).await.unwrap().id();
    let first = node.enqueue(purge()).await.unwrap().id();
    let second = node.enqueue(purge()).await.unwrap().id();
    let high = node.enqueue(purge().priority(Priority::High)).await.unwrap().id();
    node.enqueue(purge().priority(Priority::High).after(Duration::from_secs(3600))).await.unwrap();
    let mut taken = Vec::new();
    while let Some(run) = node.take_job().await.unwrap() {
        taken.push(run.job().id);
    }
    assert_eq!(taken, [high, first, second, low]);
}

async fn read(node: &Registry, key: &str) -> Option<String> {
    setting::find(&mut node.database().connect().await.unwrap(), key).await.unwrap()
}

async fn put(run: &jobs::Run, key: &'static str, value: &'static str) -> Result<(), Halt> {
    run.transaction(move |c| Box::pin(async move { Ok(setting::put(c, key, value).await?) })).await
}

/// Two nodes over one database: the first takes the job and stands still for longer than its lease.
async fn a_paused_node_that_wakes_up_changes_nothing(bench: Bench) {
    let (one, two) = (quick(&bench, "one"), quick(&bench, "two"));
    let id = one.enqueue(purge()).await.unwrap().id();
    let paused = one.take_job().await.unwrap().unwrap();
    put(&paused, "by", "one").await.unwrap();
    tokio::time::sleep(LEASE + LEASE / 10).await;
    let running = tokio::spawn(two.clone().run_jobs());
    let job = ended(&two, id).await;
    assert_eq!(
        (job.state, job.holder.as_deref(), job.attempts),
        (State::Succeeded, Some("two"), 2),
        "{job:?}"
    );

    assert!(matches!(put(&paused, "by", "one again").await, Err(Halt::Lost)));
    assert!(matches!(paused.check().await, Err(Halt::Lost)));
    one.release_jobs().await.unwrap();
    assert_eq!(read(&two, "by").await.as_deref(), Some("one"));
    assert_eq!(find(&two, id).await, job, "nothing of the job was changed");
    running.abort();
}

/// Sealed events, one under each seal.
async fn fill_log(node: &Registry, kinds: &[(&'static str, &'static str)]) {
    for &(operation, resource_type) in kinds {
        node.database()
            .transaction(move |c| {
                Box::pin(async move {
                    let event = NewEvent {
                        at: clock::now(),
                        actor: "alice".to_owned(),
                        actor_kind: "user".to_owned(),
                        through: String::new(),
                        address: String::new(),
                        user_agent: String::new(),
                        request_id: String::new(),
                        project_id: None,
                        resource_type: resource_type.to_owned(),
                        resource: "team/app".to_owned(),
                        operation: operation.to_owned(),
                        description: String::new(),
                        before: None,
                        after: None,
                        succeeded: true,
                    };
                    audit::create(c, &event).await
                })
            })
            .await
            .unwrap();
        node.seal_audit().await.unwrap();
    }
}

async fn events_left(node: &Registry) -> i64 {
    let mut c = node.database().connect().await.unwrap();
    audit::count(&mut c, &audit::Filter::default(), i64::MAX).await.unwrap()
}

/// All that is sealed, ten events a step.
fn purge_all() -> NewJob {
    NewJob::new(Kind::AuditPurge, &Purge::default())
}

/// A node that takes half a second a step, because it has requests under way.
fn slow_down(node: &Registry) {
    node.measure_load_by(|| Load { requests: jobs::Options::default().busy_from, transfers: 0 });
}

/// As SIGSTOP does it: nothing of the first node moves, neither the job nor what keeps its lease, until long after.
async fn a_node_frozen_in_the_middle_of_a_job_does_no_harm(bench: Bench) {
    let (one, two) = (quick(&bench, "one"), quick(&bench, "two"));
    fill_log(&two, &[("create", "tag"); 60]).await;
    let before = events_left(&two).await;
    let id = two.enqueue(purge_all()).await.unwrap().id();

    slow_down(&one);
    let (freeze, frozen) = tokio::sync::oneshot::channel::<Duration>();
    let first = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let running = tokio::spawn(one.run_jobs());
            let time = frozen.await.unwrap();
            // Of this one thread, which is the whole node.
            std::thread::sleep(time);
            tokio::time::sleep(Duration::from_millis(1500)).await;
            running.abort();
        });
    });
    while events_left(&two).await == before {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    freeze.send(4 * LEASE).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let after_one = events_left(&two).await;
    assert!(0 < after_one && after_one < before, "the first node is in the middle: {after_one} of {before}");

    let running = tokio::spawn(two.clone().run_jobs());
    let job = ended(&two, id).await;
    assert_eq!((job.state, job.holder.as_deref()), (State::Succeeded, Some("two")), "{job:?}");
    assert!(job.attempts > 1, "{job:?}");
    tokio::task::spawn_blocking(|| first.join().unwrap()).await.unwrap();

    assert_eq!(find(&two, id).await, job, "the first node, awake again, has changed nothing of the job");
    let log = job::list_log(&mut two.database().connect().await.unwrap(), id, 0, 10).await.unwrap();
    assert_eq!(log.len(), 1, "only the second node has come to an end: {log:?}");
    assert_eq!(events_left(&two).await, 0);
    assert_eq!(two.verify_audit().await.unwrap().flaw, None);
    running.abort();
}

async fn a_running_job_stops_when_it_is_told_to(bench: Bench) {
    let node = quick(&bench, "one");
    fill_log(&node, &[("create", "tag"); 60]).await;
    slow_down(&node);
    let id = node.enqueue(purge_all()).await.unwrap().id();
    let waiting = node.enqueue(purge_all().after(Duration::from_secs(3600))).await.unwrap().id();
    let running = tokio::spawn(node.clone().run_jobs());
    while find(&node, id).await.state != State::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let permit = node.permit_everywhere(&Caller::operator()).await.unwrap();
    assert_eq!(node.stop_job(&permit, waiting).await.unwrap(), State::Stopped);
    assert_eq!(node.stop_job(&permit, id).await.unwrap(), State::Stopping);
    let job = ended(&node, id).await;
    assert_eq!((job.state, job.message.as_str()), (State::Stopped, "it was stopped"));
    assert!(events_left(&node).await > 0, "it did not go on to its end");
    assert_eq!(node.stop_job(&permit, id).await.unwrap(), State::Stopped, "once more changes nothing");
    running.abort();
}

async fn jobs_are_given_back_at_the_end_of_a_node(bench: Bench) {
    let (one, two) = (bench.node("one"), quick(&bench, "two"));
    fill_log(&two, &[("create", "tag"); 60]).await;
    slow_down(&one);
    let id = one.enqueue(purge_all()).await.unwrap().id();
    let running = tokio::spawn(one.clone().run_jobs());
    while find(&one, id).await.state != State::Running {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    running.abort();
    running.await.unwrap_err();
    one.release_jobs().await.unwrap();
    let job = find(&two, id).await;
    assert_eq!((job.state, job.attempts), (State::Pending, 0), "without waiting for thirty seconds: {job:?}");
    let running = tokio::spawn(two.clone().run_jobs());
    assert_eq!(ended(&two, id).await.state, State::Succeeded);
    running.abort();
}

async fn a_schedule_makes_one_job_on_two_nodes(bench: Bench) {
    let (one, two) = (quick(&bench, "one"), quick(&bench, "two"));
    let payload = serde_json::json!({ "audit_retention_hour": 24 }).to_string();
    let id = one
        .database()
        .transaction(move |c| {
            let new = NewSchedule {
                kind: Kind::AuditPurge.as_str().to_owned(),
                key: String::new(),
                cron: "@daily".to_owned(),
                time_zone: "Asia/Tokyo".to_owned(),
                payload: payload.clone(),
                next_at: Some(1),
                created_by: "alice".to_owned(),
            };
            Box::pin(async move { schedule::put(c, &new, 1).await })
        })
        .await
        .unwrap();
    let running = [tokio::spawn(one.clone().run_jobs()), tokio::spawn(two.clone().run_jobs())];
    let made = loop {
        let due = one.find_schedule(Kind::AuditPurge, "").await.unwrap().unwrap();
        assert_eq!(due.id, id);
        if let Some(job) = due.last_job {
            let midnight_there = due.next_at.unwrap() / 1_000_000 % 86_400;
            assert_eq!(midnight_there, 15 * 3600, "midnight in Tokyo is 15:00 UTC");
            break job;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let job = ended(&two, made).await;
    assert_eq!((job.cause, job.created_by.as_str()), (job::Cause::Schedule, "alice"), "{job:?}");
    tokio::time::sleep(Duration::from_millis(200)).await;
    let permit = one.permit_everywhere(&Caller::operator()).await.unwrap();
    let purges = job::Filter { kind: Some(Kind::AuditPurge.as_str().to_owned()), ..job::Filter::default() };
    let (all, _) = one.list_jobs(&permit, &purges, None, 0, 10).await.unwrap();
    assert_eq!(all.len(), 1, "what was missed for years is made up for once: {all:?}");
    running.iter().for_each(tokio::task::JoinHandle::abort);
}

async fn a_paused_queue_waits(bench: Bench) {
    let node = quick(&bench, "one");
    let permit = node.permit_everywhere(&Caller::operator()).await.unwrap();
    let queue = QueueName::Of(Kind::AuditPurge);
    node.change_queue(&permit, queue, QueueChange::Pause).await.unwrap();
    let id = node.enqueue(purge()).await.unwrap().id();
    assert!(node.take_job().await.unwrap().is_none());
    let list = node.permit_everywhere(&Caller::operator()).await.unwrap();
    let shown = node.list_queues(&list).await.unwrap();
    let shown = shown.iter().find(|queue| queue.kind == "purge_audit_log").unwrap();
    assert_eq!((shown.waiting, shown.paused), (1, true));
    node.change_queue(&permit, queue, QueueChange::Resume).await.unwrap();
    assert_eq!(node.take_job().await.unwrap().unwrap().job().id, id);
}

async fn a_payload_that_cannot_be_read_fails_at_once(bench: Bench) {
    let node = quick(&bench, "one");
    let running = tokio::spawn(node.clone().run_jobs());
    let id = node.enqueue(NewJob::new(Kind::AuditPurge, &"nonsense")).await.unwrap().id();
    let job = ended(&node, id).await;
    assert_eq!((job.state, job.attempts), (State::Failed, 1));
    assert!(job.message.contains("the payload of job"), "{job:?}");
    running.abort();
}

async fn purges_can_be_limited_to_types_and_be_dry(bench: Bench) {
    let node = quick(&bench, "one");
    fill_log(
        &node,
        &[("create", "artifact"), ("delete", "artifact"), ("create", "project"), ("pull", "artifact")],
    )
    .await;
    let running = tokio::spawn(node.clone().run_jobs());
    let all = events_left(&node).await;
    let purged = async |types: &str, dry_run| {
        let purge = Purge { include_event_types: types.to_owned(), dry_run, ..Purge::default() };
        let id = node.enqueue(NewJob::new(Kind::AuditPurge, &purge)).await.unwrap().id();
        assert_eq!(ended(&node, id).await.state, State::Succeeded);
        all - events_left(&node).await
    };
    assert_eq!(purged("create_artifact, DELETE_artifact", true).await, 0);
    assert_eq!(purged("create_artifact, DELETE_artifact", false).await, 2);
    assert_eq!(purged("pull", false).await, 3);
    assert_eq!(node.verify_audit().await.unwrap().flaw, None);
    assert_eq!(purged("other", false).await, all, "what Hythe itself wrote is among the others");
    running.abort();
}
