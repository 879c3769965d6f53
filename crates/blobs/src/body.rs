//! Bytes on their way in from a client or out to one, and what can stop them.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

/// A body in pieces. It ends with `None` when it is whole, with an error when it is not; never short in silence.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Why a body ended early: the client went away, sent less than it announced, or storage failed under a reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BodyError {
    message: String,
}

impl BodyError {
    /// An early end, with its reason in words.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

/// A body of one piece; an empty piece makes an empty body.
pub fn whole(bytes: impl Into<Bytes>) -> BodyStream {
    let bytes = bytes.into();
    stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed()
}

/// A body that fails at once.
pub(crate) fn broken(message: impl Into<String>) -> BodyStream {
    stream::iter([Err(BodyError::new(message))]).boxed()
}
