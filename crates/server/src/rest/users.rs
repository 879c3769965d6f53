//! Users over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::user::{
    PasswordReq, UserCreationReq, UserProfile, UserResp, UserSearchRespItem, UserSysAdminFlag,
};
use hythe_metadata::Window;
use hythe_metadata::project::Text;
use hythe_metadata::user::User;
use hythe_registry::access::Principal;
use hythe_registry::users::{CreateUser, Profile};
use serde::Deserialize;
use utoipa::IntoParams;

use super::page::{ListQuery, Page};
use super::query::{Filters, parse_sort};
use super::{Json, Path, Query, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// `GET /users`.
#[utoipa::path(
    get, path = "/users", tag = "user", operation_id = "listUsers",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [UserResp]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    let page = Page::of(&query)?;
    parse_sort(query.sort.as_deref(), &["username", "user_id", "creation_time"])?;
    let filters = Filters::parse(query.q.as_deref(), &["username", "email"])?;
    let name = match filters.text("username")? {
        Some((name, true)) => Text::Whole(name.to_owned()),
        Some((part, false)) => Text::Part(part.to_owned()),
        None => Text::Any,
    };
    let window = Window { after: page.after().unwrap_or_default(), skip: page.skip(), limit: page.limit() };
    let (users, total) = app.registry.list_users(&permit, &name, window).await?;
    let shown: Vec<UserResp> = users.iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |user| user.username.clone()))
}

/// What users are searched by.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SearchQuery {
    /// A part of the name.
    #[serde(default)]
    username: String,
}

/// `GET /users/search?username=`.
#[utoipa::path(
    get, path = "/users/search", tag = "user", operation_id = "searchUsers",
    params(ListQuery, SearchQuery),
    responses((status = 200, description = "A page", body = [UserSearchRespItem]), Refusals)
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
    let window = Window { after: page.after().unwrap_or_default(), skip: page.skip(), limit: page.limit() };
    let (users, total) = app.registry.search_users(&permit, &wanted.username, window).await?;
    let shown = users.into_iter().map(|user| UserSearchRespItem { user_id: user.id, username: user.name });
    Ok(page.answer(shown.collect(), total, &uri, |user| user.username.clone()))
}

/// `POST /users`: by whoever may make users, or by a stranger for themselves where that is allowed.
#[utoipa::path(
    post, path = "/users", tag = "user", operation_id = "createUser",
    request_body = UserCreationReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<UserCreationReq>,
) -> Result<Response, RestFailure> {
    let user = CreateUser {
        name: wanted.username,
        email: wanted.email,
        full_name: wanted.realname,
        password: wanted.password,
        administrator: false,
        comment: wanted.comment,
    };
    let made = match app.registry.permit_everywhere(&caller).await {
        Ok(permit) => app.registry.create_user(&permit, user).await?,
        Err(_) if caller.is_anonymous() && app.registry.allows_self_registration() => {
            app.registry.register_user(&caller, user).await?
        }
        Err(refusal) => return Err(refusal.into()),
    };
    Ok(created(&format!("/api/v2.0/users/{}", made.id)))
}

/// `GET /users/current`.
#[utoipa::path(
    get, path = "/users/current", tag = "user", operation_id = "getCurrentUserInfo",
    responses((status = 200, description = "The user", body = UserResp), Refusals)
)]
pub(super) async fn current(SignedIn(caller): SignedIn) -> Result<Response, RestFailure> {
    match &caller.principal {
        Principal::User(user) => Ok(axum::Json(show(user)).into_response()),
        Principal::Robot(_) => Err(RestFailure::new(
            StatusCode::PRECONDITION_FAILED,
            "robots are not users and have no such page",
        )),
        _ => {
            Err(RestFailure::new(StatusCode::UNAUTHORIZED, "sign in with a user name and password")
                .challenge())
        }
    }
}

/// `GET /users/{user}`.
#[utoipa::path(
    get, path = "/users/{user}", tag = "user", operation_id = "getUser",
    params(("user" = i64, Path, description = "The user's id")),
    responses((status = 200, description = "The user", body = UserResp), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(user): Path<i64>,
) -> Result<Response, RestFailure> {
    Ok(axum::Json(show(&app.registry.get_user(&caller, user).await?)).into_response())
}

/// `PUT /users/{user}`.
#[utoipa::path(
    put, path = "/users/{user}", tag = "user", operation_id = "updateUserProfile",
    params(("user" = i64, Path, description = "The user's id")),
    request_body = UserProfile,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn update(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(user): Path<i64>,
    Json(wanted): Json<UserProfile>,
) -> Result<StatusCode, RestFailure> {
    let profile = Profile { email: wanted.email, full_name: wanted.realname, comment: wanted.comment };
    app.registry.update_user_profile(&caller, user, profile).await?;
    Ok(StatusCode::OK)
}

/// `DELETE /users/{user}`.
#[utoipa::path(
    delete, path = "/users/{user}", tag = "user", operation_id = "deleteUser",
    params(("user" = i64, Path, description = "The user's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(user): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.delete_user(&permit, user).await?;
    Ok(StatusCode::OK)
}

/// `PUT /users/{user}/sysadmin`.
#[utoipa::path(
    put, path = "/users/{user}/sysadmin", tag = "user", operation_id = "setUserSysAdmin",
    params(("user" = i64, Path, description = "The user's id")),
    request_body = UserSysAdminFlag,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn set_administrator(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(user): Path<i64>,
    Json(wanted): Json<UserSysAdminFlag>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_everywhere(&caller).await?;
    app.registry.set_user_administrator(&permit, user, wanted.sysadmin_flag).await?;
    Ok(StatusCode::OK)
}

/// `PUT /users/{user}/password`.
#[utoipa::path(
    put, path = "/users/{user}/password", tag = "user", operation_id = "updateUserPassword",
    params(("user" = i64, Path, description = "The user's id")),
    request_body = PasswordReq,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(user): Path<i64>,
    Json(wanted): Json<PasswordReq>,
) -> Result<StatusCode, RestFailure> {
    let old = wanted.old_password.as_deref();
    app.registry.change_password(&caller, user, old, &wanted.new_password).await?;
    Ok(StatusCode::OK)
}

/// `PUT /users/{user}/cli_secret`: Harbor's secret for people who have no password here. Personal tokens are that.
#[utoipa::path(
    put, path = "/users/{user}/cli_secret", tag = "user", operation_id = "setCliSecret",
    params(("user" = i64, Path, description = "The user's id")),
    request_body = serde_json::Value,
    responses((status = 412, description = "There is none", body = hythe_api::error::Errors), Refusals)
)]
pub(super) async fn set_cli_secret(SignedIn(_): SignedIn, Path(_): Path<i64>) -> RestFailure {
    RestFailure::new(
        StatusCode::PRECONDITION_FAILED,
        "there is no CLI secret; make a personal token with POST /api/v2.0/users/current/tokens",
    )
}

fn show(user: &User) -> UserResp {
    UserResp {
        user_id: user.id,
        username: user.name.clone(),
        email: user.email.clone().unwrap_or_default(),
        realname: user.full_name.clone(),
        sysadmin_flag: user.administrator,
        admin_role_in_auth: user.administrator_by_group,
        comment: user.comment.clone(),
        source: user.source.clone(),
        disabled: user.disabled,
        creation_time: timestamp(user.created_at),
        update_time: timestamp(user.updated_at),
    }
}
