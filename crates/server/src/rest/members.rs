//! Members of a project over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use hythe_api::member::{ProjectMember, ProjectMemberEntity};
use hythe_registry::access::Role;

use super::projects::parse_name;
use super::{Administrator, Json, PageQuery, Path, Query, RestFailure, created, page};
use crate::state::App;

/// `GET /projects/{project}/members`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(project): Path<String>,
    Query(query): Query<PageQuery>,
) -> Result<Response, RestFailure> {
    let limit = query.limit();
    let members =
        app.registry.list_members(&permit, &parse_name(&project)?, query.after.as_deref(), limit + 1).await?;
    let shown: Vec<ProjectMemberEntity> = members
        .into_iter()
        .map(|member| ProjectMemberEntity {
            id: member.user_id,
            project_id: member.project_id,
            entity_name: member.user_name,
            entity_type: "u".to_owned(),
            entity_id: member.user_id,
            role_id: member.role,
            role_name: Role::from_id(member.role).map_or("unknown", Role::name).to_owned(),
        })
        .collect();
    Ok(page(shown, limit, &format!("/projects/{project}/members"), |member| member.entity_name.clone()))
}

/// `POST /projects/{project}/members`.
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(project): Path<String>,
    Json(wanted): Json<ProjectMember>,
) -> Result<Response, RestFailure> {
    let role = Role::from_id(wanted.role_id).ok_or_else(|| {
        RestFailure::new(
            StatusCode::BAD_REQUEST,
            format!(
                "role_id {} is not known; 1 projectAdmin, 2 developer, 3 guest, 4 maintainer, 5 limitedGuest",
                wanted.role_id
            ),
        )
    })?;
    let user = wanted.member_user.username;
    app.registry.set_member(&permit, &parse_name(&project)?, &user, role).await?;
    Ok(created(&format!("/api/v2.0/projects/{project}/members/{user}")))
}

/// `DELETE /projects/{project}/members/{user}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path((project, user)): Path<(String, String)>,
) -> Result<StatusCode, RestFailure> {
    app.registry.remove_member(&permit, &parse_name(&project)?, &user).await?;
    Ok(StatusCode::OK)
}
