//! The queue under several nodes: nobody gets what another one has.

use std::collections::BTreeSet;

use super::{on_both_engines, reader, run_on_postgres, write};
use crate::job::{Cause, Enqueued, Job, NewJob, State};
use crate::{Database, event, job, schedule};

on_both_engines![
    a_job_is_claimed_once,
    an_expired_lease_goes_to_another_and_its_old_holder_is_refused,
    a_job_that_keeps_failing_its_nodes_is_given_up,
    a_job_asked_for_while_it_runs_runs_again,
    a_log_keeps_its_newest_lines,
    old_jobs_are_pruned_with_their_logs,
    events_are_taken_once,
    a_due_schedule_is_taken_once,
];

const HOUR: i64 = 3_600_000_000;

fn new(kind: &str, key: Option<&str>) -> NewJob {
    NewJob {
        kind: kind.to_owned(),
        key: key.map(str::to_owned),
        payload: "{}".to_owned(),
        priority: 0,
        run_after: 0,
        max_attempts: 2,
        cause: Cause::Event,
        created_by: "system".to_owned(),
    }
}

async fn enqueue(database: &Database, new: NewJob) -> Enqueued {
    write(database, move |c| {
        let new = new.clone();
        Box::pin(async move { job::enqueue(c, &new).await })
    })
    .await
}

/// A claim whose lease ends `lease` after now.
async fn claim(database: &Database, holder: &'static str, lease: i64) -> Option<Job> {
    write(database, move |c| {
        Box::pin(async move {
            let now = c.now().await?;
            job::claim(c, holder, &["sweep"], now, now + lease).await
        })
    })
    .await
}

async fn expire(database: &Database) -> usize {
    write(database, |c| {
        Box::pin(async move {
            let now = c.now().await?;
            job::expire(c, now).await
        })
    })
    .await
}

async fn finish(database: &Database, job: &Job, state: State) -> bool {
    let (id, fence) = (job.id, job.fence);
    write(database, move |c| Box::pin(job::finish(c, id, fence, state, ""))).await
}

async fn find(database: &Database, id: i64) -> Option<Job> {
    job::find(&mut reader(database).await, id).await.unwrap()
}

async fn a_job_is_claimed_once(database: Database) {
    for _ in 0..40 {
        enqueue(&database, new("sweep", None)).await;
    }
    enqueue(&database, new("unknown to this binary", None)).await;
    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let database = database.clone();
        claimers.spawn(async move {
            let mut mine = Vec::new();
            while let Some(job) = claim(&database, "node", HOUR).await {
                mine.push(job.id);
            }
            mine
        });
    }
    let claimed: Vec<i64> = claimers.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<i64> = claimed.iter().copied().collect();
    assert_eq!((claimed.len(), distinct.len()), (40, 40));
}

async fn an_expired_lease_goes_to_another_and_its_old_holder_is_refused(database: Database) {
    let id = enqueue(&database, new("sweep", None)).await.id();
    let old = claim(&database, "one", 0).await.unwrap();
    assert_eq!(expire(&database).await, 1);
    let stale = (old.id, old.fence);
    let renewed = write(&database, move |c| Box::pin(job::renew(c, stale.0, stale.1, i64::MAX))).await;
    assert_eq!(renewed, None, "before anybody else has it");
    let taken = claim(&database, "two", HOUR).await.unwrap();
    assert!(taken.fence > old.fence && taken.attempts == 2, "{taken:?}");
    assert!(!finish(&database, &old, State::Succeeded).await);
    let refused = write(&database, move |c| {
        Box::pin(async move {
            let lines = [(1, "from the past".to_owned())];
            Ok([
                job::hold(c, stale.0, stale.1).await?,
                job::set_progress(c, stale.0, stale.1, "{}").await?,
                job::append_log(c, stale.0, stale.1, &lines, 10).await?,
                job::retry(c, stale.0, stale.1, 0, "").await?,
                job::release(c, stale.0, stale.1).await?,
            ])
        })
    })
    .await;
    assert_eq!(refused, [false; 5]);
    assert_eq!(find(&database, id).await.unwrap(), taken, "nothing of it was changed");
    assert!(finish(&database, &taken, State::Succeeded).await);
}

async fn a_job_that_keeps_failing_its_nodes_is_given_up(database: Database) {
    let id = enqueue(&database, new("sweep", None)).await.id();
    for _ in 0..2 {
        claim(&database, "doomed", 0).await.unwrap();
        expire(&database).await;
    }
    let job = find(&database, id).await.unwrap();
    assert_eq!(job.state, State::Failed);
    assert!(job.message.contains("node doomed stopped answering"), "{job:?}");
    assert_eq!(claim(&database, "doomed", 0).await, None);
}

async fn a_job_asked_for_while_it_runs_runs_again(database: Database) {
    let first = enqueue(&database, new("sweep", Some("k"))).await;
    assert_eq!(enqueue(&database, new("sweep", Some("k"))).await, Enqueued::Already(first.id()));
    let job = claim(&database, "one", HOUR).await.unwrap();
    assert_eq!(claim(&database, "two", HOUR).await, None, "asked for before it began: once is enough");
    assert_eq!(enqueue(&database, new("sweep", Some("k"))).await, Enqueued::Already(first.id()));
    assert!(finish(&database, &job, State::Succeeded).await);
    let again = claim(&database, "two", HOUR).await.unwrap();
    assert_ne!(again.id, job.id);
    finish(&database, &again, State::Succeeded).await;
    assert_eq!(claim(&database, "two", HOUR).await, None);
}

