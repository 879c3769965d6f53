//! Users over the API.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::user::{PasswordReq, UserCreationReq, UserResp};
use hythe_metadata::Window;
use hythe_metadata::user::User;
use hythe_registry::access::Principal;
use hythe_registry::users::CreateUser;

use super::page::{ListQuery, Page};
use super::{Administrator, Json, Path, Query, Refusals, RestFailure, SignedIn, created, timestamp};
use crate::state::App;

/// `GET /users`.
#[utoipa::path(
    get, path = "/users", tag = "user", operation_id = "listUsers",
    params(ListQuery),
    responses((status = 200, description = "A page", body = [UserResp]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    OriginalUri(uri): OriginalUri,
    Query(query): Query<ListQuery>,
) -> Result<Response, RestFailure> {
    let page = Page::of(&query)?;
    let window = Window { after: page.after().unwrap_or_default(), skip: page.skip(), limit: page.limit() };
    let (users, total) = app.registry.list_users(&permit, window).await?;
    let shown: Vec<UserResp> = users.iter().map(show).collect();
    Ok(page.answer(shown, total, &uri, |user| user.username.clone()))
}

/// `POST /users`.
#[utoipa::path(
    post, path = "/users", tag = "user", operation_id = "createUser",
    request_body = UserCreationReq,
    responses((status = 201, description = "Made; Location tells where"), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Json(wanted): Json<UserCreationReq>,
) -> Result<Response, RestFailure> {
    let user = CreateUser {
        name: wanted.username,
        email: wanted.email,
        full_name: wanted.realname,
        password: wanted.password,
        administrator: false,
    };
    let made = app.registry.create_user(&permit, user).await?;
    Ok(created(&format!("/api/v2.0/users/{}", made.name)))
}

/// `GET /users/current`.
#[utoipa::path(
    get, path = "/users/current", tag = "user", operation_id = "getCurrentUserInfo",
    responses((status = 200, description = "The user", body = UserResp), Refusals)
)]
pub(super) async fn current(SignedIn(caller): SignedIn) -> Result<Response, RestFailure> {
    match &caller.principal {
        Principal::User(user) => Ok(axum::Json(show(user)).into_response()),
        _ => {
            Err(RestFailure::new(StatusCode::UNAUTHORIZED, "sign in with a user name and password")
                .challenge())
        }
    }
}

/// `GET /users/{user}`, by name.
#[utoipa::path(
    get, path = "/users/{user}", tag = "user", operation_id = "getUser",
    params(("user" = String, Path, description = "The user's name")),
    responses((status = 200, description = "The user", body = UserResp), Refusals)
)]
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
) -> Result<Response, RestFailure> {
    let user = app.registry.get_user(&permit, &name).await?;
    Ok(axum::Json(show(&user)).into_response())
}

/// `DELETE /users/{user}`.
#[utoipa::path(
    delete, path = "/users/{user}", tag = "user", operation_id = "deleteUser",
    params(("user" = String, Path, description = "The user's name")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
) -> Result<StatusCode, RestFailure> {
    app.registry.delete_user(&permit, &name).await?;
    Ok(StatusCode::OK)
}

/// `PUT /users/{user}/password`.
#[utoipa::path(
    put, path = "/users/{user}/password", tag = "user", operation_id = "updateUserPassword",
    params(("user" = String, Path, description = "The user's name")),
    request_body = PasswordReq,
    responses((status = 200, description = "Changed"), Refusals)
)]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
    Json(wanted): Json<PasswordReq>,
) -> Result<StatusCode, RestFailure> {
    app.registry.change_password(&permit, &name, &wanted.new_password).await?;
    Ok(StatusCode::OK)
}

fn show(user: &User) -> UserResp {
    UserResp {
        user_id: user.id,
        username: user.name.clone(),
        email: user.email.clone().unwrap_or_default(),
        realname: user.full_name.clone(),
        sysadmin_flag: user.administrator,
        admin_role_in_auth: user.administrator_by_group,
        creation_time: timestamp(user.created_at),
    }
}
