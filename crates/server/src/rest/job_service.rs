//! Jobs as Harbor's job service shows them: pools, workers and queues.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::StatusCode;
use hythe_api::job::{ActionRequest, JobQueue, Worker, WorkerPool};
use hythe_api::schedule::{ScheduleTask, SchedulerStatus};
use hythe_metadata::job::{Job, SCHEDULER};
use hythe_metadata::schedule::Schedule;
use hythe_registry::jobs::{Pool, QueueChange, QueueName};

use super::executions::{LOG_LINES, as_harbor_has_it, show_log};
use super::page::{ListQuery, Page};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

const ALL: &str = "all";

/// `GET /jobservice/pools`: the nodes that do jobs.
#[utoipa::path(
    get, path = "/jobservice/pools", tag = "jobservice", operation_id = "getWorkerPools",
    responses((status = 200, description = "All of them", body = [WorkerPool]), Refusals)
)]
pub(super) async fn pools(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<Vec<WorkerPool>>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let pools = app.registry.list_pools(&permit).await?;
    Ok(axum::Json(pools.into_iter().map(show_pool).collect()))
}

/// `GET /jobservice/pools/{pool_id}/workers`: what a node is at, or all nodes.
#[utoipa::path(
    get, path = "/jobservice/pools/{pool_id}/workers", tag = "jobservice", operation_id = "getWorkers",
    params(("pool_id" = String, Path, description = "The node's name, or all")),
    responses((status = 200, description = "All of them", body = [Worker]), Refusals)
)]
pub(super) async fn workers(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(pool): Path<String>,
) -> Result<axum::Json<Vec<Worker>>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let pool = Some(pool).filter(|pool| pool != ALL);
    let running = app.registry.list_workers(&permit, pool).await?;
    Ok(axum::Json(running.into_iter().map(show_worker).collect()))
}

/// `GET /jobservice/pools/{pool_id}/jobs`: the same under a shorter name.
#[utoipa::path(
    get, path = "/jobservice/pools/{pool_id}/jobs", tag = "jobservice", operation_id = "getWorkersJobs",
    params(("pool_id" = String, Path, description = "The node's name, or all")),
    responses((status = 200, description = "All of them", body = [Worker]), Refusals)
)]
pub(super) async fn jobs_of_pool(
    state: State<Arc<App>>,
    caller: SignedIn,
    path: Path<String>,
) -> Result<axum::Json<Vec<Worker>>, RestFailure> {
    workers(state, caller, path).await
}

/// `PUT /jobservice/jobs/{job_id}`: stops a job that runs, or all of them.
#[utoipa::path(
    put, path = "/jobservice/jobs/{job_id}", tag = "jobservice", operation_id = "stopRunningJob",
    params(("job_id" = String, Path, description = "The job's number, or all")),
    responses((status = 200, description = "They end"), Refusals)
)]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(job): Path<String>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    if job == ALL {
        app.registry.stop_running_jobs(&permit).await?;
    } else {
        app.registry.stop_job(&permit, number(&job)?).await?;
    }
    Ok(StatusCode::OK)
}

/// `GET /jobservice/jobs/{job_id}/log`.
#[utoipa::path(
    get, path = "/jobservice/jobs/{job_id}/log", tag = "jobservice", operation_id = "actionGetJobLog",
    params(("job_id" = String, Path, description = "The job's number")),
    responses((status = 200, description = "Its log", body = String, content_type = "text/plain"), Refusals)
)]
pub(super) async fn log(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(job): Path<String>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(show_log(&app.registry.list_job_log(&permit, number(&job)?, 0, LOG_LINES).await?))
}

/// `GET /jobservice/queues`.
#[utoipa::path(
    get, path = "/jobservice/queues", tag = "jobservice", operation_id = "listJobQueues",
    responses((status = 200, description = "All of them", body = [JobQueue]), Refusals)
)]
pub(super) async fn queues(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<Vec<JobQueue>>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let queues = app.registry.list_queues(&permit).await?.into_iter().map(|queue| JobQueue {
        job_type: queue.kind.to_uppercase(),
        count: queue.waiting,
        latency: queue.latency.as_secs().try_into().unwrap_or(i64::MAX),
        paused: queue.paused,
    });
    Ok(axum::Json(queues.collect()))
}

