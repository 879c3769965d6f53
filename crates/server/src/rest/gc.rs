//! Garbage collection over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::StatusCode;
use hythe_api::schedule::{ExecHistory, Schedule};
use hythe_metadata::job::Job;
use hythe_registry::access::system_rights::garbage_collection as right;
use hythe_registry::access::{Everywhere, Permit};
use hythe_registry::garbage_collection::{Collection, CollectionChange};
use hythe_registry::jobs::schedules::Wanted;
use serde_json::{Map, Value};

use super::executions::{made, show_job, show_log, show_schedule, wanted};
use super::page::{ListQuery, Page};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn};
use crate::state::App;

/// `GET /system/gc`, the newest first.
#[utoipa::path(
    get, path = "/system/gc", tag = "gc", operation_id = "getGCHistory",
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
    let (jobs, total) = app.registry.list_collections(&permit, page.skip(), page.limit()).await?;
    let shown: Vec<ExecHistory> = jobs.into_iter().map(show_collection).collect();
    Ok(page.answer(shown, total, &uri, |_| String::new()))
}

/// `GET /system/gc/{gc_id}`.
#[utoipa::path(
    get, path = "/system/gc/{gc_id}", tag = "gc", operation_id = "getGC",
    params(("gc_id" = i64, Path, description = "The collection's number")),
    responses((status = 200, description = "The collection", body = ExecHistory), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<axum::Json<ExecHistory>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show_collection(app.registry.get_collection(&permit, id).await?)))
}

/// `PUT /system/gc/{gc_id}`: stops it. What it has done stays done.
#[utoipa::path(
    put, path = "/system/gc/{gc_id}", tag = "gc", operation_id = "stopGC",
    params(("gc_id" = i64, Path, description = "The collection's number")),
    responses((status = 200, description = "It ends, or has ended"), Refusals)
)]
pub(super) async fn stop(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.stop_collection(&permit, id).await?;
    Ok(StatusCode::OK)
}

/// `GET /system/gc/{gc_id}/log`: what went and why, a line each with its time before it.
#[utoipa::path(
    get, path = "/system/gc/{gc_id}/log", tag = "gc", operation_id = "getGCLog",
    params(("gc_id" = i64, Path, description = "The collection's number")),
    responses((status = 200, description = "Its log", body = String, content_type = "text/plain"), Refusals)
)]
pub(super) async fn log(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(show_log(&app.registry.collection_log(&permit, id).await?))
}

/// `GET /system/gc/schedule`.
#[utoipa::path(
    get, path = "/system/gc/schedule", tag = "gc", operation_id = "getGCSchedule",
    responses((status = 200, description = "The schedule; its type is None where there is none", body = ExecHistory), Refusals)
)]
pub(super) async fn read_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<ExecHistory>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show_schedule(app.registry.collection_schedule(&permit).await?)))
}

/// `POST /system/gc/schedule`: collects at once, sets the schedule, or ends it.
#[utoipa::path(
    post, path = "/system/gc/schedule", tag = "gc", operation_id = "createGCSchedule",
    request_body = Schedule,
    responses((status = 201, description = "Done; Location is the collection, if one was made"), Refusals)
)]
pub(super) async fn create_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(body): Json<Schedule>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::Create, Everywhere> = app.registry.permit_everywhere(&caller).await?;
    Ok(made("gc", set(&app, &permit, body).await?))
}

/// `PUT /system/gc/schedule`: the same for what is set already.
#[utoipa::path(
    put, path = "/system/gc/schedule", tag = "gc", operation_id = "updateGCSchedule",
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

/// The number of the collection that was made, if it was to be at once.
async fn set(
    app: &App,
    permit: &Permit<impl CollectionChange, Everywhere>,
    body: Schedule,
) -> Result<Option<i64>, RestFailure> {
    let collection = parameters(&body.parameters)?;
    let when = match wanted(&body.schedule)? {
        Wanted::Now => return Ok(Some(app.registry.start_collection(permit, collection).await?.id())),
        Wanted::Never => None,
        Wanted::At(when) => Some(when),
    };
    app.registry.schedule_collections(permit, when, collection).await?;
    Ok(None)
}

/// Harbor's clients write truth as a boolean or as its text.
fn parameters(given: &Map<String, Value>) -> Result<Collection, RestFailure> {
    let truth = |name: &str| match given.get(name) {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(truth)) => Ok(*truth),
        Some(Value::String(text)) if text == "true" => Ok(true),
        Some(Value::String(text)) if text == "false" => Ok(false),
        Some(_) => {
            Err(RestFailure::new(StatusCode::BAD_REQUEST, format!("parameters.{name} is true or false")))
        }
    };
    Ok(Collection { delete_untagged: truth("delete_untagged")?, dry_run: truth("dry_run")? })
}

fn show_collection(job: Job) -> ExecHistory {
    let job_parameters = with_progress(job.payload.clone(), job.progress.as_deref());
    ExecHistory { job_parameters, ..show_job(job) }
}

/// Harbor writes what a collection did beside what it was to do.
fn with_progress(payload: String, progress: Option<&str>) -> String {
    let map = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let Some(progress) = progress else { return payload };
    let mut all = map(&payload);
    all.extend(map(progress));
    Value::Object(all).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_as_harbors_clients_write_them() {
        let read = |text: &str| parameters(&serde_json::from_str(text).unwrap());
        let both = Collection { delete_untagged: true, dry_run: true };
        assert_eq!(read(r#"{"delete_untagged":true,"dry_run":"true","workers":3}"#).ok(), Some(both));
        assert_eq!(read(r#"{"dry_run":null}"#).ok(), Some(Collection::default()));
        assert!(read(r#"{"dry_run":1}"#).is_err());
    }

    #[test]
    fn what_was_done_stands_beside_what_was_to_be_done() {
        let shown = with_progress(r#"{"dry_run":true}"#.to_owned(), Some(r#"{"blobs":3}"#));
        assert_eq!(shown, r#"{"blobs":3,"dry_run":true}"#);
        assert_eq!(with_progress("{}".to_owned(), None), "{}");
    }
}
