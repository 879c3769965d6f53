//! Bodies that are counted as they pass. Frames pass untouched: the listener recognises file-backed
//! frames by their very bytes and sends them with `sendfile`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};

use super::RequestContext;
use super::access::Exchange;
use crate::telemetry::metrics::{Direction, Transfer};
use crate::telemetry::runtime;

/// Bodies known to be smaller are no transfers: manifests and lists would only blur the number.
const TRANSFER_FROM: u64 = 64 * 1024;

fn transfer(body: &Body, direction: Direction) -> Option<Transfer> {
    let small = HttpBody::size_hint(body).upper().is_some_and(|most| most < TRANSFER_FROM);
    (!small).then(|| Transfer::begin(direction))
}

/// The request's body on its way in.
pub(super) struct ReceivedBody {
    inner: Body,
    context: RequestContext,
    _transfer: Option<Transfer>,
}

impl ReceivedBody {
    /// Wraps a body, but not one that is empty.
    pub(super) fn wrap(inner: Body, context: &RequestContext) -> Body {
        if HttpBody::is_end_stream(&inner) {
            return inner;
        }
        let transfer = transfer(&inner, Direction::In);
        Body::new(ReceivedBody { inner, context: context.clone(), _transfer: transfer })
    }
}

impl HttpBody for ReceivedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        self.context.count_received(data_length(&frame));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        HttpBody::is_end_stream(&self.inner)
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.inner)
    }
}

/// The answer's body on its way out; its end is the end of the request.
pub(super) struct SentBody {
    inner: Body,
    exchange: Exchange,
    _transfer: Option<Transfer>,
}

impl SentBody {
    /// Wraps a body, or ends the exchange at once where there is none.
    pub(super) fn wrap(inner: Body, mut exchange: Exchange, status: StatusCode) -> Body {
        exchange.answered(status, HttpBody::size_hint(&inner).exact());
        if HttpBody::is_end_stream(&inner) {
            exchange.ended();
            return inner;
        }
        let transfer = transfer(&inner, Direction::Out);
        Body::new(SentBody { inner, exchange, _transfer: transfer })
    }
}

impl HttpBody for SentBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let frame = {
            let context = this.exchange.context();
            runtime::now_polling(context);
            let _inside = context.span().enter();
            ready!(Pin::new(&mut this.inner).poll_frame(cx))
        };
        this.exchange.sent(data_length(&frame));
        match &frame {
            None => this.exchange.ended(),
            Some(Err(error)) => this.exchange.failed(error),
            Some(Ok(_)) if HttpBody::is_end_stream(&this.inner) => this.exchange.ended(),
            Some(Ok(_)) => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        HttpBody::is_end_stream(&self.inner)
    }

    fn size_hint(&self) -> SizeHint {
        HttpBody::size_hint(&self.inner)
    }
}

fn data_length(frame: &Option<Result<Frame<Bytes>, axum::Error>>) -> u64 {
    match frame {
        Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
        _ => 0,
    }
}
