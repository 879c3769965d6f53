//! Answers that refuse: the error envelope, its status, and the headers that tell a client what to do next.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use hythe_api::error::Errors;
use hythe_oci::challenge::Challenge;
use hythe_oci::error_code::ErrorCode;
use hythe_oci::route::RouteError;
use hythe_registry::error::Kind;
use serde_json::Value;

/// A failure on its way out.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    code: String,
    message: String,
    detail: Option<Value>,
    challenge: Option<Challenge>,
    retry_after_seconds: Option<u32>,
    allow: &'static [&'static str],
    size_of_content: Option<u64>,
}

/// RFC 9110 section 8.6: what has no content by its status has no length either. The router writes one all the same.
pub(crate) fn without_needless_length(mut response: Response) -> Response {
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

/// What the database and the storage need to come back, roughly.
const RETRY_AFTER_SECONDS: u32 = 5;

impl Failure {
    /// A failure with the code's own status.
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Failure {
        Failure::with_status(status(code.status()), code.as_str(), message)
    }

    /// A failure with any status and code.
    pub(crate) fn with_status(
        status: StatusCode,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Failure {
        Failure {
            status,
            code: code.into(),
            message: message.into(),
            detail: None,
            challenge: None,
            retry_after_seconds: None,
            allow: &[],
            size_of_content: None,
        }
    }

    /// Tells the client how to sign in. Only for 401.
    #[must_use]
    pub(crate) fn with_challenge(mut self, challenge: Challenge) -> Failure {
        self.challenge = Some(challenge);
        self
    }

    /// The same failure in the words of another API. The detail is the distribution specification's and stays behind.
    #[must_use]
    pub(crate) fn with_code(mut self, code: impl Into<String>) -> Failure {
        self.code = code.into();
        self.detail = None;
        self
    }

    /// Tells the client how many bytes there are to choose from (RFC 9110 section 15.5.17). Only for 416.
    #[must_use]
    pub(crate) fn with_size_of_content(mut self, bytes: u64) -> Failure {
        self.size_of_content = Some(bytes);
        self
    }

    /// The status it will have.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<hythe_registry::Error> for Failure {
    fn from(error: hythe_registry::Error) -> Failure {
        log(&error);
        let mut failure =
            Failure::with_status(status(error.status()), error.code().as_str(), error.message());
        failure.detail = error.detail().cloned();
        if matches!(error.kind(), Kind::Unavailable | Kind::TooMany) {
            let known = error.retry_after().and_then(|pause| u32::try_from(pause.as_secs()).ok());
            failure.retry_after_seconds = Some(known.unwrap_or(RETRY_AFTER_SECONDS));
        }
        failure
    }
}

impl From<RouteError> for Failure {
    fn from(error: RouteError) -> Failure {
        let mut failure = Failure::with_status(status(error.status), error.code.as_str(), error.message);
        failure.allow = error.allowed;
        failure
    }
}

/// Faults of ours and of what we stand on are logged with their causes; refusals are the access log's matter.
fn log(error: &hythe_registry::Error) {
    match error.kind() {
        Kind::Internal => tracing::error!(error = %error, "a request failed inside the server"),
        Kind::Unavailable | Kind::Full => tracing::warn!(error = %error, "a request could not be served"),
        _ => tracing::debug!(error = %error, "a request was refused"),
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response =
            (self.status, Json(Errors::one(self.code, self.message, self.detail))).into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge
            && let Ok(value) = HeaderValue::try_from(challenge.to_string())
        {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(bytes) = self.size_of_content
            && let Ok(value) = HeaderValue::try_from(format!("bytes */{bytes}"))
        {
            headers.insert(header::CONTENT_RANGE, value);
        }
        if !self.allow.is_empty()
            && let Ok(value) = HeaderValue::try_from(self.allow.join(", "))
        {
            headers.insert(header::ALLOW, value);
        }
        response
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
