//! Jobs: work in the background, its lease, its progress and its log.
//!
//! Whoever runs a job holds a lease with a fence. The lease ends by itself, by the clock of the database; the fence
//! counts the holders. Everything a holder writes names its fence and is refused once it has another one, and work that
//! must not be done twice begins its transactions with [`hold`].

mod row;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::list as texts;
use crate::error::Result;
use crate::ids::Micros;

pub use row::{Cause, Due, Enqueued, Filter, Job, Line, NewJob, Queue, State};

/// Whether there is anything to do: one read of small, partial indices.
pub async fn due(c: &mut Connection, now: Micros) -> Result<Due> {
    c.query_one(&DUE, &[now.into()]).await
}

/// Puts a job into the queue, within the caller's transaction. If one of its kind and key waits, that one does the work;
/// if one runs, it may have passed what this is about, and is put into the queue once more when it ends.
pub async fn enqueue(c: &mut Connection, new: &NewJob) -> Result<Enqueued> {
    let now = c.now().await?;
    let arguments = [
        (&new.kind).into(),
        new.key.as_ref().into(),
        (&new.payload).into(),
        new.priority.into(),
        new.run_after.max(now).into(),
        new.max_attempts.into(),
        new.cause.into(),
        (&new.created_by).into(),
        now.into(),
    ];
    // The job in the way may end between the two statements; its successor is the next round's.
    loop {
        if let Some(id) = c.query_optional(&ENQUEUE, &arguments).await? {
            return Ok(Enqueued::New(id));
        }
        if let Some(id) = c.query_optional(&ASK_AGAIN, &[(&new.kind).into(), new.key.as_ref().into()]).await?
        {
            return Ok(Enqueued::Already(id));
        }
    }
}

/// Takes the first job that is due, for a holder that knows these kinds.
pub async fn claim(
    c: &mut Connection,
    holder: &str,
    kinds: &[&str],
    now: Micros,
    leased_until: Micros,
) -> Result<Option<Job>> {
    c.query_optional(&CLAIM, &[holder.into(), texts(kinds), now.into(), leased_until.into()]).await
}

/// Takes jobs from holders whose leases have run out: back into the queue, or to their end where they were to stop or
/// have been begun often enough. A holder that lives on finds its fence gone. How many they were.
pub async fn expire(c: &mut Connection, now: Micros) -> Result<usize> {
    let expired: Vec<i64> = c.query(&EXPIRE, &[now.into()]).await?;
    for id in &expired {
        c.execute(&REPEAT, &[(*id).into(), now.into()]).await?;
    }
    Ok(expired.len())
}

/// Prolongs the lease and says whether to go on ([`State::Running`]) or to end ([`State::Stopping`]); none if the lease
/// is somebody else's.
pub async fn renew(c: &mut Connection, id: i64, fence: i64, leased_until: Micros) -> Result<Option<State>> {
    c.query_optional(&RENEW, &[id.into(), fence.into(), leased_until.into()]).await
}

/// Keeps the job from going to another holder until this transaction has ended; false if it has gone to one, or has
/// ended. What a job must not do twice, it does in a transaction that begins with this.
pub async fn hold(c: &mut Connection, id: i64, fence: i64) -> Result<bool> {
    let held: Option<i64> = c.query_optional(&HOLD, &[id.into(), fence.into()]).await?;
    Ok(held.is_some())
}

/// Notes how far it is; false if the lease is somebody else's.
pub async fn set_progress(c: &mut Connection, id: i64, fence: i64, progress: &str) -> Result<bool> {
    c.changes(&SET_PROGRESS, &[id.into(), fence.into(), progress.into()]).await
}

/// Adds lines to the log and removes the oldest above `keep`; false, and nothing added, if the lease is somebody else's.
pub async fn append_log(
    c: &mut Connection,
    id: i64,
    fence: i64,
    lines: &[(Micros, String)],
    keep: i64,
) -> Result<bool> {
    let count = i64::try_from(lines.len()).unwrap_or(i64::MAX);
    let Some(total) = c.query_optional::<i64>(&COUNT_LINES, &[id.into(), fence.into(), count.into()]).await?
    else {
        return Ok(false);
    };
    for (sequence, (at, line)) in (total - count + 1..).zip(lines) {
        c.execute(&APPEND_LINE, &[id.into(), sequence.into(), (*at).into(), line.into()]).await?;
    }
    c.execute(&TRIM_LOG, &[id.into(), (total - keep).into()]).await?;
    Ok(true)
}

