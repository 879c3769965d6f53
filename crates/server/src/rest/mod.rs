//! `/api/v2.0`: the REST API, in Harbor's shapes.

mod configurations;
mod grants;
mod identity_sources;
mod ldap;
mod members;
mod permissions;
mod place;
mod projects;
mod roles;
mod system;
mod tags;
mod user_groups;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::JsonRejection;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use hythe_registry::access::AdministratorPermit;
use hythe_registry::{Caller, Error};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::answer::Failure;
use crate::identity::identify;
use crate::state::App;

/// Harbor's page sizes.
const DEFAULT_PAGE: u32 = 10;
const LARGEST_PAGE: u32 = 100;

/// All routes below `/api/v2.0`.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/ping", get(system::ping))
        .route("/systeminfo", get(system::info))
        .route("/health", get(crate::health::components))
        .route("/projects", get(projects::list).post(projects::create))
        .route("/projects/{project}", get(projects::read).put(projects::update).delete(projects::delete))
        .route("/projects/{project}/members", get(members::list).post(members::create))
        .route(
            "/projects/{project}/members/{member}",
            get(members::read).put(members::update).delete(members::delete),
        )
        .route("/projects/{project}/grants", get(grants::list).post(grants::create))
        .route("/projects/{project}/grants/{grant}", get(grants::read).delete(grants::delete))
        .route("/projects/{project}/permissions/explain", get(permissions::explain_in_project))
        .route("/permissions/explain", get(permissions::explain))
        .route("/permissions/matrix", get(permissions::matrix))
        .route("/users/current/permissions", get(permissions::of_current_user))
        .route("/roles", get(roles::list).post(roles::create))
        .route("/roles/{role}", get(roles::read).put(roles::update).delete(roles::delete))
        .route("/projects/{project}/repositories/{repository}/tags/{tag}/history", get(tags::history))
        .route("/users", get(users::list).post(users::create))
        .route("/users/current", get(users::current))
        .route("/users/{user}", get(users::read).delete(users::delete))
        .route("/users/{user}/password", put(users::change_password))
        .merge(sources())
        .fallback(unknown)
}

/// The configuration, and where people come from.
fn sources() -> Router<Arc<App>> {
    Router::new()
        .route("/configurations", get(configurations::read).put(configurations::update))
        .route("/identity-sources", get(identity_sources::list).post(identity_sources::create))
        .route(
            "/identity-sources/{source}",
            get(identity_sources::read).put(identity_sources::update).delete(identity_sources::delete),
        )
        .route("/identity-sources/{source}/ping", post(identity_sources::ping))
        .route("/ldap/ping", post(ldap::ping))
        .route("/ldap/users/search", get(ldap::search_people))
        .route("/ldap/users/import", post(ldap::import))
        .route("/ldap/groups/search", get(ldap::search_groups))
        .route("/system/oidc/ping", post(ldap::ping_provider))
        .route("/usergroups", get(user_groups::list).post(user_groups::create))
        .route("/usergroups/search", get(user_groups::search))
        .route(
            "/usergroups/{group}",
            get(user_groups::read).put(user_groups::update).delete(user_groups::delete),
        )
}

/// A failure in the API's envelope, whose codes are Harbor's and not the distribution specification's.
#[derive(Debug)]
pub(crate) struct RestFailure(Response);

impl RestFailure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> RestFailure {
        RestFailure(Failure::with_status(status, harbor_code(status), message).into_response())
    }

    fn challenge(mut self) -> RestFailure {
        if self.0.status() == StatusCode::UNAUTHORIZED {
            self.0
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Hythe\""));
        }
        self
    }
}

impl From<Error> for RestFailure {
    fn from(error: Error) -> RestFailure {
        let message = error.message().to_owned();
        let status = Failure::from(error).status();
        RestFailure::new(status, message).challenge()
    }
}

