//! Audits of the storage over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::schedule::{ExecHistory, Schedule};
use hythe_api::storage_audit::{StorageAudit, StorageAuditCounts, StorageAuditReq};
use hythe_metadata::job::Job;
use hythe_registry::access::{Everywhere, Permit, system_rights::garbage_collection as right};
use hythe_registry::storage_audit::{Options, Position, StorageAuditChange};

use super::executions::{LOG_LINES, made, parameters, show_log, show_schedule, wanted};
use super::page::{ListQuery, Page};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// `POST /system/storage-audit`.
#[utoipa::path(
    post, path = "/system/storage-audit", tag = "gc", operation_id = "createStorageAudit",
    request_body = StorageAuditReq,
    responses((status = 201, description = "It is in the queue; `Location` names it"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<StorageAuditReq>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let id = app.registry.start_storage_audit(&permit, options(wanted)).await?;
    Ok(created(&format!("/api/v2.0/system/storage-audit/{id}")))
}

/// `GET /system/storage-audit/schedule`.
#[utoipa::path(
    get, path = "/system/storage-audit/schedule", tag = "gc", operation_id = "getStorageAuditSchedule",
    responses((status = 200, description = "The schedule; its type is None where there is none", body = ExecHistory), Refusals)
)]
pub(super) async fn read_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<ExecHistory>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show_schedule(app.registry.storage_audit_schedule(&permit).await?)))
}

/// `POST /system/storage-audit/schedule`: begins an audit at once, sets the schedule, or ends it.
#[utoipa::path(
    post, path = "/system/storage-audit/schedule", tag = "gc", operation_id = "createStorageAuditSchedule",
    request_body = Schedule,
    responses((status = 201, description = "Done; Location is the audit, if one was made"), Refusals)
)]
pub(super) async fn create_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(body): Json<Schedule>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::Create, Everywhere> = app.registry.permit_everywhere(&caller).await?;
    Ok(made("storage-audit", set(&app, &permit, body).await?))
}

/// `PUT /system/storage-audit/schedule`: the same for what is set already.
#[utoipa::path(
    put, path = "/system/storage-audit/schedule", tag = "gc", operation_id = "updateStorageAuditSchedule",
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
    permit: &Permit<impl StorageAuditChange, Everywhere>,
    body: Schedule,
) -> Result<Option<i64>, RestFailure> {
    let options = options(parameters(body.parameters)?);
    Ok(app.registry.schedule_storage_audits(permit, wanted(&body.schedule)?, options).await?)
}

fn options(wanted: StorageAuditReq) -> Options {
    let StorageAuditReq { repair, rehash, rate } = wanted;
    Options { repair, rehash, rate, ..Options::default() }
}

/// `GET /system/storage-audit`, the newest first.
#[utoipa::path(
    get, path = "/system/storage-audit", tag = "gc", operation_id = "listStorageAudits",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [StorageAudit]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let page = Page::of(&query)?;
    let (jobs, total) = app.registry.list_storage_audits(&permit, page.skip(), page.limit()).await?;
    Ok(page.answer(jobs.into_iter().map(show).collect(), total, &uri, |_| String::new()))
}

/// `GET /system/storage-audit/{audit}`.
#[utoipa::path(
    get, path = "/system/storage-audit/{audit}", tag = "gc", operation_id = "getStorageAudit",
    params(("audit" = i64, Path, description = "Its number")),
    responses((status = 200, description = "It", body = StorageAudit), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let job = app.registry.get_storage_audit(&permit, id).await?;
    Ok(axum::Json(show(job)).into_response())
}

/// `GET /system/storage-audit/{audit}/log`: a line for each fault.
#[utoipa::path(
    get, path = "/system/storage-audit/{audit}/log", tag = "gc", operation_id = "getStorageAuditLog",
    params(("audit" = i64, Path, description = "Its number")),
    responses((status = 200, description = "Lines", body = String, content_type = "text/plain"), Refusals)
)]
pub(super) async fn log(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(show_log(&app.registry.list_storage_audit_log(&permit, id, 0, LOG_LINES).await?))
}

fn show(job: Job) -> StorageAudit {
    let position = job.progress.as_deref().and_then(|text| serde_json::from_str::<Position>(text).ok());
    let counts = position.unwrap_or_default().counts;
    StorageAudit {
        id: job.id,
        state: job.state.as_str().to_owned(),
        message: job.message,
        parameters: serde_json::from_str(&job.payload).unwrap_or_default(),
        created_by: job.created_by,
        creation_time: timestamp(job.created_at),
        finish_time: job.finished_at.map(timestamp),
        counts: StorageAuditCounts {
            stored: counts.stored,
            stored_bytes: counts.stored_bytes,
            read_bytes: counts.read_bytes,
            orphans: counts.orphans,
            leftovers: counts.leftovers,
            missing: counts.missing,
            wrong_size: counts.wrong_size,
            rotten: counts.rotten,
            repaired: counts.repaired,
        },
    }
}