/// Ends the job, and unless somebody stopped it puts it into the queue once more if it was asked for meanwhile; false if the lease is somebody
/// else's.
pub async fn finish(c: &mut Connection, id: i64, fence: i64, state: State, message: &str) -> Result<bool> {
    let now = c.now().await?;
    let arguments = [id.into(), fence.into(), state.into(), message.into(), now.into()];
    let finished = c.changes(&FINISH, &arguments).await?;
    if finished {
        c.execute(&REPEAT, &[id.into(), now.into()]).await?;
    }
    Ok(finished)
}

/// Puts a job whose attempt failed back into the queue; false if the lease is somebody else's.
pub async fn retry(
    c: &mut Connection,
    id: i64,
    fence: i64,
    run_after: Micros,
    message: &str,
) -> Result<bool> {
    c.changes(&RETRY, &[id.into(), fence.into(), run_after.into(), message.into()]).await
}

/// Gives a job back that its node has no time for any more; the attempt does not count. False if the lease is somebody
/// else's.
pub async fn release(c: &mut Connection, id: i64, fence: i64) -> Result<bool> {
    c.changes(&RELEASE, &[id.into(), fence.into()]).await
}

/// Stops a job: at once if nobody is at it, else its holder is asked to end. Where it stands now; none if there is no
/// such job.
pub async fn stop(c: &mut Connection, id: i64, message: &str) -> Result<Option<State>> {
    let now = c.now().await?;
    c.query_optional(&STOP, &[id.into(), message.into(), now.into()]).await
}

/// Stops all jobs of a kind that wait; how many.
pub async fn stop_waiting(c: &mut Connection, kind: &str, message: &str) -> Result<u64> {
    let now = c.now().await?;
    c.execute(&STOP_WAITING, &[kind.into(), message.into(), now.into()]).await
}

/// The word by which schedules are held back, in the place of a kind.
pub const SCHEDULER: &str = "scheduler";

/// Whether the jobs of a kind, or the schedules, are held back.
pub async fn is_paused(c: &mut Connection, kind: &str) -> Result<bool> {
    c.query_one(&IS_PAUSED, &[kind.into()]).await
}

/// Holds back the jobs of a kind.
pub async fn pause(c: &mut Connection, kind: &str, by: &str, now: Micros) -> Result<()> {
    c.execute(&PAUSE, &[kind.into(), by.into(), now.into()]).await.map(|_| ())
}

/// Lets the jobs of a kind go on; false if they were not held back.
pub async fn resume(c: &mut Connection, kind: &str) -> Result<bool> {
    c.changes(&RESUME, &[kind.into()]).await
}

/// The kinds that have jobs waiting or held back.
pub async fn queues(c: &mut Connection, now: Micros) -> Result<Vec<Queue>> {
    c.query(&QUEUES, &[now.into()]).await
}

/// The job of this number.
pub async fn find(c: &mut Connection, id: i64) -> Result<Option<Job>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// A page of jobs with numbers below `before`, the newest first.
pub async fn list(
    c: &mut Connection,
    filter: &Filter,
    before: i64,
    skip: u32,
    limit: u32,
) -> Result<Vec<Job>> {
    let mut arguments = filter.arguments();
    arguments.extend([before.into(), limit.into(), skip.into()]);
    c.query(&LIST, &arguments).await
}

/// How many jobs the filter lets through, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    let mut arguments = filter.arguments();
    arguments.push(most.into());
    c.query_one(&COUNT, &arguments).await
}

/// A page of a job's log, in order, behind the line `after`.
pub async fn list_log(c: &mut Connection, id: i64, after: i64, limit: u32) -> Result<Vec<Line>> {
    c.query(&LIST_LOG, &[id.into(), after.into(), limit.into()]).await
}

