//! Personal tokens and sessions of the one who asks, over the API.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use hythe_api::token::{PersonalToken, PersonalTokenCreated, PersonalTokenReq, Session};
use hythe_metadata::{personal_token, session};
use hythe_registry::access::Through;
use hythe_registry::clock;
use hythe_registry::personal_tokens::WantedPersonalToken;

use super::robots::{parse_permissions, show_permissions};
use super::{Json, Path, Refusals, RestFailure, SignedIn, timestamp};
use crate::state::App;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// `GET /users/current/tokens`.
#[utoipa::path(
    get, path = "/users/current/tokens", tag = "token", operation_id = "listPersonalTokens",
    responses((status = 200, description = "All of them", body = [PersonalToken]), Refusals)
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_self(&caller)?;
    let tokens = app.registry.list_personal_tokens(&permit).await?;
    Ok(axum::Json(tokens.into_iter().map(show).collect::<Vec<_>>()).into_response())
}

/// `POST /users/current/tokens`.
#[utoipa::path(
    post, path = "/users/current/tokens", tag = "token", operation_id = "createPersonalToken",
    request_body = PersonalTokenReq,
    responses((status = 201, description = "Made; the secret is shown this once", body = PersonalTokenCreated), Refusals)
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Json(wanted): Json<PersonalTokenReq>,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_self(&caller)?;
    let wanted = WantedPersonalToken {
        name: wanted.name,
        expires_at: expiry(wanted.duration)?,
        permissions: wanted.permissions.map(parse_permissions).transpose()?,
    };
    let made = app.registry.create_personal_token(&permit, wanted).await?;
    let location = format!("/api/v2.0/users/current/tokens/{}", made.token.id);
    let shown = PersonalTokenCreated {
        id: made.token.id,
        name: made.token.name,
        secret: made.secret,
        expires_at: made.token.expires_at.map(timestamp),
    };
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, "no-store".to_owned())];
    Ok((StatusCode::CREATED, headers, axum::Json(shown)).into_response())
}

/// `DELETE /users/current/tokens/{token}`.
#[utoipa::path(
    delete, path = "/users/current/tokens/{token}", tag = "token", operation_id = "deletePersonalToken",
    params(("token" = i64, Path, description = "The token's id")),
    responses((status = 200, description = "Deleted"), Refusals)
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(token): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_self(&caller)?;
    app.registry.delete_personal_token(&permit, token).await?;
    Ok(StatusCode::OK)
}

/// `GET /users/current/sessions`.
#[utoipa::path(
    get, path = "/users/current/sessions", tag = "session", operation_id = "listSessions",
    responses((status = 200, description = "All that live", body = [Session]), Refusals)
)]
pub(super) async fn list_sessions(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
) -> Result<Response, RestFailure> {
    let permit = app.registry.permit_self(&caller)?;
    let sessions = app.registry.list_sessions(&permit).await?;
    let shown = sessions.into_iter().map(|session| show_session(session, &caller.through));
    Ok(axum::Json(shown.collect::<Vec<_>>()).into_response())
}

/// `DELETE /users/current/sessions/{session}`.
#[utoipa::path(
    delete, path = "/users/current/sessions/{session}", tag = "session", operation_id = "endSession",
    params(("session" = i64, Path, description = "The session's id")),
    responses((status = 200, description = "Ended"), Refusals)
)]
pub(super) async fn end_session(
    State(app): State<Arc<App>>,
    SignedIn(caller): SignedIn,
    Path(session): Path<i64>,
) -> Result<StatusCode, RestFailure> {
    let permit = app.registry.permit_self(&caller)?;
    app.registry.end_own_session(&permit, session).await?;
    Ok(StatusCode::OK)
}

fn expiry(days: Option<i64>) -> Result<Option<i64>, RestFailure> {
    match days {
        None | Some(-1) => Ok(None),
        Some(days) if (1..=36_500).contains(&days) => Ok(Some(clock::now() + days * DAY)),
        Some(days) => Err(RestFailure::new(
            StatusCode::BAD_REQUEST,
            format!("a token lives -1 (for ever) or 1 to 36500 days, not {days}"),
        )),
    }
}

fn show(token: personal_token::PersonalToken) -> PersonalToken {
    PersonalToken {
        id: token.id,
        name: token.name,
        permissions: token.permissions.as_deref().map(show_permissions),
        creation_time: timestamp(token.created_at),
        expires_at: token.expires_at.map(timestamp),
        last_used_time: token.used_at.map(timestamp),
        last_used_from: token.used_from,
    }
}

fn show_session(session: session::Session, through: &Through) -> Session {
    Session {
        id: session.id,
        current: *through == Through::Session(session.id),
        address: session.address,
        user_agent: session.user_agent,
        creation_time: timestamp(session.created_at),
        last_used_time: timestamp(session.seen_at),
        expires_at: timestamp(session.expires_at),
    }
}
