//! Identity sources over the API: Hythe's own, for more directories and providers than Harbor's keys can name.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::identity_source::{IdentitySource, IdentitySourceReq, IdentitySourceUpdate};
use hythe_metadata::identity_source;
use hythe_registry::sources::SourceKind;
use hythe_registry::sources::manage::{CreateSource, UpdateSource, shown};

use super::{Json, Path, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// `GET /identity-sources`: a handful, so they come on one page, in the order in which they are asked.
#[utoipa::path(
    get, path = "/identity-sources", tag = "identity-source", operation_id = "listIdentitySources",
    responses((status = 200, description = "All of them, in their order", body = [IdentitySource]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let rows = app.registry.list_sources(&permit).await?;
    let sources = rows.into_iter().map(show).collect::<Result<Vec<_>, _>>()?;
    Ok(axum::Json(sources).into_response())
}

/// `POST /identity-sources`.
#[utoipa::path(
    post, path = "/identity-sources", tag = "identity-source", operation_id = "createIdentitySource",
    request_body = IdentitySourceReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<IdentitySourceReq>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let wanted = CreateSource {
        kind: SourceKind::parse(&wanted.kind)?,
        name: wanted.name,
        position: wanted.position,
        enabled: wanted.enabled,
        settings: wanted.settings,
    };
    let made = app.registry.create_source(&permit, wanted).await?;
    Ok(created(&format!("/api/v2.0/identity-sources/{}", made.id)))
}

/// `GET /identity-sources/{source}`.
#[utoipa::path(
    get, path = "/identity-sources/{source}", tag = "identity-source", operation_id = "getIdentitySource",
    params(("source" = i64, Path, description = "The source's id")),
    responses((status = 200, description = "The source", body = IdentitySource), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(source): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show(app.registry.get_source(&permit, source).await?)?).into_response())
}

/// `PUT /identity-sources/{source}`.
#[utoipa::path(
    put, path = "/identity-sources/{source}", tag = "identity-source", operation_id = "updateIdentitySource",
    params(("source" = i64, Path, description = "The source's id")),
    request_body = IdentitySourceUpdate,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(source): Path<i64>,
    Json(wanted): Json<IdentitySourceUpdate>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let IdentitySourceUpdate { position, enabled, settings } = wanted;
    app.registry.update_source(&permit, source, UpdateSource { position, enabled, settings }).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /identity-sources/{source}`.
#[utoipa::path(
    delete, path = "/identity-sources/{source}", tag = "identity-source", operation_id = "deleteIdentitySource",
    params(("source" = i64, Path, description = "The source's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(source): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.delete_source(&permit, source).await?;
    Ok(StatusCode::OK)
}

/// `POST /identity-sources/{source}/ping`: 200 if it works, perhaps with the changes of the body.
#[utoipa::path(
    post, path = "/identity-sources/{source}/ping", tag = "identity-source", operation_id = "pingIdentitySource",
    params(("source" = i64, Path, description = "The source's id")),
    request_body = IdentitySourceUpdate,
    responses((status = 200, description = "It works"), Refusals)
)]
pub(super) async fn ping(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(source): Path<i64>,
    Json(changes): Json<IdentitySourceUpdate>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.try_source(&permit, source, changes.settings).await?;
    Ok(StatusCode::OK)
}

fn show(row: identity_source::IdentitySource) -> Result<IdentitySource, RestFailure> {
    let (settings, secrets_set) = shown(&row)?;
    Ok(IdentitySource {
        id: row.id,
        name: row.name,
        kind: row.kind,
        position: row.position,
        enabled: row.enabled,
        settings,
        secrets_set: secrets_set.into_iter().map(str::to_owned).collect(),
        creation_time: timestamp(row.created_at),
        update_time: timestamp(row.updated_at),
    })
}
