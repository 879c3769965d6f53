//! The purge of the audit log over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::StatusCode;
use hythe_api::schedule::{ExecHistory, Schedule};
use hythe_registry::access::{Everywhere, Permit, system_rights::purge_audit as right};
use hythe_registry::audit::purge::{Purge, PurgeChange};
use hythe_registry::jobs::schedules::Wanted;

use super::executions::{LOG_LINES, made, parameters, show_job, show_log, show_schedule, wanted};
use super::page::{ListQuery, Page};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn};
use crate::state::App;

/// `GET /system/purgeaudit`: what was purged, the newest first.
#[utoipa::path(
    get, path = "/system/purgeaudit", tag = "purge", operation_id = "getPurgeHistory",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [ExecHistory]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let page = Page::of(&query)?;
    let (jobs, total) = app.registry.list_purges(&permit, page.skip(), page.limit()).await?;
    let shown: Vec<ExecHistory> = jobs.into_iter().map(show_job).collect();
    Ok(page.answer(shown, total, &uri, |_| String::new()))
}

/// `GET /system/purgeaudit/{purge_id}`.
#[utoipa::path(
    get, path = "/system/purgeaudit/{purge_id}", tag = "purge", operation_id = "getPurgeJob",
    params(("purge_id" = i64, Path, description = "The job's number")),
    responses((status = 200, description = "The purge", body = ExecHistory), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<axum::Json<ExecHistory>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show_job(app.registry.get_purge(&permit, id).await?)))
}

/// `PUT /system/purgeaudit/{purge_id}`: stops it.
#[utoipa::path(
    put, path = "/system/purgeaudit/{purge_id}", tag = "purge", operation_id = "stopPurge",
    params(("purge_id" = i64, Path, description = "The job's number")),
    responses((status = 200, description = "It ends, or has ended"), Refusals)
)]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.stop_purge(&permit, id).await?;
    Ok(StatusCode::OK)
}

/// `GET /system/purgeaudit/{purge_id}/log`.
#[utoipa::path(
    get, path = "/system/purgeaudit/{purge_id}/log", tag = "purge", operation_id = "getPurgeJobLog",
    params(("purge_id" = i64, Path, description = "The job's number")),
    responses((status = 200, description = "Its log", body = String, content_type = "text/plain"), Refusals)
)]
pub(super) async fn log(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(show_log(&app.registry.list_purge_log(&permit, id, 0, LOG_LINES).await?))
}

/// `GET /system/purgeaudit/schedule`.
#[utoipa::path(
    get, path = "/system/purgeaudit/schedule", tag = "purge", operation_id = "getPurgeSchedule",
    responses((status = 200, description = "The schedule; its type is None where there is none", body = ExecHistory), Refusals)
)]
pub(super) async fn read_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<ExecHistory>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show_schedule(app.registry.purge_schedule(&permit).await?)))
}

/// `POST /system/purgeaudit/schedule`: purges at once, sets the schedule, or ends it.
#[utoipa::path(
    post, path = "/system/purgeaudit/schedule", tag = "purge", operation_id = "createPurgeSchedule",
    request_body = Schedule,
    responses((status = 201, description = "Done; Location is the job, if one was made"), Refusals)
)]
pub(super) async fn create_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(body): Json<Schedule>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::Create, Everywhere> = app.registry.permit_everywhere(&caller).await?;
    Ok(made("purgeaudit", set(&app, &permit, body).await?))
}

/// `PUT /system/purgeaudit/schedule`: the same for what is set already.
#[utoipa::path(
    put, path = "/system/purgeaudit/schedule", tag = "purge", operation_id = "updatePurgeSchedule",
    request_body = Schedule,
    responses((status = 200, description = "Done"), Refusals)
)]
pub(super) async fn update_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(body): Json<Schedule>,
) -> Result<StatusCode, RestFailure> {
    let permit: Permit<right::Update, Everywhere> = app.registry.permit_everywhere(&caller).await?;
    set(&app, &permit, body).await?;
    Ok(StatusCode::OK)
}

async fn set(
    app: &App,
    permit: &Permit<impl PurgeChange, Everywhere>,
    body: Schedule,
) -> Result<Option<i64>, RestFailure> {
    let wanted = wanted(&body.schedule)?;
    let purge: Purge = match wanted {
        Wanted::Never => Purge::default(),
        _ => parameters(body.parameters)?,
    };
    Ok(app.registry.schedule_purge(permit, wanted, &purge).await?)
}
