//! Roles that an administrator made, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::role::{Role, RoleReq};
use hythe_metadata::custom_role::CustomRole;
use hythe_registry::roles::WantedRole;

use super::{Json, Path, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// `GET /roles`: a handful, so they come on one page.
#[utoipa::path(
    get, path = "/roles", tag = "role", operation_id = "listRoles",
    responses((status = 200, description = "All of them", body = [Role]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let roles: Vec<Role> = app.registry.list_roles(&permit).await?.into_iter().map(show).collect();
    Ok(axum::Json(roles).into_response())
}

/// `POST /roles`.
#[utoipa::path(
    post, path = "/roles", tag = "role", operation_id = "createRole",
    request_body = RoleReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<RoleReq>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let made = app.registry.create_role(&permit, parse(wanted)?).await?;
    Ok(created(&format!("/api/v2.0/roles/{}", made.id)))
}

/// `GET /roles/{role}`.
#[utoipa::path(
    get, path = "/roles/{role}", tag = "role", operation_id = "getRole",
    params(("role" = i64, Path, description = "The role's id")),
    responses((status = 200, description = "The role", body = Role), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(role): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show(app.registry.get_role(&permit, role).await?)).into_response())
}

/// `PUT /roles/{role}`.
#[utoipa::path(
    put, path = "/roles/{role}", tag = "role", operation_id = "updateRole",
    params(("role" = i64, Path, description = "The role's id")),
    request_body = RoleReq,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(role): Path<i64>,
    Json(wanted): Json<RoleReq>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.update_role(&permit, role, parse(wanted)?).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /roles/{role}`.
#[utoipa::path(
    delete, path = "/roles/{role}", tag = "role", operation_id = "deleteRole",
    params(("role" = i64, Path, description = "The role's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(role): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.delete_role(&permit, role).await?;
    Ok(StatusCode::OK)
}

fn parse(wanted: RoleReq) -> Result<WantedRole, RestFailure> {
    let permissions: Result<Vec<_>, String> = wanted.permissions.iter().map(|word| word.parse()).collect();
    let permissions = permissions.map_err(|message| RestFailure::new(StatusCode::BAD_REQUEST, message))?;
    Ok(WantedRole { name: wanted.name, description: wanted.description, permissions })
}

fn show(role: CustomRole) -> Role {
    Role {
        id: role.id,
        name: role.name,
        description: role.description,
        permissions: serde_json::from_str(&role.permissions).unwrap_or_default(),
        creation_time: timestamp(role.created_at),
        update_time: timestamp(role.updated_at),
    }
}