/// `PUT /jobservice/queues/{job_type}`: stops what waits, holds it back, or lets it go on.
#[utoipa::path(
    put, path = "/jobservice/queues/{job_type}", tag = "jobservice", operation_id = "actionPendingJobs",
    params(("job_type" = String, Path, description = "A kind of job, SCHEDULER for schedules, or all")),
    request_body = ActionRequest,
    responses((status = 200, description = "Done"), Refusals)
)]
pub(super) async fn change_queue(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(queue): Path<String>,
    Json(body): Json<ActionRequest>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let (queue, change) = (QueueName::parse(&queue)?, QueueChange::parse(&body.action)?);
    app.registry.change_queue(&permit, queue, change).await?;
    Ok(StatusCode::OK)
}

/// `GET /schedules`.
#[utoipa::path(
    get, path = "/schedules", tag = "schedule", operation_id = "listSchedules",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [ScheduleTask]), Refusals)
)]
pub(super) async fn schedules(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let page = Page::of(&query)?;
    let (schedules, total) = app.registry.list_schedules(&permit, page.skip(), page.limit()).await?;
    let shown: Vec<ScheduleTask> = schedules.into_iter().map(show_schedule).collect();
    Ok(page.answer(shown, total, &uri, |_| String::new()))
}

/// `GET /schedules/{job_type}/paused`: whether schedules are held back.
#[utoipa::path(
    get, path = "/schedules/{job_type}/paused", tag = "schedule", operation_id = "getSchedulePaused",
    params(("job_type" = String, Path, description = "all, nothing else is there")),
    responses((status = 200, description = "Whether they are", body = SchedulerStatus), Refusals)
)]
pub(super) async fn schedules_paused(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(kind): Path<String>,
) -> Result<axum::Json<SchedulerStatus>, RestFailure> {
    if caller.is_anonymous() {
        return Err(RestFailure::new(StatusCode::UNAUTHORIZED, "sign in to ask for schedules").challenge());
    }
    if !kind.eq_ignore_ascii_case(ALL) {
        return Err(RestFailure::new(StatusCode::BAD_REQUEST, "job_type can only be all"));
    }
    Ok(axum::Json(SchedulerStatus { paused: app.registry.is_queue_paused(SCHEDULER).await? }))
}

fn number(job: &str) -> Result<i64, RestFailure> {
    job.parse().map_err(|_| RestFailure::new(StatusCode::BAD_REQUEST, "job_id is a job's number"))
}

fn show_pool(pool: Pool) -> WorkerPool {
    WorkerPool {
        worker_pool_id: pool.node.clone(),
        pid: i64::from(pool.process),
        host: pool.node,
        concurrency: pool.workers.try_into().unwrap_or(i64::MAX),
        start_at: timestamp(pool.started_at),
        heartbeat_at: timestamp(pool.seen_at),
    }
}

fn show_worker(job: Job) -> Worker {
    let node = job.holder.unwrap_or_default();
    Worker {
        id: format!("{node}:{}", job.id),
        pool_id: node,
        job_name: job.kind.to_uppercase(),
        job_id: job.id.to_string(),
        check_in: job.progress.unwrap_or_default(),
        start_at: job.started_at.map(timestamp),
    }
}

fn show_schedule(schedule: Schedule) -> ScheduleTask {
    let digits: String = schedule.key.chars().filter(char::is_ascii_digit).collect();
    ScheduleTask {
        id: schedule.id,
        vendor_type: schedule.kind.to_uppercase(),
        vendor_id: digits.parse().unwrap_or(-1),
        key: schedule.key,
        cron: as_harbor_has_it(&schedule.cron).1.to_owned(),
        time_zone: schedule.time_zone,
        next_scheduled_time: schedule.next_at.map(timestamp),
        last_scheduled_time: schedule.last_at.map(timestamp),
        last_job_id: schedule.last_job,
        created_by: schedule.created_by,
        update_time: timestamp(schedule.updated_at),
    }
}
