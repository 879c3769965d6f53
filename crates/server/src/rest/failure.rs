//! What the API answers when it refuses: Harbor's envelope and Harbor's codes.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hythe_api::error::Errors;
use hythe_registry::Error;
use hythe_registry::error::Kind;
use utoipa::IntoResponses;

use crate::answer::Failure;

/// A failure in the API's envelope, whose codes are Harbor's and not the distribution specification's.
#[derive(Debug)]
pub(crate) struct RestFailure(Response);

impl RestFailure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> RestFailure {
        RestFailure(Failure::with_status(status, harbor_code(status), message).into_response())
    }

    pub(super) fn challenge(mut self) -> RestFailure {
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
        let is_denied = error.kind() == Kind::Denied;
        let failure = Failure::from(error);
        let code = if is_denied { "DENIED" } else { harbor_code(failure.status()) };
        RestFailure(failure.with_code(code).into_response()).challenge()
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
        StatusCode::PAYLOAD_TOO_LARGE => "REQUEST_ENTITY_TOO_LARGE",
        StatusCode::UNPROCESSABLE_ENTITY => "UNPROCESSABLE_ENTITY",
        StatusCode::TOO_MANY_REQUESTS => "TOOMANYREQUESTS",
        StatusCode::SERVICE_UNAVAILABLE => "UNAVAILABLE",
        _ => "UNKNOWN",
    }
}

pub(super) async fn unknown(request: Request) -> RestFailure {
    let path = request.uri().path().to_owned();
    RestFailure::new(StatusCode::NOT_FOUND, format!("there is nothing at /api/v2.0{}", path.escape_debug()))
}

pub(super) async fn not_that_way(request: Request) -> RestFailure {
    let (method, path) = (request.method().clone(), request.uri().path().escape_debug().to_string());
    let message = format!("{method} is not supported at /api/v2.0{path}; the Allow header says what is");
    RestFailure::new(StatusCode::METHOD_NOT_ALLOWED, message)
}

/// The refusals that every route can answer, for the document.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "the document is made from its shape")]
pub(super) enum Refusals {
    /// The request cannot be understood.
    #[response(status = 400)]
    BadRequest(Errors),
    /// Nobody has signed in, or with wrong credentials.
    #[response(status = 401)]
    Unauthorized(Errors),
    /// Whoever has signed in may not.
    #[response(status = 403)]
    Forbidden(Errors),
    /// It is not here.
    #[response(status = 404)]
    NotFound(Errors),
    /// The state of things forbids it.
    #[response(status = 409)]
    Conflict(Errors),
    /// A condition does not hold.
    #[response(status = 412)]
    Precondition(Errors),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(Errors),
    /// The body is not JSON.
    #[response(status = 415)]
    UnsupportedMediaType(Errors),
    /// A number is out of range.
    #[response(status = 422)]
    Unprocessable(Errors),
    /// Too many requests; Retry-After says when to come back.
    #[response(status = 429)]
    TooMany(Errors),
    /// A fault of ours.
    #[response(status = 500)]
    Internal(Errors),
    /// The database or the storage is out of reach; Retry-After says when to come back.
    #[response(status = 503)]
    Unavailable(Errors),
    /// The storage has no room.
    #[response(status = 507)]
    Full(Errors),
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use hythe_oci::error_code::ErrorCode;

    use super::*;

    #[tokio::test]
    async fn what_will_be_back_says_when() {
        for kind in [Kind::Unavailable, Kind::TooMany] {
            let error = Error::new(kind, ErrorCode::Unavailable, "later").with_detail(serde_json::json!([1]));
            let response = RestFailure::from(error).into_response();
            assert!(response.headers().contains_key(header::RETRY_AFTER), "{kind:?}");
            let body = to_bytes(response.into_body(), 1024).await.unwrap();
            let errors: Errors = serde_json::from_slice(&body).unwrap();
            assert_eq!((errors.errors[0].message.as_str(), &errors.errors[0].detail), ("later", &None));
        }
    }
}
