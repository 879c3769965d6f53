//! Jobs over the API, in Hythe's own shape.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::StatusCode;
use hythe_api::job::Job;
use hythe_metadata::job::{self, Filter};

use super::executions::{LOG_LINES, show_log};
use super::page::{ListQuery, Page};
use super::query::{Filters, Wanted, parse_sort};
use super::{Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

const FIELDS: &[&str] = &["kind", "key", "state", "node"];

/// `GET /jobs`, the newest first.
#[utoipa::path(
    get, path = "/jobs", tag = "job", operation_id = "listJobs",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [Job]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let page = Page::of(&query)?;
    parse_sort(query.sort.as_deref(), &["id", "creation_time"])?;
    let filter = parse(query.q.as_deref())?;
    let before = page.after().and_then(|after| after.parse().ok());
    let (jobs, total) = app.registry.list_jobs(&permit, &filter, before, page.skip(), page.limit()).await?;
    let shown: Vec<Job> = jobs.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |job| job.id.to_string()))
}

/// `GET /jobs/{job}`.
#[utoipa::path(
    get, path = "/jobs/{job}", tag = "job", operation_id = "getJob",
    params(("job" = i64, Path, description = "The job's number")),
    responses((status = 200, description = "The job", body = Job), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<axum::Json<Job>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show(app.registry.get_job(&permit, id).await?)))
}

/// `PUT /jobs/{job}/stop`: stops it, or asks the node that is at it to end.
#[utoipa::path(
    put, path = "/jobs/{job}/stop", tag = "job", operation_id = "stopJob",
    params(("job" = i64, Path, description = "The job's number")),
    responses((status = 200, description = "Where it stands now", body = Job), Refusals)
)]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<axum::Json<Job>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.stop_job(&permit, id).await?;
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show(app.registry.get_job(&permit, id).await?)))
}

/// `GET /jobs/{job}/log`.
#[utoipa::path(
    get, path = "/jobs/{job}/log", tag = "job", operation_id = "getJobLog",
    params(("job" = i64, Path, description = "The job's number")),
    responses((status = 200, description = "Its log", body = String, content_type = "text/plain"), Refusals)
)]
pub(super) async fn log(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(show_log(&app.registry.list_job_log(&permit, id, 0, LOG_LINES).await?))
}

fn parse(q: Option<&str>) -> Result<Filter, RestFailure> {
    let filters = Filters::parse(q, FIELDS)?;
    let exact = |name| Ok::<_, RestFailure>(filters.exact(name)?.map(str::to_owned));
    let states = match filters.find("state") {
        None => Vec::new(),
        Some(Wanted::Any(words)) => words.clone(),
        Some(_) => filters.exact("state")?.map(str::to_owned).into_iter().collect(),
    };
    let state = |word: String| {
        word.parse().map_err(|error: String| RestFailure::new(StatusCode::BAD_REQUEST, format!("q: {error}")))
    };
    Ok(Filter {
        kind: exact("kind")?.map(|kind| kind.to_lowercase()),
        key: exact("key")?,
        states: states.into_iter().map(state).collect::<Result<_, _>>()?,
        holder: exact("node")?,
    })
}

pub(super) fn show(job: job::Job) -> Job {
    let json = |text: String| serde_json::from_str(&text).unwrap_or_default();
    Job {
        id: job.id,
        kind: job.kind.to_uppercase(),
        key: job.key.filter(|key| !key.is_empty()),
        state: job.state.to_string(),
        priority: job.priority,
        parameters: json(job.payload),
        progress: job.progress.map(json),
        message: job.message,
        attempts: job.attempts,
        max_attempts: job.max_attempts,
        node: job.holder,
        trigger: job.cause.as_str().to_owned(),
        created_by: job.created_by,
        creation_time: timestamp(job.created_at),
        run_after: timestamp(job.run_after),
        start_time: job.started_at.map(timestamp),
        end_time: job.finished_at.map(timestamp),
    }
}
