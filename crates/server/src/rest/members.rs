//! Members of a project over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use hythe_api::member::{ProjectMember, ProjectMemberEntity, RoleRequest, UserEntity, UserGroupEntity};
use hythe_metadata::Window;
use hythe_metadata::member::{Entity, Member};
use hythe_registry::access::rights::member as right;
use hythe_registry::access::{BuiltIn, Permit};
use hythe_registry::user_groups::CreateGroup;

use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::place::permit_in;
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created};
use crate::state::App;

/// What members can be listed with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct MembersQuery {
    /// A part of the name.
    entityname: Option<String>,
}

/// `GET /projects/{project}/members?entityname=`.
#[utoipa::path(
    get, path = "/projects/{project}/members", tag = "member", operation_id = "listProjectMembers",
    params(("project" = String, Path, description = "The project's id or name"), ListQuery, MembersQuery),
    responses((status = 200, description = "A page", body = [ProjectMemberEntity]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(project): Path<String>,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<MembersQuery>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::List, _> = permit_in(&app, &headers, &caller, &project).await?;
    let page = Page::of(&query)?;
    let window = Window { after: after(page.after()), skip: page.skip(), limit: page.limit() };
    let part = wanted.entityname.as_deref().unwrap_or_default();
    let (members, total) = app.registry.list_members(&permit, part, window).await?;
    let shown: Vec<ProjectMemberEntity> = members.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |member| format!("{}/{}", member.entity_name, member.id)))
}

/// `POST /projects/{project}/members`.
#[utoipa::path(
    post, path = "/projects/{project}/members", tag = "member", operation_id = "createProjectMember",
    params(("project" = String, Path, description = "The project's id or name")),
    request_body = ProjectMember,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path(project): Path<String>,
    Json(wanted): Json<ProjectMember>,
) -> Result<Response, RestFailure> {
    let permit: Permit<right::Create, _> = permit_in(&app, &headers, &caller, &project).await?;
    let entity = entity(&app, &permit, wanted.member_user, wanted.member_group).await?;
    let id = app.registry.create_member(&permit, entity, wanted.role_id).await?;
    Ok(created(&format!("/api/v2.0/projects/{}/members/{id}", permit.project().id)))
}

/// `GET /projects/{project}/members/{member}`.
#[utoipa::path(
    get, path = "/projects/{project}/members/{member}", tag = "member", operation_id = "getProjectMember",
    params(("project" = String, Path, description = "The project's id or name"), ("member" = i64, Path, description = "The membership's id")),
    responses((status = 200, description = "The member", body = ProjectMemberEntity), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, member)): Path<(String, i64)>,
) -> Result<Response, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    Ok(axum::Json(show(app.registry.get_member(&permit, member).await?)).into_response())
}

/// `PUT /projects/{project}/members/{member}`.
#[utoipa::path(
    put, path = "/projects/{project}/members/{member}", tag = "member", operation_id = "updateProjectMember",
    params(("project" = String, Path, description = "The project's id or name"), ("member" = i64, Path, description = "The membership's id")),
    request_body = RoleRequest,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, member)): Path<(String, i64)>,
    Json(wanted): Json<RoleRequest>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.update_member(&permit, member, wanted.role_id).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /projects/{project}/members/{member}`.
#[utoipa::path(
    delete, path = "/projects/{project}/members/{member}", tag = "member", operation_id = "deleteProjectMember",
    params(("project" = String, Path, description = "The project's id or name"), ("member" = i64, Path, description = "The membership's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    headers: HeaderMap,
    Path((project, member)): Path<(String, i64)>,
) -> Result<StatusCode, RestFailure> {
    let permit = permit_in(&app, &headers, &caller, &project).await?;
    app.registry.delete_member(&permit, member).await?;
    Ok(StatusCode::OK)
}

/// Whom a request names. A group that is named by its DN, or by name and type, is made if nobody of it has signed in yet.
pub(super) async fn entity<R, P>(
    app: &App,
    permit: &Permit<R, P>,
    user: Option<UserEntity>,
    group: Option<UserGroupEntity>,
) -> Result<Entity, RestFailure> {
    // The Terraform provider sends both and leaves one empty.
    let user = user.filter(|user| *user != UserEntity::default());
    let group = group.filter(|group| *group != UserGroupEntity::default());
    match (user, group) {
        (Some(UserEntity { user_id: Some(id), .. }), None) if id > 0 => Ok(Entity::User(id)),
        (Some(UserEntity { username: Some(name), .. }), None) => {
            Ok(app.registry.get_entity_of_user(&name).await?)
        }
        (None, Some(UserGroupEntity { id: Some(id), .. })) if id > 0 => Ok(Entity::Group(id)),
        (None, Some(group)) => {
            let wanted = CreateGroup {
                name: group.group_name.unwrap_or_default(),
                kind: group.group_type.and_then(|kind| kind.try_into().ok()).unwrap_or_default(),
                ldap_group_dn: group.ldap_group_dn.unwrap_or_default(),
            };
            Ok(Entity::Group(app.registry.ensure_user_group(permit, wanted).await?))
        }
        _ => Err(RestFailure::new(
            StatusCode::BAD_REQUEST,
            "name one user (member_user with user_id or username) or one group (member_group with id, or with \
             group_type and group_name or ldap_group_dn)",
        )),
    }
}

/// `u` or `g`, and the id.
pub(super) fn kind_and_id(entity: Entity) -> (&'static str, i64) {
    match entity {
        Entity::User(id) => ("u", id),
        Entity::Group(id) => ("g", id),
    }
}

/// `name/id` of the last member seen.
fn after(cursor: Option<&str>) -> (&str, i64) {
    let parts = cursor.and_then(|cursor| cursor.rsplit_once('/'));
    parts.and_then(|(name, id)| Some((name, id.parse().ok()?))).unwrap_or(("", 0))
}

fn show(member: Member) -> ProjectMemberEntity {
    let (entity_type, entity_id) = kind_and_id(member.entity);
    ProjectMemberEntity {
        id: member.id,
        project_id: member.project_id,
        entity_name: member.name,
        entity_type: entity_type.to_owned(),
        entity_id,
        role_id: member.role,
        role_name: BuiltIn::from_id(member.role).map_or("custom", BuiltIn::name).to_owned(),
    }
}