/// Removes up to `limit` jobs that ended before then, with their logs; how many.
pub async fn prune(c: &mut Connection, before: Micros, limit: u32) -> Result<u64> {
    c.execute(&PRUNE, &[before.into(), limit.into()]).await
}

macro_rules! columns {
    () => {
        "id, kind, key, payload, state, priority, run_after, attempts, max_attempts, again, holder, fence,
            leased_until, progress, message, log_lines, cause, created_by, created_at, started_at, finished_at "
    };
}

macro_rules! filter {
    () => {
        "WHERE (CAST($1 AS TEXT) IS NULL OR kind = $1) AND (CAST($2 AS TEXT) IS NULL OR key = $2)
            AND (CAST($4 AS TEXT) IS NULL OR holder = $4) AND (CAST($3 AS TEXT) IS NULL OR state IN "
    };
}

macro_rules! claim {
    () => {
        "UPDATE job SET state = 'running', attempts = attempts + 1, fence = fence + 1, holder = $1,
            leased_until = $4, started_at = COALESCE(started_at, $3)
        WHERE id = (SELECT id FROM job WHERE state = 'pending' AND run_after <= $3
            AND kind NOT IN (SELECT kind FROM job_pause) AND kind IN "
    };
}

macro_rules! expire {
    () => {
        "UPDATE job SET leased_until = 0, fence = fence + 1, run_after = $1,
            state = CASE WHEN state = 'stopping' THEN 'stopped' WHEN attempts >= max_attempts THEN 'failed'
                ELSE 'pending' END,
            finished_at = CASE WHEN state = 'stopping' OR attempts >= max_attempts THEN $1 END,
            message = 'node ' || COALESCE(holder, '') || ' stopped answering while it was at this'
        WHERE id IN (SELECT id FROM job WHERE state IN ('running', 'stopping') AND leased_until <= $1 "
    };
}

// PostgreSQL locks what it picks `FOR UPDATE`: that waits for nobody, takes what nobody else is taking, and leaves alone
// a job whose holder is in a transaction that began with `HOLD`. A plain UPDATE would not see that one's key lock.
statements! { "job";
    DUE = "SELECT EXISTS (SELECT 1 FROM job WHERE state = 'pending' AND run_after <= $1) AS jobs,
        EXISTS (SELECT 1 FROM job WHERE state IN ('running', 'stopping') AND leased_until <= $1) AS expired,
        EXISTS (SELECT 1 FROM schedule WHERE next_at <= $1
            AND NOT EXISTS (SELECT 1 FROM job_pause WHERE kind = 'scheduler')) AS schedules,
        EXISTS (SELECT 1 FROM event WHERE id > 0) AS events";
    ENQUEUE = "INSERT INTO job (kind, key, payload, state, priority, run_after, max_attempts, cause, created_by,
            created_at)
        VALUES ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9)
        ON CONFLICT (kind, key) WHERE state IN ('pending', 'running', 'stopping') DO NOTHING
        RETURNING id AS value";
    ASK_AGAIN = "UPDATE job SET again = (state <> 'pending')
        WHERE kind = $1 AND key = $2 AND state IN ('pending', 'running', 'stopping') RETURNING id AS value";
    CLAIM = {
        sqlite: (claim!(), "(SELECT value FROM json_each($2)) ORDER BY priority DESC, run_after, id LIMIT 1)
            RETURNING ", columns!()),
        postgres: (claim!(), "(SELECT jsonb_array_elements_text($2::text::jsonb))
            ORDER BY priority DESC, run_after, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING ", columns!()),
    };
    EXPIRE = {
        sqlite: (expire!(), "LIMIT 100) RETURNING id AS value"),
        postgres: (expire!(), "LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING id AS value"),
    };
    RENEW = "UPDATE job SET leased_until = $3
        WHERE id = $1 AND fence = $2 AND state IN ('running', 'stopping') RETURNING state AS value";
    HOLD = {
        sqlite: "SELECT id AS value FROM job WHERE id = $1 AND fence = $2 AND state IN ('running', 'stopping')",
        postgres: "SELECT id AS value FROM job WHERE id = $1 AND fence = $2 AND state IN ('running', 'stopping')
            FOR KEY SHARE",
    };
    SET_PROGRESS = "UPDATE job SET progress = $3
        WHERE id = $1 AND fence = $2 AND state IN ('running', 'stopping')";
    COUNT_LINES = "UPDATE job SET log_lines = log_lines + $3
        WHERE id = $1 AND fence = $2 AND state IN ('running', 'stopping') RETURNING log_lines AS value";
    APPEND_LINE = "INSERT INTO job_log (job_id, sequence, at, line) VALUES ($1, $2, $3, $4)";
    TRIM_LOG = "DELETE FROM job_log WHERE job_id = $1 AND sequence <= $2";
    FINISH = "UPDATE job SET state = $3, message = $4, leased_until = 0, finished_at = $5
        WHERE id = $1 AND fence = $2 AND state IN ('running', 'stopping')";
    REPEAT = "INSERT INTO job (kind, key, payload, state, priority, run_after, max_attempts, cause, created_by,
            created_at)
        SELECT kind, key, payload, 'pending', priority, $2, max_attempts, cause, created_by, $2
        FROM job WHERE id = $1 AND again AND state IN ('succeeded', 'failed')
        ON CONFLICT (kind, key) WHERE state IN ('pending', 'running', 'stopping') DO NOTHING";
    RETRY = "UPDATE job SET state = 'pending', run_after = $3, message = $4, leased_until = 0
        WHERE id = $1 AND fence = $2 AND state = 'running'";
    RELEASE = "UPDATE job SET state = 'pending', attempts = attempts - 1, leased_until = 0
        WHERE id = $1 AND fence = $2 AND state = 'running'";
    STOP = "UPDATE job SET
            state = CASE state WHEN 'pending' THEN 'stopped' WHEN 'running' THEN 'stopping' ELSE state END,
            message = CASE state WHEN 'pending' THEN $2 ELSE message END,
            finished_at = CASE state WHEN 'pending' THEN $3 ELSE finished_at END
        WHERE id = $1 RETURNING state AS value";
    STOP_WAITING = "UPDATE job SET state = 'stopped', message = $2, finished_at = $3
        WHERE kind = $1 AND state = 'pending'";
    IS_PAUSED = "SELECT EXISTS (SELECT 1 FROM job_pause WHERE kind = $1) AS value";
    PAUSE = "INSERT INTO job_pause (kind, paused_by, paused_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    RESUME = "DELETE FROM job_pause WHERE kind = $1";
    QUEUES = "SELECT k.kind AS kind,
            (SELECT COUNT(*) FROM job j WHERE j.kind = k.kind AND j.state = 'pending') AS waiting,
            (SELECT COALESCE(MIN(j.run_after), 0) FROM job j
                WHERE j.kind = k.kind AND j.state = 'pending' AND j.run_after <= $1) AS oldest,
            EXISTS (SELECT 1 FROM job_pause p WHERE p.kind = k.kind) AS paused
        FROM (SELECT kind FROM job WHERE state = 'pending' UNION SELECT kind FROM job_pause) k ORDER BY k.kind";
    FIND = ("SELECT ", columns!(), "FROM job WHERE id = $1");
    LIST = {
        sqlite: ("SELECT ", columns!(), "FROM job ", filter!(), "(SELECT value FROM json_each($3)))
            AND id < $5 ORDER BY id DESC LIMIT $6 OFFSET $7"),
        postgres: ("SELECT ", columns!(), "FROM job ", filter!(),
            "(SELECT jsonb_array_elements_text($3::text::jsonb))) AND id < $5 ORDER BY id DESC LIMIT $6 OFFSET $7"),
    };
    COUNT = {
        sqlite: ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM job ", filter!(),
            "(SELECT value FROM json_each($3))) LIMIT $5) counted"),
        postgres: ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM job ", filter!(),
            "(SELECT jsonb_array_elements_text($3::text::jsonb))) LIMIT $5) counted"),
    };
    LIST_LOG = "SELECT sequence, at, line FROM job_log
        WHERE job_id = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
    PRUNE = "DELETE FROM job WHERE id IN (SELECT id FROM job
        WHERE state IN ('succeeded', 'failed', 'stopped') AND finished_at < $1 LIMIT $2)";
}
