//! The rest of a body that nobody wants: read away for a moment, so that the refusal reaches who is still sending.
//!
//! A connection that is closed over unread bytes is reset, and a reset throws away the answer too: the client sees
//! a broken pipe where it should see "sign in" or "too large". (nginx calls the cure lingering close.) Where the rest
//! is short, the connection lives on: many clients send a body after its head, and their next request would meet a
//! connection that was closed without a word.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, Version, header};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;

/// Enough for an answer to reach a slow client, who then stops by itself.
const LONGEST: Duration = Duration::from_secs(5);

/// Who sends nothing for this long has stopped.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A request's body; what is left of it when it is dropped is read away, if it lingers.
struct Lingering {
    inner: Body,
    /// It was read to its end.
    over: Arc<AtomicBool>,
    lingers: bool,
}

/// Has handlers get bodies of which nothing is left to hinder the answer.
pub(crate) async fn read_away(request: Request, next: Next) -> Response {
    if http_body::Body::is_end_stream(request.body()) {
        return next.run(request).await;
    }
    if request.headers().contains_key(header::EXPECT) && request.version() < Version::HTTP_2 {
        return close_unless_read(request, next).await;
    }
    let linger = |inner| Body::new(Lingering { inner, over: Arc::default(), lingers: true });
    next.run(request.map(linger)).await
}

/// Who waits for `100 Continue` has sent nothing, and must not be told to by a reader who only throws away. Whether they
/// send it after a refusal is theirs to choose (RFC 9110 section 10.1.1), so the connection ends with the answer, and the
/// answer says so.
async fn close_unless_read(request: Request, next: Next) -> Response {
    let over = Arc::new(AtomicBool::new(false));
    let watched = Arc::clone(&over);
    let mut response =
        next.run(request.map(|inner| Body::new(Lingering { inner, over: watched, lingers: false }))).await;
    if !over.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

impl http_body::Body for Lingering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.inner).poll_frame(cx);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) || http_body::Body::is_end_stream(&self.inner) {
            self.over.store(true, Ordering::Relaxed);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if !self.lingers || self.over.load(Ordering::Relaxed) {
            return;
        }
        // While a runtime shuts down there is nobody left to answer.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let rest = std::mem::take(&mut self.inner);
            runtime.spawn(tokio::time::timeout(LONGEST, discard(rest)));
        }
    }
}

async fn discard(mut body: Body) {
    while let Ok(Some(Ok(_))) = tokio::time::timeout(LONGEST_PAUSE, body.frame()).await {}
}
