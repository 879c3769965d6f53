//! Users over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hythe_api::user::{PasswordReq, UserCreationReq, UserResp};
use hythe_metadata::user::User;
use hythe_registry::access::Principal;
use hythe_registry::users::CreateUser;

use super::{Administrator, Json, PageQuery, Path, Query, RestFailure, SignedIn, created, page, timestamp};
use crate::state::App;

/// `GET /users`.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Query(query): Query<PageQuery>,
) -> Result<Response, RestFailure> {
    let limit = query.limit();
    let users = app.registry.list_users(&permit, query.after.as_deref(), limit + 1).await?;
    let shown: Vec<UserResp> = users.iter().map(show).collect();
    Ok(page(shown, limit, "/users", |user| user.username.clone()))
}

/// `POST /users`.
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
pub(super) async fn read(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
) -> Result<Response, RestFailure> {
    let user = app.registry.get_user(&permit, &name).await?;
    Ok(axum::Json(show(&user)).into_response())
}

/// `DELETE /users/{user}`.
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Administrator(permit): Administrator,
    Path(name): Path<String>,
) -> Result<StatusCode, RestFailure> {
    app.registry.delete_user(&permit, &name).await?;
    Ok(StatusCode::OK)
}

/// `PUT /users/{user}/password`.
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
