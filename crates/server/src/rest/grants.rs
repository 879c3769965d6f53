//! Grants below the project over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use hythe_api::grant::{Grant, GrantReq};
use hythe_metadata::Window;
use hythe_metadata::grant::RepositoryGrant;
use hythe_registry::access::Permit;
use hythe_registry::access::rights::grant as right;
use hythe_registry::grants::WantedGrant;

use super::members::{entity, kind_and_id};
use super::page::{ListQuery, Page};
use super::place::permit_in;
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// `GET /projects/{project}/grants`.
#[utoipa::path(
    get, path = "/projects/{project}/grants", tag = "grant", operation_id = "listGrants",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery),
    responses((status = 200, description = "A page", body = [Grant]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::List, _> = permit_in(&app, &headers, &caller, &project).await?;
    let page = Page::of(&query)?;
    let after = page.after().and_then(|after| after.parse().ok()).unwrap_or(0);
    let window = Window { after, skip: page.skip(), limit: page.limit() };
    let (grants, total) = app.registry.list_grants(&permit, window).await?;
    let shown: Vec<Grant> = grants.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |grant| grant.id.to_string()))
}

/// `POST /projects/{project}/grants`.
#[utoipa::path(
    post, path = "/projects/{project}/grants", tag = "grant", operation_id = "createGrant",
    params(("project" = String, Path, description = "The project's id or name")),
    request_body = GrantReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Json(wanted): Json<GrantReq>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::Create, _> = permit_in(&app, &headers, &caller, &project).await?;
    let entity = entity(&app, &permit, wanted.member_user, wanted.member_group).await?;
    let grant = WantedGrant { entity, repository: wanted.repository, tag: wanted.tag, role: wanted.role_id };
    let id = app.registry.create_grant(&permit, grant).await?;
    Ok(created(&format!("/api/v2.0/projects/{}/grants/{id}", permit.project().id)))
}

/// `GET /projects/{project}/grants/{grant}`.
#[utoipa::path(
    get, path = "/projects/{project}/grants/{grant}", tag = "grant", operation_id = "getGrant",
    params(("project" = String, Path, description = "The project's id or name"), ("grant" = i64, Path, description = "The grant's id")),
    responses((status = 200, description = "The grant", body = Grant), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, grant)): Path<(String, i64)>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    Ok(axum::Json(show(app.registry.get_grant(&permit, grant).await?)).into_response())
}

/// `DELETE /projects/{project}/grants/{grant}`.
#[utoipa::path(
    delete, path = "/projects/{project}/grants/{grant}", tag = "grant", operation_id = "deleteGrant",
    params(("project" = String, Path, description = "The project's id or name"), ("grant" = i64, Path, description = "The grant's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, grant)): Path<(String, i64)>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.delete_grant(&permit, grant).await?;
    Ok(StatusCode::OK)
}

fn show(grant: RepositoryGrant) -> Grant {
    let (entity_type, entity_id) = kind_and_id(grant.entity);
    Grant {
        id: grant.part.id,
        project_id: grant.project_id,
        repository: grant.part.pattern(),
        tag: grant.part.tag_pattern,
        entity_name: grant.name,
        entity_type: entity_type.to_owned(),
        entity_id,
        role_id: grant.role,
        creation_time: timestamp(grant.created_at),
    }
}
