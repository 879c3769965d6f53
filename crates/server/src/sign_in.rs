//! `/c/login` and `/c/log_out`: a browser's session by name and password, as in Harbor.

use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use hythe_registry::access::{Principal, Through};
use serde::Deserialize;

use crate::cookies::{self, Cookie};
use crate::identity::origin;
use crate::rest::RestFailure;
use crate::state::App;
use crate::urls::BaseUrl;

#[derive(Deserialize)]
struct Credentials {
    principal: String,
    password: String,
}

/// `POST /c/login` with the form fields `principal` and `password`.
pub(crate) async fn login(State(app): State<Arc<App>>, request: Request) -> Result<Response, RestFailure> {
    let (parts, body) = request.into_parts();
    refuse_other_sites(&parts)?;
    let secure = BaseUrl::of(&parts, &app.options).is_https();
    let origin = Arc::new(origin(&parts, &app.options));
    let form = Form::<Credentials>::from_request(Request::from_parts(parts, body), &())
        .await
        .map_err(|rejection| RestFailure::new(StatusCode::BAD_REQUEST, rejection.body_text()))?;
    let caller = app.registry.sign_in(&form.principal, &form.password, &origin).await?;
    match (&caller.principal, &caller.through) {
        (Principal::User(user), Through::Password) => {
            let session = app.registry.begin_session(user, &origin).await?;
            Ok(cookies::with_session(StatusCode::OK, &session, secure))
        }
        _ => Err(RestFailure::new(
            StatusCode::FORBIDDEN,
            "sessions are for people with a password; robots and personal tokens sign in with each request",
        )),
    }
}

/// `GET /c/log_out`: ends the session of the browser that asks, if it has one.
pub(crate) async fn log_out(State(app): State<Arc<App>>, request: Request) -> Result<Response, RestFailure> {
    let (parts, _) = request.into_parts();
    refuse_other_sites(&parts)?;
    if let Some(cookie) = cookies::read(&parts.headers, cookies::SESSION) {
        let origin = Arc::new(origin(&parts, &app.options));
        app.registry.end_session(cookie, &origin).await?;
    }
    let secure = BaseUrl::of(&parts, &app.options).is_https();
    let mut response = StatusCode::OK.into_response();
    for (name, readable) in [(cookies::SESSION, false), (cookies::CSRF, true)] {
        let gone = Cookie { name, value: "", path: "/", readable, max_age_seconds: Some(0) };
        gone.set(&mut response, secure);
    }
    Ok(response)
}

/// A page of another site must not sign a browser in as somebody else, nor out. Browsers say where a request comes
/// from (Fetch Metadata); other clients say nothing.
fn refuse_other_sites(parts: &Parts) -> Result<(), RestFailure> {
    match parts.headers.get("sec-fetch-site").map(http::HeaderValue::as_bytes) {
        Some(b"cross-site") => {
            Err(RestFailure::new(StatusCode::FORBIDDEN, "another site sent this request; sign in here"))
        }
        _ => Ok(()),
    }
}
