//! What handlers take out of a request; whatever is wrong with it is told in the API's envelope.

use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{self, FromRequest, FromRequestParts, Request};
use http::StatusCode;
use http::request::Parts;
use hythe_registry::Caller;
use serde::de::DeserializeOwned;

use super::RestFailure;
use crate::identity::identify;
use crate::state::App;

/// A caller who has signed in, whoever it is.
pub(super) struct SignedIn(pub(super) Caller);

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        Ok(SignedIn(identify(app, parts).await?))
    }
}

/// A JSON body, whose faults are told in the API's envelope.
pub(super) struct Json<T>(pub(super) T);

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
pub(super) struct Path<T>(pub(super) T);

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
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = RestFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, RestFailure> {
        match extract::Query::<T>::from_request_parts(parts, app).await {
            Ok(extract::Query(value)) => Ok(Query(value)),
            Err(rejection) => Err(RestFailure::new(rejection.status(), rejection.body_text())),
        }
    }
}
