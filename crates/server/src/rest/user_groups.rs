//! User groups over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::user_group::{UserGroup, UserGroupSearchItem};
use hythe_metadata::{Window, user_group};
use hythe_registry::user_groups::{CreateGroup, filter};
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created};
use crate::state::App;

/// Which groups.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GroupQuery {
    /// A part of the name.
    #[serde(default)]
    group_name: String,
    /// A directory's group: its distinguished name.
    #[serde(default)]
    ldap_group_dn: String,
}

/// Which groups to find.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// A part of the name.
    groupname: String,
}

/// `GET /usergroups?group_name=&ldap_group_dn=`.
#[utoipa::path(
    get, path = "/usergroups", tag = "usergroup", operation_id = "listUserGroups", params(ListQuery, GroupQuery),
    responses((status = 200, description = "A page", body = [UserGroup]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<GroupQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let (page, wanted) = (Page::of(&query)?, filter(&wanted.group_name, &wanted.ldap_group_dn));
    let (groups, total) = app.registry.list_user_groups(&permit, &wanted, window(&page)).await?;
    let shown: Vec<UserGroup> = groups.into_iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |group| group.id.to_string()))
}

/// `GET /usergroups/search?groupname=`: for everybody who is signed in, as they may want to give a group a role.
#[utoipa::path(
    get, path = "/usergroups/search", tag = "usergroup", operation_id = "searchUserGroups",
    params(ListQuery, SearchQuery),
    responses((status = 200, description = "A page", body = [UserGroupSearchItem]), Refusals)
)]
pub(super) async fn search(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
    Query(wanted): Query<SearchQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_self(&caller)?;
    let page = Page::of(&query)?;
    let (groups, total) = app.registry.search_user_groups(&permit, &wanted.groupname, window(&page)).await?;
    let item = |group: user_group::UserGroup| UserGroupSearchItem {
        id: group.id,
        group_name: group.name,
        group_type: group.kind,
    };
    let shown: Vec<UserGroupSearchItem> = groups.into_iter().map(item).collect();
    Ok(page.answer(shown, total, &uri, |group| group.id.to_string()))
}

/// `POST /usergroups`.
#[utoipa::path(
    post, path = "/usergroups", tag = "usergroup", operation_id = "createUserGroup", request_body = UserGroup,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<UserGroup>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let wanted =
        CreateGroup { name: wanted.group_name, kind: wanted.group_type, ldap_group_dn: wanted.ldap_group_dn };
    let made = app.registry.create_user_group(&permit, wanted).await?;
    Ok(created(&format!("/api/v2.0/usergroups/{}", made.id)))
}

/// `GET /usergroups/{group}`.
#[utoipa::path(
    get, path = "/usergroups/{group}", tag = "usergroup", operation_id = "getUserGroup",
    params(("group" = i64, Path, description = "The group's id")),
    responses((status = 200, description = "The group", body = UserGroup), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(group): Path<i64>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    Ok(axum::Json(show(app.registry.get_user_group(&permit, group).await?)).into_response())
}

/// `PUT /usergroups/{group}`: a new name.
#[utoipa::path(
    put, path = "/usergroups/{group}", tag = "usergroup", operation_id = "updateUserGroup",
    params(("group" = i64, Path, description = "The group's id")),
    request_body = UserGroup,
    responses((status = 200, description = "Renamed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(group): Path<i64>,
    Json(wanted): Json<UserGroup>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.rename_user_group(&permit, group, &wanted.group_name).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /usergroups/{group}`.
#[utoipa::path(
    delete, path = "/usergroups/{group}", tag = "usergroup", operation_id = "deleteUserGroup",
    params(("group" = i64, Path, description = "The group's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(group): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.delete_user_group(&permit, group).await?;
    Ok(StatusCode::OK)
}

fn window(page: &Page) -> Window<i64> {
    let after = page.after().and_then(|after| after.parse().ok()).unwrap_or(0);
    Window { after, skip: page.skip(), limit: page.limit() }
}

fn show(group: user_group::UserGroup) -> UserGroup {
    UserGroup {
        id: group.id,
        group_name: group.name,
        group_type: group.kind,
        ldap_group_dn: group.ldap_group_dn,
    }
}
