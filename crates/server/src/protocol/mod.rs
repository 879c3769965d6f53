//! `/v2/`: the OCI distribution protocol. One door: parse the route, identify the caller, get a permit, answer.

mod blobs;
mod catalog;
mod challenge;
mod manifests;
mod referrers;
mod tags;
mod uploads;

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use hythe_oci::error_code::ErrorCode;
use hythe_oci::route::Route;
use hythe_registry::access::{Permit, ProjectRight};
use hythe_registry::{Caller, Registry};

use crate::answer::Failure;
use crate::identity::identify;
use crate::state::App;
use crate::telemetry::request::RequestContext;
use crate::urls::BaseUrl;

const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");
const API_VERSION_2: HeaderValue = HeaderValue::from_static("registry/2.0");
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// What every handler needs to know of a request.
struct Exchange {
    app: Arc<App>,
    parts: Parts,
    caller: Caller,
    base: BaseUrl,
}

impl Exchange {
    fn registry(&self) -> &Arc<Registry> {
        &self.app.registry
    }

    /// Asks for the right `R`.
    async fn permit<R: ProjectRight>(
        &self,
        repository: &hythe_oci::name::RepositoryName,
    ) -> Result<Permit<R>, Failure> {
        Ok(self.registry().permit(&self.caller, repository).await?)
    }

    fn is_head(&self) -> bool {
        self.parts.method == Method::HEAD
    }

    fn header(&self, name: &HeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A `Location`, as the operator wants it: a path, or the whole URL the client would use.
    fn location(&self, path: &str) -> String {
        if self.app.options.relative_locations { path.to_owned() } else { self.base.join(path) }
    }
}

/// Everything under `/v2/`.
pub(crate) async fn handle(State(app): State<Arc<App>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let base = BaseUrl::of(&parts, &app.options);
    let route = Route::parse(parts.method.as_str(), parts.uri.path(), parts.uri.query());
    if let (Ok(route), Some(context)) = (&route, parts.extensions.get::<RequestContext>()) {
        context.set_route(route.label());
    }
    let mut response = match route {
        Ok(route) => match identify(&app, &parts).await.map_err(Failure::from) {
            Ok(caller) => {
                let exchange = Exchange { app: app.clone(), parts, caller, base: base.clone() };
                let challenge = challenge::Wanted::of(&route, &exchange.caller);
                let answered = dispatch(&exchange, route, body).await;
                answered.unwrap_or_else(|failure| challenge.complete(failure, &base))
            }
            Err(failure) => challenge::Wanted::for_bad_credentials(&route).complete(failure, &base),
        },
        Err(error) => Failure::from(error).into_response(),
    };
    response.headers_mut().insert(API_VERSION, API_VERSION_2);
    response
}

async fn dispatch(exchange: &Exchange, route: Route, body: Body) -> Result<Response, Failure> {
    match route {
        Route::Base => base(exchange),
        Route::Catalog { page } => catalog::list(exchange, page).await,
        Route::ListTags { repository, page } => tags::list(exchange, &repository, page).await,
        Route::PullManifest { repository, reference } => {
            manifests::pull(exchange, &repository, &reference).await
        }
        Route::PushManifest { repository, reference, tags } => {
            manifests::push(exchange, &repository, reference, tags, body).await
        }
        Route::DeleteManifest { repository, reference } => {
            manifests::delete(exchange, &repository, &reference).await
        }
        Route::PullBlob { repository, digest } => blobs::pull(exchange, &repository, &digest).await,
        Route::DeleteBlob { repository, digest } => blobs::delete(exchange, &repository, &digest).await,
        Route::StartUpload { repository, digest, algorithm, mount, from } => {
            let wanted = uploads::Wanted { digest, algorithm, mount, from };
            uploads::start(exchange, &repository, wanted, body).await
        }
        Route::UploadStatus { repository, upload } => uploads::status(exchange, &repository, upload).await,
        Route::AppendUpload { repository, upload } => {
            uploads::append(exchange, &repository, upload, body).await
        }
        Route::FinishUpload { repository, upload, digest } => {
            uploads::finish(exchange, &repository, upload, digest, body).await
        }
        Route::CancelUpload { repository, upload } => uploads::cancel(exchange, &repository, upload).await,
        Route::ListReferrers { repository, digest, artifact_types, page } => {
            referrers::list(exchange, &repository, &digest, &artifact_types, page).await
        }
    }
}

/// `GET /v2/`: whoever has signed in, even as a stranger with a token, may speak on. A stranger without one is
/// told how to sign in, for that is how clients learn where to ask for tokens.
fn base(exchange: &Exchange) -> Result<Response, Failure> {
    if exchange.caller.is_anonymous() {
        return Err(Failure::new(
            ErrorCode::Unauthorized,
            "sign in, or ask for an anonymous token, to use this registry",
        ));
    }
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CONTENT_LENGTH, "2")];
    Ok((StatusCode::OK, headers, "{}").into_response())
}

/// A page's size: what the client asked for, within what the operator allows.
fn page_limit(exchange: &Exchange, wanted: Option<u32>) -> u32 {
    let most = exchange.app.options.page_size;
    wanted.map_or(most, |wanted| wanted.min(most))
}

/// `Link: <…>; rel="next"` with a relative URL, so that it works behind every proxy (RFC 8288).
fn next_link(path_and_query: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("<{path_and_query}>; rel=\"next\"")).ok()
}

/// One value of a query, written so that it can be read back.
fn encode_query(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

fn header_value(value: impl ToString) -> HeaderValue {
    HeaderValue::try_from(value.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The entity tag of something named by digest.
fn etag(digest: &hythe_oci::digest::Digest) -> HeaderValue {
    header_value(format!("\"{digest}\""))
}

/// RFC 9110 section 13.1.2: whether one of the listed tags is this one, weak or strong, or `*`. Several lines are one list.
fn matches_etag(headers: &http::HeaderMap, etag: &HeaderValue) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let mut listed = lists.flat_map(|list| list.split(',')).map(str::trim);
    listed.any(|listed| listed == "*" || listed.trim_start_matches("W/").as_bytes() == etag.as_bytes())
}
