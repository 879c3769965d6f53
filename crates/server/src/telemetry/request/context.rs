//! The state of one request that outlives its handler: the body goes on after the handler has answered.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::extract::MatchedPath;
use http::header::USER_AGENT;
use http::{HeaderValue, Method, Request, Uri};
use tracing::Span;
use tracing::field::{self, Empty};

use super::RequestId;
use crate::telemetry::{metrics, traces};

/// A request as the handlers know it: an extension of every request, cheap to clone.
///
/// A handler says with [`RequestContext::set_route`] which route it is, as early as it knows, for the watchdog
/// reads it while the handler runs, and with [`RequestContext::set_user`] who calls.
#[derive(Clone)]
pub struct RequestContext(Arc<State>);

struct State {
    id: RequestId,
    method: Method,
    uri: Uri,
    user_agent: Option<HeaderValue>,
    matched: Option<MatchedPath>,
    started: Instant,
    span: Span,
    route: OnceLock<&'static str>,
    received: AtomicU64,
}

impl RequestContext {
    pub(in crate::telemetry) fn new<B>(request: &Request<B>, peer: Option<SocketAddr>) -> RequestContext {
        let id = RequestId::of(request.headers());
        RequestContext(Arc::new(State {
            span: span(request, &id, peer),
            id,
            method: request.method().clone(),
            uri: request.uri().clone(),
            user_agent: request.headers().get(USER_AGENT).cloned(),
            matched: request.extensions().get().cloned(),
            started: Instant::now(),
            route: OnceLock::new(),
            received: AtomicU64::new(0),
        }))
    }

    /// The id that the client gets as `X-Request-Id`.
    pub fn id(&self) -> &RequestId {
        &self.0.id
    }

    /// Names the route for metrics, logs and traces: a short word, never a repository's name. The first name stays.
    pub fn set_route(&self, label: &'static str) {
        if self.0.route.set(label).is_ok() {
            self.0.span.record("route", label);
        }
    }

    /// Names the caller, once identity is proved.
    pub fn set_user(&self, name: &str) {
        self.0.span.record("user", name);
    }

    /// The route's name: the handler's word, else the router's pattern, else `unknown`.
    pub(in crate::telemetry) fn route(&self) -> &'static str {
        match (self.0.route.get(), &self.0.matched) {
            (Some(label), _) => label,
            (None, Some(matched)) => metrics::intern(matched.as_str()),
            (None, None) => "unknown",
        }
    }

    pub(super) fn method(&self) -> &Method {
        &self.0.method
    }

    /// The path without its query, which may carry secrets.
    pub(super) fn path(&self) -> &str {
        self.0.uri.path()
    }

    pub(super) fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_ref().and_then(|value| value.to_str().ok())
    }

    /// Time since the request's head was read.
    pub(in crate::telemetry) fn age(&self) -> Duration {
        self.0.started.elapsed()
    }

    pub(super) fn span(&self) -> &Span {
        &self.0.span
    }

    pub(super) fn count_received(&self, bytes: u64) {
        self.0.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Bytes of request body received so far.
    pub(super) fn received(&self) -> u64 {
        self.0.received.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for RequestContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestContext").field("id", self.id()).finish_non_exhaustive()
    }
}

/// The span around everything done for a request. Of level error, because a span filtered out would
/// take the request id from the warnings inside it.
fn span<B>(request: &Request<B>, id: &RequestId, peer: Option<SocketAddr>) -> Span {
    let span = tracing::error_span!(
        target: "hythe::request",
        "request",
        request_id = id.as_str(),
        method = request.method().as_str(),
        peer = peer.map(field::display),
        route = Empty,
        user = Empty,
    );
    traces::begin(&span, request);
    span
}
