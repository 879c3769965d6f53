//! The audit log over the API.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header};
use hythe_api::audit::{AuditLogEventType, AuditLogExt};
use hythe_metadata::audit::{Event, Filter};
use hythe_registry::access::{Everywhere, Permit, system_rights};
use hythe_registry::audit::EVENT_TYPES;

use super::page::{ListQuery, Page};
use super::place::permit_in;
use super::query::{Filters, parse_sort};
use super::{Path, Query, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

type ListPermit = Permit<system_rights::audit_log::List, Everywhere>;

/// Events of an export that are read at once.
const BATCH: u32 = 1000;

/// What the log can be filtered by.
const FIELDS: &[&str] =
    &["username", "resource", "resource_type", "operation", "operation_result", "op_time", "project_id"];

/// `GET /auditlog-exts`, the newest first.
#[utoipa::path(
    get, path = "/auditlog-exts", tag = "auditlog", operation_id = "listAuditLogExts",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [AuditLogExt]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit: ListPermit = app.registry.permit_everywhere(&caller).await?;
    let (page, filter) = parse(&query)?;
    let (events, total) =
        app.registry.list_audit(&permit, &filter, before(&page), page.skip(), page.limit()).await?;
    Ok(answer(&page, events, total, &uri))
}

/// `GET /audit-logs`: the same under Harbor's older name.
#[utoipa::path(
    get, path = "/audit-logs", tag = "auditlog", operation_id = "listAuditLogs",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [AuditLogExt]), Refusals)
)]
pub(super) async fn list_by_old_name(
    state: State<Arc<App>>,
    caller: SignedIn,
    uri: OriginalUri,
    query: Query<ListQuery>,
) -> Result<Response, RestFailure> {
    list(state, caller, uri, query).await
}

/// `GET /projects/{project}/auditlog-exts`.
#[utoipa::path(
    get, path = "/projects/{project}/auditlog-exts", tag = "project", operation_id = "getLogExts",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery),
    responses((status = 200, description = "A page", body = [AuditLogExt]), Refusals)
)]
pub(super) async fn list_of_project(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    let (page, filter) = parse(&query)?;
    let (events, total) =
        app.registry.list_project_audit(&permit, &filter, before(&page), page.skip(), page.limit()).await?;
    Ok(answer(&page, events, total, &uri))
}

/// `GET /projects/{project}/logs`: the same under Harbor's older name.
#[utoipa::path(
    get, path = "/projects/{project}/logs", tag = "project", operation_id = "getLogs",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery),
    responses((status = 200, description = "A page", body = [AuditLogExt]), Refusals)
)]
pub(super) async fn list_of_project_by_old_name(
    state: State<Arc<App>>,
    caller: SignedIn,
    headers: HeaderMap,
    uri: OriginalUri,
    path: Path<String>,
    query: Query<ListQuery>,
) -> Result<Response, RestFailure> {
    list_of_project(state, caller, headers, uri, path, query).await
}

/// `GET /auditlog-exts/events`: what the log tells of.
#[utoipa::path(
    get, path = "/auditlog-exts/events", tag = "auditlog", operation_id = "listAuditLogEventTypes",
    responses((status = 200, description = "All of them", body = [AuditLogEventType]), Refusals)
)]
pub(super) async fn event_types(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, RestFailure> {
    let _: ListPermit = app.registry.permit_everywhere(&caller).await?;
    let types = EVENT_TYPES.iter().map(|kind| AuditLogEventType { event_type: (*kind).to_owned() });
    Ok(axum::Json(types.collect::<Vec<_>>()).into_response())
}

/// `GET /auditlog-exts/export`: all that the filter lets through, one JSON document a line, the newest first.
#[utoipa::path(
    get, path = "/auditlog-exts/export", tag = "auditlog", operation_id = "exportAuditLogExts",
    params(ListQuery),
    responses((status = 200, description = "JSON lines", body = String, content_type = "application/x-ndjson"), Refusals)
)]
pub(super) async fn export(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit: ListPermit = app.registry.permit_everywhere(&caller).await?;
    let (_, filter) = parse(&query)?;
    let lines = stream::try_unfold((app, permit, filter, Some(None)), next_lines);
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"hythe-audit.ndjson\""),
    ];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// The state of an export: where to go on, and nothing at its end.
type Export = (Arc<App>, ListPermit, Filter, Option<Option<i64>>);

async fn next_lines(state: Export) -> Result<Option<(Bytes, Export)>, hythe_registry::Error> {
    let (app, permit, filter, position) = state;
    let Some(before) = position else { return Ok(None) };
    let (events, _) = app.registry.list_audit(&permit, &filter, before, 0, BATCH).await?;
    let Some(last) = events.last().map(|event| event.id) else { return Ok(None) };
    let position = (events.len() == BATCH as usize).then_some(Some(last));
    let mut text = String::new();
    for event in events {
        text.push_str(&serde_json::to_string(&show(event)).unwrap_or_default());
        text.push('\n');
    }
    Ok(Some((Bytes::from(text), (app, permit, filter, position))))
}

fn parse(query: &ListQuery) -> Result<(Page, Filter), RestFailure> {
    let page = Page::of(query)?;
    parse_sort(query.sort.as_deref(), &["op_time", "id"])?;
    let filters = Filters::parse(query.q.as_deref(), FIELDS)?;
    let exact = |name| Ok::<_, RestFailure>(filters.exact(name)?.map(str::to_owned));
    let (from, until) = filters.times("op_time")?.unwrap_or((None, None));
    let filter = Filter {
        project_id: filters.number("project_id")?,
        actor: exact("username")?,
        resource_type: exact("resource_type")?,
        resource: exact("resource")?,
        operation: exact("operation")?,
        succeeded: filters.truth("operation_result")?,
        from,
        until,
    };
    Ok((page, filter))
}

fn before(page: &Page) -> Option<i64> {
    page.after().and_then(|after| after.parse().ok())
}

fn answer(page: &Page, events: Vec<Event>, total: i64, uri: &http::Uri) -> Response {
    let shown: Vec<AuditLogExt> = events.into_iter().map(show).collect();
    page.answer(shown, total, uri, |event| event.id.to_string())
}

fn show(row: Event) -> AuditLogExt {
    let event = row.event;
    let json = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
    AuditLogExt {
        id: row.id,
        username: event.actor,
        principal_type: event.actor_kind,
        through: event.through,
        client_address: event.address,
        user_agent: event.user_agent,
        request_id: event.request_id,
        project_id: event.project_id,
        resource: event.resource,
        resource_type: event.resource_type,
        operation: event.operation,
        operation_description: event.description,
        operation_result: event.succeeded,
        before: json(event.before),
        after: json(event.after),
        seal: row.seal,
        op_time: timestamp(event.at),
    }
}