impl IntoResponse for RestFailure {
    fn into_response(self) -> Response {
        self.0
    }
}

fn harbor_code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "BAD_REQUEST",
        StatusCode::UNAUTHORIZED => "UNAUTHORIZED",
        StatusCode::FORBIDDEN => "FORBIDDEN",
        StatusCode::NOT_FOUND => "NOT_FOUND",
        StatusCode::CONFLICT => "CONFLICT",
        StatusCode::PRECONDITION_FAILED => "PRECONDITION",
        StatusCode::METHOD_NOT_ALLOWED => "METHOD_NOT_ALLOWED",
        StatusCode::TOO_MANY_REQUESTS => "TOOMANYREQUESTS",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}

async fn unknown(request: Request) -> RestFailure {
    let path = request.uri().path().to_owned();
    RestFailure::new(StatusCode::NOT_FOUND, format!("there is nothing at /api/v2.0{}", path.escape_debug()))
}

/// A caller who has signed in, whoever it is.
struct SignedIn(Caller);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        Ok(SignedIn(identify(app, parts).await?))
    }
}

/// A caller who is an administrator.
struct Administrator(AdministratorPermit);

impl FromRequestParts<Arc<App>> for Administrator {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        let caller = identify(app, parts).await?;
        Ok(Administrator(app.registry.permit_administrator(&caller)?))
    }
}

/// A JSON body, whose faults are told in the API's envelope.
struct Json<T>(T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Json<T> {
    type Rejection = RestFailure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, RestFailure> {
        match axum::Json::<T>::from_request(request, app).await {
            Ok(axum::Json(value)) => Ok(Json(value)),
            Err(rejection) => Err(unreadable(&rejection)),
        }
    }
}

fn unreadable(rejection: &JsonRejection) -> RestFailure {
    let status = match rejection.status() {
        StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
        status => status,
    };
    RestFailure::new(status, rejection.body_text())
}

/// A path's parameters, whose faults are told in the API's envelope.
struct Path<T>(T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Path<T> {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        match extract::Path::<T>::from_request_parts(parts, app).await {
            Ok(extract::Path(value)) => Ok(Path(value)),
            Err(rejection) => Err(RestFailure::new(rejection.status(), rejection.body_text())),
        }
    }
}

/// A query, whose faults are told in the API's envelope.
struct Query<T>(T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        match extract::Query::<T>::from_request_parts(parts, app).await {
            Ok(extract::Query(value)) => Ok(Query(value)),
            Err(rejection) => Err(RestFailure::new(rejection.status(), rejection.body_text())),
        }
    }
}

/// The query of a list: how many, and after which entry (the `Link` header holds the next one ready-made).
#[derive(Debug, Deserialize)]
struct PageQuery {
    page_size: Option<u32>,
    after: Option<String>,
    name: Option<String>,
    entityname: Option<String>,
    public: Option<bool>,
}

impl PageQuery {
    fn limit(&self) -> u32 {
        self.page_size.unwrap_or(DEFAULT_PAGE).clamp(1, LARGEST_PAGE)
    }
}

/// A page of a list, with a link to the next where there is one.
fn page<T: serde::Serialize>(
    mut items: Vec<T>,
    limit: u32,
    path: &str,
    key: impl Fn(&T) -> String,
) -> Response {
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| {
        let after: String = url::form_urlencoded::byte_serialize(key(last).as_bytes()).collect();
        format!("</api/v2.0{path}?page_size={limit}&after={after}>; rel=\"next\"")
    });
    let mut response = axum::Json(items).into_response();
    if let Some(link) = next.and_then(|link| HeaderValue::try_from(link).ok()) {
        response.headers_mut().insert(header::LINK, link);
    }
    response
}

fn created(location: &str) -> Response {
    (StatusCode::CREATED, [(header::LOCATION, location.to_owned())]).into_response()
}

fn timestamp(micros: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(micros).unwrap_or_default()
}
