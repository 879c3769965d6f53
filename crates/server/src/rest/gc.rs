//! Garbage collection over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use hythe_api::gc::{GCHistory, GCSchedule, GCScheduleObj};
use hythe_metadata::job::{Cause, Job, State as JobState};
use hythe_metadata::schedule::Schedule;
use hythe_registry::access::system_rights::garbage_collection as right;
use hythe_registry::access::{Everywhere, Permit};
use hythe_registry::garbage_collection::{Collection, CollectionChange};
use hythe_registry::jobs::schedules::When;
use serde_json::{Map, Value};

use super::page::{ListQuery, Page};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// Harbor's words for the usual times, and the expressions that they stand for.
const USUAL: [(&str, &str); 3] =
    [("Hourly", "0 0 * * * *"), ("Daily", "0 0 0 * * *"), ("Weekly", "0 0 0 * * 0")];

/// `GET /system/gc`, the newest first.
#[utoipa::path(
    get, path = "/system/gc", tag = "gc", operation_id = "getGCHistory",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [GCHistory]), Refusals)
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
    let shown: Vec<GCHistory> = jobs.into_iter().map(show_job).collect();
    Ok(page.answer(shown, total, &uri, |_| String::new()))
}

/// `GET /system/gc/{gc_id}`.
#[utoipa::path(
    get, path = "/system/gc/{gc_id}", tag = "gc", operation_id = "getGC",
    params(("gc_id" = i64, Path, description = "The collection's number")),
    responses((status = 200, description = "The collection", body = GCHistory), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(id): Path<i64>,
) -> Result<axum::Json<GCHistory>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show_job(app.registry.get_collection(&permit, id).await?)))
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
    let mut text = String::new();
    for line in app.registry.collection_log(&permit, id).await? {
        text.push_str(&format!("{:.0} {}\n", timestamp(line.at), line.line));
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

/// `GET /system/gc/schedule`.
#[utoipa::path(
    get, path = "/system/gc/schedule", tag = "gc", operation_id = "getGCSchedule",
    responses((status = 200, description = "The schedule; its type is None where there is none", body = GCHistory), Refusals)
)]
pub(super) async fn read_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<axum::Json<GCHistory>, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let schedule = app.registry.collection_schedule(&permit).await?;
    Ok(axum::Json(schedule.map_or_else(no_schedule, show)))
}

/// `POST /system/gc/schedule`: collects at once, sets the schedule, or ends it.
#[utoipa::path(
    post, path = "/system/gc/schedule", tag = "gc", operation_id = "createGCSchedule",
    request_body = GCSchedule,
    responses((status = 201, description = "Done; Location is the collection, if one was made"), Refusals)
)]
pub(super) async fn create_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(body): Json<GCSchedule>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::Create, Everywhere> = app.registry.permit_everywhere(&caller).await?;
    let made = set(&app, &permit, body).await?;
    let last = made.map_or_else(|| "schedule".to_owned(), |id| id.to_string());
    Ok(created(&format!("/api/v2.0/system/gc/{last}")))
}

/// `PUT /system/gc/schedule`: the same for what is set already.
#[utoipa::path(
    put, path = "/system/gc/schedule", tag = "gc", operation_id = "updateGCSchedule",
    request_body = GCSchedule,
    responses((status = 200, description = "Done"), Refusals)
)]
pub(super) async fn update_schedule(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(body): Json<GCSchedule>,
) -> Result<StatusCode, RestFailure> {
    let permit: Permit<right::Update, Everywhere> = app.registry.permit_everywhere(&caller).await?;
    set(&app, &permit, body).await?;
    Ok(StatusCode::OK)
}

/// The number of the collection that was made, if it was to be at once.
async fn set(
    app: &App,
    permit: &Permit<impl CollectionChange, Everywhere>,
    body: GCSchedule,
) -> Result<Option<i64>, RestFailure> {
    let collection = parameters(&body.parameters)?;
    match when(&body.schedule)? {
        Wanted::Now => Ok(Some(app.registry.start_collection(permit, collection).await?.id())),
        Wanted::Never => {
            app.registry.schedule_collections(permit, None, collection).await?;
            Ok(None)
        }
        Wanted::At(when) => {
            app.registry.schedule_collections(permit, Some(when), collection).await?;
            Ok(None)
        }
    }
}

enum Wanted {
    Now,
    Never,
    At(When),
}

fn when(schedule: &GCScheduleObj) -> Result<Wanted, RestFailure> {
    let usual = USUAL.iter().find(|(kind, _)| *kind == schedule.kind);
    match (schedule.kind.as_str(), usual) {
        ("Manual", _) => Ok(Wanted::Now),
        ("None" | "", _) => Ok(Wanted::Never),
        (_, Some((_, cron))) if schedule.cron.is_empty() => Ok(Wanted::At(When::parse(cron, "")?)),
        (_, Some(_)) | ("Custom" | "Schedule", _) => Ok(Wanted::At(When::parse(&schedule.cron, "")?)),
        _ => Err(RestFailure::new(
            StatusCode::BAD_REQUEST,
            "schedule.type is Hourly, Daily, Weekly, Custom, Manual or None",
        )),
    }
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

fn show_job(job: Job) -> GCHistory {
    let (cause, word) = match job.cause {
        Cause::Manual => ("MANUAL", "Manual"),
        Cause::Schedule => ("SCHEDULE", "Schedule"),
        Cause::Event => ("EVENT", "Manual"),
    };
    GCHistory {
        id: job.id,
        job_name: job.kind.to_uppercase(),
        job_kind: cause.to_owned(),
        job_parameters: with_progress(job.payload, job.progress.as_deref()),
        job_status: status(job.state).to_owned(),
        deleted: false,
        schedule: GCScheduleObj { kind: word.to_owned(), ..GCScheduleObj::default() },
        creation_time: timestamp(job.created_at),
        update_time: timestamp(job.finished_at.or(job.started_at).unwrap_or(job.created_at)),
    }
}

/// Harbor writes what a collection did beside what it was to do.
fn with_progress(payload: String, progress: Option<&str>) -> String {
    let map = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let Some(progress) = progress else { return payload };
    let mut all = map(&payload);
    all.extend(map(progress));
    Value::Object(all).to_string()
}

fn status(state: JobState) -> &'static str {
    match state {
        JobState::Pending => "Pending",
        JobState::Running | JobState::Stopping => "Running",
        JobState::Succeeded => "Success",
        JobState::Failed => "Error",
        JobState::Stopped => "Stopped",
    }
}

fn no_schedule() -> GCHistory {
    let none = GCScheduleObj { kind: "None".to_owned(), ..GCScheduleObj::default() };
    GCHistory { schedule: none, ..GCHistory::default() }
}

fn show(schedule: Schedule) -> GCHistory {
    let usual = USUAL.iter().find(|(_, cron)| *cron == schedule.cron);
    let kind = usual.map_or("Custom", |(kind, _)| kind);
    GCHistory {
        id: schedule.id,
        job_name: String::new(),
        job_kind: schedule.cron.clone(),
        job_parameters: schedule.payload,
        job_status: String::new(),
        deleted: false,
        schedule: GCScheduleObj {
            kind: kind.to_owned(),
            cron: schedule.cron,
            next_scheduled_time: schedule.next_at.map(timestamp),
        },
        creation_time: timestamp(schedule.created_at),
        update_time: timestamp(schedule.updated_at),
    }
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
