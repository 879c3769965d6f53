//! `/c/oidc/…`: a browser's way to an OpenID provider and back, as in Harbor.

use std::sync::Arc;

use axum::extract::{FromRequest, Query, Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hythe_registry::sources::oidc::{Arrived, Returned};
use serde::Deserialize;

use crate::cookies::{self, Cookie};
use crate::identity::origin;
use crate::rest::RestFailure;
use crate::state::App;
use crate::urls::BaseUrl;

/// Keeps what a sign-in must see again, on this path only.
const ATTEMPT: &str = "oidc_attempt";
/// Keeps who is to be given a name.
const NAMELESS: &str = "oidc_onboard";
const PATH: &str = "/c/oidc";
const KEPT_SECONDS: u32 = 15 * 60;

#[derive(Deserialize)]
pub(crate) struct LoginQuery {
    source: Option<String>,
    #[serde(default)]
    redirect_url: String,
}

#[derive(Deserialize)]
struct OnboardReq {
    username: String,
}

/// `GET /c/oidc/login?source=&redirect_url=`: on to the provider.
pub(crate) async fn login(
    State(app): State<Arc<App>>,
    Query(query): Query<LoginQuery>,
    request: Request,
) -> Result<Response, RestFailure> {
    let (parts, _) = request.into_parts();
    let base = BaseUrl::of(&parts, &app.options);
    let callback = base.join("/c/oidc/callback");
    let begun = app.registry.begin_oidc(query.source.as_deref(), &callback, &query.redirect_url).await?;
    let mut response = redirect(&begun.url)?;
    kept(ATTEMPT, &begun.sealed).set(&mut response, base.is_https());
    Ok(response)
}

/// `GET /c/oidc/callback`: back from the provider, with a session, or on to the page that asks for a name.
pub(crate) async fn callback(
    State(app): State<Arc<App>>,
    Query(returned): Query<Returned>,
    request: Request,
) -> Result<Response, RestFailure> {
    let (parts, _) = request.into_parts();
    let secure = BaseUrl::of(&parts, &app.options).is_https();
    let sealed = cookies::read(&parts.headers, ATTEMPT).unwrap_or_default();
    let mut response = match app.registry.finish_oidc(sealed, &returned).await? {
        Arrived::SignedIn { user, back_to } => {
            let session = app.registry.begin_session(&user, &origin(&parts, &app.options)).await?;
            cookies::with_session(redirect(&back_to)?, &session, secure)
        }
        Arrived::NeedsName { suggestion, sealed, back_to } => {
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("username", &suggestion)
                .append_pair("redirect_url", &back_to)
                .finish();
            let mut response = redirect(&format!("/oidc-onboard?{query}"))?;
            kept(NAMELESS, &sealed).set(&mut response, secure);
            response
        }
    };
    forgotten(ATTEMPT).set(&mut response, secure);
    Ok(response)
}

/// `POST /c/oidc/onboard` with `{"username": …}`: makes the user under the name they chose, and a session.
pub(crate) async fn onboard(State(app): State<Arc<App>>, request: Request) -> Result<Response, RestFailure> {
    let (parts, body) = request.into_parts();
    let wanted = read(&parts, body).await?;
    let secure = BaseUrl::of(&parts, &app.options).is_https();
    let sealed = cookies::read(&parts.headers, NAMELESS).unwrap_or_default();
    let user = app.registry.onboard_oidc(sealed, &wanted.username).await?;
    let session = app.registry.begin_session(&user, &origin(&parts, &app.options)).await?;
    let mut response = cookies::with_session(StatusCode::OK, &session, secure);
    forgotten(NAMELESS).set(&mut response, secure);
    Ok(response)
}

/// A JSON body, said to be one: another site's form cannot say so.
async fn read(parts: &Parts, body: axum::body::Body) -> Result<OnboardReq, RestFailure> {
    let request = Request::from_parts(parts.clone(), body);
    match axum::Json::<OnboardReq>::from_request(request, &()).await {
        Ok(axum::Json(wanted)) => Ok(wanted),
        Err(rejection) => Err(RestFailure::new(StatusCode::BAD_REQUEST, rejection.body_text())),
    }
}

fn redirect(to: &str) -> Result<Response, RestFailure> {
    let location = HeaderValue::try_from(to)
        .map_err(|_| RestFailure::new(StatusCode::BAD_REQUEST, "redirect_url cannot be sent in a header"))?;
    Ok((
        StatusCode::FOUND,
        [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
    )
        .into_response())
}

fn kept<'c>(name: &'c str, value: &'c str) -> Cookie<'c> {
    Cookie { name, value, path: PATH, readable: false, max_age_seconds: Some(KEPT_SECONDS) }
}

fn forgotten(name: &str) -> Cookie<'_> {
    Cookie { name, value: "", path: PATH, readable: false, max_age_seconds: Some(0) }
}
