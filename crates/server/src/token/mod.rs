//! `/service/token`: the Docker token flow, `GET` with Basic and `POST` with an OAuth2 form, and the public keys.

mod exchange;

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::scope::{Scope, parse_scopes};
use hythe_registry::tokens::IssuedToken;
use hythe_registry::{Caller, Origin};
use serde_json::json;

use crate::answer::Failure;
use crate::identity::{identify, origin, tell_log};
use crate::state::App;

/// More than any client sends; forms are read into memory.
const LONGEST_FORM: usize = 64 * 1024;

/// `GET /service/token?service=&scope=&account=&offline_token=`. No credentials: a token for a stranger. Bad
/// credentials: 401, never a token that allows nothing, or `docker login` would succeed with them.
pub(crate) async fn get(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    answer(get_token(&app, &parts).await)
}

async fn get_token(app: &App, parts: &Parts) -> Result<Response, Failure> {
    let parameters = Parameters::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let caller = identify(app, parts).await?;
    if caller.is_token() {
        return Err(Failure::new(
            ErrorCode::Unauthorized,
            "ask for tokens with a user name and password, not with a token",
        ));
    }
    let offline = parameters.first("offline_token").is_some_and(|value| value == "true");
    issue(app, &caller, &parameters.scopes(), offline, false).await
}

/// `POST /service/token` with `grant_type=password` or `refresh_token` (the OAuth2 form of the specification), or with a
/// token of another issuer.
pub(crate) async fn post(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let origin = Arc::new(origin(&parts, &app.options));
    answer(post_token(&app, &parts, body, &origin).await)
}

async fn post_token(app: &App, parts: &Parts, body: Body, origin: &Arc<Origin>) -> Result<Response, Failure> {
    let form = read_form(body).await?;
    let parameters = Parameters::parse(&form);
    let grant_type = parameters.first("grant_type");
    if let Some(grant) = grant_type.and_then(exchange::Grant::of) {
        let tell = |caller: &Caller| tell_log(parts, caller);
        return Ok(exchange::exchange(app, grant, &parameters, origin, tell).await);
    }
    let caller = match grant_type {
        Some("password") => sign_in(app, &parameters, origin).await?,
        Some("refresh_token") => {
            app.registry.verify_refresh_token(parameters.required("refresh_token")?, origin).await?
        }
        other => {
            return Err(Failure::with_status(
                StatusCode::BAD_REQUEST,
                ErrorCode::Unsupported.as_str(),
                format!(
                    "grant_type must be password, refresh_token or a token exchange (RFC 8693), not {}",
                    other.unwrap_or("absent").escape_debug()
                ),
            ));
        }
    };
    tell_log(parts, &caller);
    let offline = parameters.first("access_type").is_some_and(|value| value == "offline");
    issue(app, &caller, &parameters.scopes(), offline, true).await
}

async fn sign_in(app: &App, parameters: &Parameters, origin: &Arc<Origin>) -> Result<Caller, Failure> {
    let (name, password) = (parameters.required("username")?, parameters.required("password")?);
    Ok(app.registry.sign_in(name, password, origin).await?)
}

async fn issue(
    app: &App,
    caller: &Caller,
    scopes: &[Scope],
    offline: bool,
    with_scope: bool,
) -> Result<Response, Failure> {
    let issued = app.registry.issue_token(caller, scopes, offline).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(body(issued, with_scope))).into_response())
}

/// Both names of the token are filled; some clients read the one, some the other.
fn body(issued: IssuedToken, with_scope: bool) -> serde_json::Value {
    let issued_at = jiff::Timestamp::from_microsecond(issued.issued_at).unwrap_or_default();
    let mut body = json!({
        "token": issued.token,
        "access_token": issued.token,
        "expires_in": issued.expires_in,
        "issued_at": format!("{issued_at:.0}"),
    });
    if with_scope {
        body["scope"] = json!(issued.scope);
        body["token_type"] = json!("Bearer");
    }
    if let Some(refresh_token) = issued.refresh_token {
        body["refresh_token"] = json!(refresh_token);
    }
    body
}

/// `GET /service/token/keys`: the public halves of the signing keys (RFC 7517).
pub(crate) async fn keys(State(app): State<Arc<App>>) -> Response {
    match app.registry.key_set().await {
        Ok(keys) => ([(header::CACHE_CONTROL, "public, max-age=60")], Json(keys)).into_response(),
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn read_form(body: Body) -> Result<bytes::Bytes, Failure> {
    let collected = Limited::new(body, LONGEST_FORM).collect().await;
    collected.map(http_body_util::Collected::to_bytes).map_err(|error| {
        let message = format!("the form could not be read, or is larger than {LONGEST_FORM} bytes: {error}");
        Failure::with_status(StatusCode::BAD_REQUEST, ErrorCode::SizeInvalid.as_str(), message)
    })
}

/// A 401 from here asks for Basic: that is what this address takes.
fn answer(result: Result<Response, Failure>) -> Response {
    let failure = match result {
        Ok(response) => return response,
        Err(failure) => failure,
    };
    let unauthorized = failure.status() == StatusCode::UNAUTHORIZED;
    let mut response = failure.into_response();
    if unauthorized {
        let basic = HeaderValue::from_static("Basic realm=\"Hythe\", charset=\"UTF-8\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
    }
    response
}

/// The parameters of a query or a form, in their order; a name may repeat.
struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn parse(text: &[u8]) -> Parameters {
        Parameters(url::form_urlencoded::parse(text).into_owned().collect())
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn required(&self, name: &str) -> Result<&str, Failure> {
        self.first(name).ok_or_else(|| {
            Failure::with_status(
                StatusCode::BAD_REQUEST,
                ErrorCode::Unsupported.as_str(),
                format!("the form lacks {name}"),
            )
        })
    }

    fn scopes(&self) -> Vec<Scope> {
        parse_scopes(self.0.iter().filter(|(key, _)| key == "scope").map(|(_, value)| value.as_str()))
    }
}
