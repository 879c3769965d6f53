//! The layer around every route.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use http::{Extensions, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::access::Exchange;
use super::body::{ReceivedBody, SentBody};
use super::{RequestContext, id};
use crate::telemetry::runtime;

/// Finds the address of the other end among a request's extensions.
pub type PeerOf = fn(&Extensions) -> Option<SocketAddr>;

/// What a client gets whose request made us panic.
pub type AfterPanic = fn() -> Response<Body>;

/// Gives every request an id, a span, an access line and its place in the metrics, and an answer whatever happens.
///
/// To be applied with `Router::layer`, where the router's pattern is known for routes that set no label.
#[derive(Clone, Copy)]
pub struct RequestLayer {
    peer_of: PeerOf,
    after_panic: AfterPanic,
}

impl RequestLayer {
    /// A layer that answers a panic by a bare 500; see [`RequestLayer::after_panic`].
    pub fn new(peer_of: PeerOf) -> RequestLayer {
        RequestLayer { peer_of, after_panic: bare_500 }
    }

    /// The answer to a request that made us panic.
    #[must_use]
    pub fn after_panic(self, after_panic: AfterPanic) -> RequestLayer {
        RequestLayer { after_panic, ..self }
    }
}

impl<S> Layer<S> for RequestLayer {
    type Service = RequestService<S>;

    fn layer(&self, inner: S) -> RequestService<S> {
        RequestService { inner, peer_of: self.peer_of, after_panic: self.after_panic }
    }
}

/// What [`RequestLayer`] makes of a service.
#[derive(Clone)]
pub struct RequestService<S> {
    inner: S,
    peer_of: PeerOf,
    after_panic: AfterPanic,
}

impl<S> Service<Request<Body>> for RequestService<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = RequestFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> RequestFuture<S::Future> {
        let peer = (self.peer_of)(request.extensions());
        let context = RequestContext::new(&request, peer);
        let mut request = request.map(|body| ReceivedBody::wrap(body, &context));
        request.extensions_mut().insert(context.clone());
        let inner = context.span().in_scope(|| self.inner.call(request));
        RequestFuture { inner, exchange: Some(Exchange::new(context)), after_panic: self.after_panic }
    }
}

pin_project! {
    /// The handler at work. Dropped before its answer, it leaves an access line all the same.
    pub struct RequestFuture<F> {
        #[pin]
        inner: F,
        exchange: Option<Exchange>,
        after_panic: AfterPanic,
    }
}

impl<F> Future for RequestFuture<F>
where
    F: Future<Output = Result<Response<Body>, Infallible>>,
{
    type Output = Result<Response<Body>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = match this.exchange {
            None => ready!(this.inner.poll(cx)),
            Some(exchange) => {
                let context = exchange.context();
                runtime::now_polling(context);
                let _inside = context.span().enter();
                // What the handler left half done is dropped with it, and is not looked at again.
                match catch_unwind(AssertUnwindSafe(|| this.inner.poll(cx))) {
                    Ok(polled) => ready!(polled),
                    Err(_) => Ok((this.after_panic)()),
                }
            }
        };
        Poll::Ready(response.map(|response| match this.exchange.take() {
            Some(exchange) => answer(response, exchange),
            None => response,
        }))
    }
}

fn bare_500() -> Response<Body> {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn answer(mut response: Response<Body>, exchange: Exchange) -> Response<Body> {
    if let Some(id) = exchange.context().id().header_value() {
        response.headers_mut().insert(id::HEADER, id);
    }
    let status = response.status();
    response.map(|body| SentBody::wrap(body, exchange, status))
}
