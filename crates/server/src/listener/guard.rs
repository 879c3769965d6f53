//! Bodies as the listener wraps them: a request's ends when it stalls, a response's tells when it is over.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;

use super::counters;
use super::pulse::Underway;
use super::stall::Stall;

/// A request's body with a limit on how long it may bring nothing.
pub(super) struct GuardedRequest {
    inner: Incoming,
    stall: Stall,
    timeout: Duration,
}

impl GuardedRequest {
    /// `inner` as a handler gets it; a body that is empty from the start stays free of guards.
    pub(super) fn wrap(inner: Incoming, timeout: Duration) -> Body {
        if http_body::Body::is_end_stream(&inner) {
            return Body::empty();
        }
        Body::new(Self { inner, stall: Stall::new(timeout), timeout })
    }
}

impl http_body::Body for GuardedRequest {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.stall.moved();
                Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)))
            }
            Poll::Pending => self.stall.poll_expired(cx).map(|()| {
                counters::refused("body_timeout");
                let text = format!("no byte of the request body came for {} seconds", self.timeout.as_secs());
                Some(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A response's body; its request counts as under way until hyper has taken the last of it.
pub(super) struct TrackedResponse {
    inner: Body,
    underway: Underway,
}

impl TrackedResponse {
    pub(super) fn new(inner: Body, underway: Underway) -> Self {
        Self { inner, underway }
    }
}

impl http_body::Body for TrackedResponse {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        self.underway.handed_out(frame.is_ready());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