async fn a_log_keeps_its_newest_lines(database: Database) {
    enqueue(&database, new("sweep", None)).await;
    let job = claim(&database, "one", HOUR).await.unwrap();
    let (id, fence) = (job.id, job.fence);
    for round in 0..3 {
        write(&database, move |c| {
            Box::pin(async move {
                let lines: Vec<(i64, String)> = (0..4).map(|line| (1, format!("{round}.{line}"))).collect();
                job::append_log(c, id, fence, &lines, 5).await
            })
        })
        .await;
    }
    let kept = job::list_log(&mut reader(&database).await, id, 0, 100).await.unwrap();
    let kept: Vec<(i64, &str)> = kept.iter().map(|line| (line.sequence, line.line.as_str())).collect();
    assert_eq!(kept, [(8, "1.3"), (9, "2.0"), (10, "2.1"), (11, "2.2"), (12, "2.3")]);
}

async fn old_jobs_are_pruned_with_their_logs(database: Database) {
    let waiting = enqueue(&database, new("other", None)).await.id();
    let old = enqueue(&database, new("sweep", None)).await.id();
    let job = claim(&database, "one", HOUR).await.unwrap();
    let (id, fence) = (job.id, job.fence);
    write(&database, move |c| {
        Box::pin(async move { job::append_log(c, id, fence, &[(1, "a line".to_owned())], 10).await })
    })
    .await;
    finish(&database, &job, State::Succeeded).await;
    assert_eq!(write(&database, |c| Box::pin(job::prune(c, 1, 10))).await, 0, "it ended just now");
    assert_eq!(write(&database, |c| Box::pin(job::prune(c, i64::MAX, 10))).await, 1);
    assert_eq!(find(&database, old).await, None);
    assert!(find(&database, waiting).await.is_some());
}

async fn events_are_taken_once(database: Database) {
    write(&database, |c| {
        Box::pin(async move {
            for number in 0..30 {
                event::create(c, "pushed", &number.to_string(), 1).await?;
            }
            Ok(())
        })
    })
    .await;
    let mut takers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let database = database.clone();
        takers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let taken = write(&database, |c| Box::pin(event::take(c, 4))).await;
                if taken.is_empty() {
                    return mine;
                }
                mine.extend(taken.into_iter().map(|event| event.payload));
            }
        });
    }
    let taken: Vec<String> = takers.join_all().await.into_iter().flatten().collect();
    let distinct: BTreeSet<&String> = taken.iter().collect();
    assert_eq!((taken.len(), distinct.len()), (30, 30));
}

async fn a_due_schedule_is_taken_once(database: Database) {
    write(&database, |c| {
        Box::pin(async move {
            let new = schedule::NewSchedule {
                kind: "sweep".to_owned(),
                key: String::new(),
                cron: "@hourly".to_owned(),
                time_zone: "UTC".to_owned(),
                payload: "{}".to_owned(),
                next_at: Some(5),
                created_by: "alice".to_owned(),
            };
            schedule::put(c, &new, 1).await
        })
    })
    .await;
    let take = |now| {
        write(&database, move |c| {
            Box::pin(async move {
                let taken = schedule::take_due(c, now).await?;
                if let Some(due) = &taken {
                    schedule::made(c, due.id, 7, now, Some(100)).await?;
                }
                Ok(taken.is_some())
            })
        })
    };
    assert!(!take(4).await);
    let (one, two) = tokio::join!(take(5), take(5));
    assert!(one ^ two, "{one} {two}");
    let kept = schedule::find(&mut reader(&database).await, "sweep", "").await.unwrap().unwrap();
    assert_eq!((kept.next_at, kept.last_at, kept.last_job), (Some(100), Some(5), Some(7)));
}

/// A holder that is in a transaction which began with `hold` keeps the job until that has ended, though its lease has. On
/// SQLite transactions run one after the other anyway.
#[test]
fn a_job_does_not_go_amid_its_holders_transaction() {
    run_on_postgres(held_jobs_stay_until_the_transaction_ends);
}

async fn held_jobs_stay_until_the_transaction_ends(database: Database) {
    let id = enqueue(&database, new("sweep", None)).await.id();
    let job = claim(&database, "one", 0).await.unwrap();
    let fence = job.fence;
    let (holding, held) = tokio::sync::oneshot::channel();
    let (go_on, told) = tokio::sync::oneshot::channel::<()>();
    let channels = std::sync::Arc::new(std::sync::Mutex::new(Some((holding, told))));
    let holder = tokio::spawn({
        let database = database.clone();
        async move {
            write(&database, move |c| {
                let channels = channels.clone();
                Box::pin(async move {
                    assert!(job::hold(c, id, fence).await?);
                    let (holding, told) = channels.lock().unwrap().take().unwrap();
                    holding.send(()).unwrap();
                    told.await.unwrap();
                    event::create(c, "written under the lease", "", 1).await
                })
            })
            .await;
        }
    });
    held.await.unwrap();
    assert_eq!(expire(&database).await, 0, "it is passed over, and nobody waits");
    go_on.send(()).unwrap();
    holder.await.unwrap();
    assert_eq!(expire(&database).await, 1);
}
