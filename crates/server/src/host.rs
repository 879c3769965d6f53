//! One `Host` in each request, as HTTP/1.1 demands (RFC 9112 section 3.2): with several, a proxy and this server could each
//! believe another one.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Version, header};

use crate::answer::Failure;

/// Refuses a request without a `Host`, or with several.
pub(crate) async fn has_one(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    match hosts {
        0 if request.version() == Version::HTTP_11 => refused("has none"),
        0 | 1 => next.run(request).await,
        _ => refused("has several"),
    }
}

fn refused(what: &str) -> Response {
    let message = format!("a request names the server in one Host header, and this one {what}");
    Failure::with_status(StatusCode::BAD_REQUEST, "BAD_REQUEST", message).into_response()
}
