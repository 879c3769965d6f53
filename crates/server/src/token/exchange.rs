//! A token of somebody else's for one of ours: `POST /service/token` with a token exchange (RFC 8693) or an assertion
//! (RFC 7523). The client's id is the robot's full name.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use hythe_registry::error::Kind;
use hythe_registry::{Caller, Error, Origin};
use serde_json::json;

use super::{Parameters, body};
use crate::answer::Failure;
use crate::state::App;

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ASSERTION: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What an ID token may be called (RFC 8693 section 3).
const SUBJECT_TYPES: &[&str] =
    &["urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt"];
/// What our tokens may be called.
const REQUESTED_TYPES: &[&str] = &[ACCESS_TOKEN, "urn:ietf:params:oauth:token-type:jwt"];

/// How somebody else's token comes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Grant {
    /// RFC 8693.
    TokenExchange,
    /// RFC 7523.
    Assertion,
}

impl Grant {
    pub(super) fn of(grant_type: &str) -> Option<Grant> {
        match grant_type {
            TOKEN_EXCHANGE => Some(Grant::TokenExchange),
            ASSERTION => Some(Grant::Assertion),
            _ => None,
        }
    }

    /// The error of a token that is not taken (RFC 8693 section 2.2.2, RFC 7523 section 3.1).
    fn not_taken(self) -> &'static str {
        match self {
            Grant::TokenExchange => "invalid_request",
            Grant::Assertion => "invalid_grant",
        }
    }
}

/// Who the form says is calling, and what the answer is; refusals are in the words of OAuth 2.0 (RFC 6749 section 5.2)
/// and in those of this registry's other answers.
pub(super) async fn exchange(
    app: &App,
    grant: Grant,
    parameters: &Parameters,
    origin: &Arc<Origin>,
    tell: impl FnOnce(&Caller),
) -> Response {
    let (robot, token) = match read(grant, parameters) {
        Ok(given) => given,
        Err(message) => return invalid(&message),
    };
    let issued = async {
        let caller = app.registry.sign_in_with_id_token(robot, token, origin).await?;
        tell(&caller);
        app.registry.issue_token(&caller, &parameters.scopes(), false).await
    };
    match issued.await {
        Ok(issued) => {
            let mut body = body(issued, true);
            if grant == Grant::TokenExchange {
                body["issued_token_type"] = json!(ACCESS_TOKEN);
            }
            ([(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
        }
        Err(error) => refused(error, grant),
    }
}

/// The robot's name and the token.
fn read(grant: Grant, parameters: &Parameters) -> Result<(&str, &str), String> {
    let required = |name| parameters.first(name).filter(|value| !value.is_empty());
    let lacks = |name: &str| format!("the form lacks {name}");
    let token = match grant {
        Grant::Assertion => required("assertion").ok_or_else(|| lacks("assertion"))?,
        Grant::TokenExchange => {
            one_of(parameters, "subject_token_type", SUBJECT_TYPES, true)?;
            one_of(parameters, "requested_token_type", REQUESTED_TYPES, false)?;
            if parameters.first("actor_token").is_some() {
                return Err("actor_token is not supported; send subject_token alone".to_owned());
            }
            required("subject_token").ok_or_else(|| lacks("subject_token"))?
        }
    };
    let robot = required("client_id").ok_or_else(|| lacks("client_id, the robot's full name"))?;
    Ok((robot, token))
}

fn one_of(parameters: &Parameters, name: &str, known: &[&str], required: bool) -> Result<(), String> {
    match parameters.first(name) {
        None if !required => Ok(()),
        Some(given) if known.contains(&given) => Ok(()),
        _ => Err(format!("{name} must be {}", known.join(" or "))),
    }
}

fn refused(error: Error, grant: Grant) -> Response {
    let (status, word) = match error.kind() {
        Kind::Unauthenticated => (StatusCode::BAD_REQUEST, grant.not_taken()),
        Kind::Unavailable | Kind::TooMany | Kind::Full => (status_of(&error), "temporarily_unavailable"),
        Kind::Internal => (status_of(&error), "server_error"),
        _ => (StatusCode::BAD_REQUEST, "invalid_request"),
    };
    let document = document(word, error.code().as_str(), error.message());
    let mut response = Failure::from(error).into_response();
    *response.status_mut() = status;
    *response.body_mut() = Body::from(document);
    response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn invalid(message: &str) -> Response {
    let body = document("invalid_request", "UNSUPPORTED", message);
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::BAD_REQUEST, headers, body).into_response()
}

/// A description has no quotation marks and no backslashes (RFC 6749 section 5.2).
fn document(word: &str, code: &str, message: &str) -> String {
    let description = message.replace('"', "'").replace('\\', "/");
    json!({
        "error": word,
        "error_description": description,
        "errors": [{ "code": code, "message": message }],
    })
    .to_string()
}
