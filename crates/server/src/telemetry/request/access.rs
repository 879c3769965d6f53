//! The end of a request: one access line, once, and its numbers in the metrics.

use std::fmt;
use std::time::Duration;

use http::{Method, StatusCode};
use tracing::Level;

use super::RequestContext;
use crate::telemetry::load::UnderWay;
use crate::telemetry::{metrics, traces};

const LONGEST_PATH: usize = 512;
const LONGEST_USER_AGENT: usize = 200;

/// A request and how far its answer has come. Dropped once, at the end, however it ends.
pub(super) struct Exchange {
    context: RequestContext,
    answer: Answer,
    sent: u64,
    expected: Option<u64>,
    _under_way: UnderWay,
}

enum Answer {
    /// The handler is at work.
    None,
    /// The head is out, the body on its way.
    Begun(StatusCode),
    Ended(StatusCode),
    Failed(StatusCode, String),
}

impl Exchange {
    pub(super) fn new(context: RequestContext) -> Exchange {
        Exchange { context, answer: Answer::None, sent: 0, expected: None, _under_way: UnderWay::request() }
    }

    pub(super) fn context(&self) -> &RequestContext {
        &self.context
    }

    pub(super) fn answered(&mut self, status: StatusCode, length: Option<u64>) {
        self.answer = Answer::Begun(status);
        self.expected = length;
    }

    pub(super) fn sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    pub(super) fn ended(&mut self) {
        if let Answer::Begun(status) = self.answer {
            self.answer = Answer::Ended(status);
        }
    }

    pub(super) fn failed(&mut self, error: &axum::Error) {
        if let Answer::Begun(status) = self.answer {
            self.answer = Answer::Failed(status, error.to_string());
        }
    }

    /// hyper drops a body without polling it to its end when it has what the head promised,
    /// and does not poll it at all in answer to HEAD.
    fn outcome(&self) -> Outcome<'_> {
        match &self.answer {
            Answer::None => Outcome::Unanswered,
            Answer::Ended(_) => Outcome::Complete,
            Answer::Failed(_, error) => Outcome::Failed(error),
            Answer::Begun(_) if self.expected == Some(self.sent) || self.context.method() == Method::HEAD => {
                Outcome::Complete
            }
            Answer::Begun(_) => Outcome::ClientGone { sent: self.sent, expected: self.expected },
        }
    }

    /// The status that was sent. 499 is nginx's number for a client that left before there was one.
    fn status(&self) -> u16 {
        match &self.answer {
            Answer::None => 499,
            Answer::Begun(status) | Answer::Ended(status) | Answer::Failed(status, _) => status.as_u16(),
        }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        let (context, status, duration) = (&self.context, self.status(), self.context.age());
        context.set_route(context.route());
        metrics::record(&metrics::Finished {
            route: context.route(),
            method: context.method(),
            status,
            duration,
            received: context.received(),
            sent: self.sent,
        });
        traces::end(context.span(), context.route(), status);
        self.log(status, duration);
    }
}

/// How an exchange ended.
pub(super) enum Outcome<'a> {
    Complete,
    Unanswered,
    ClientGone { sent: u64, expected: Option<u64> },
    Failed(&'a str),
}

impl fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Complete => Ok(()),
            Outcome::Unanswered => write!(f, "client went away before the answer"),
            Outcome::ClientGone { sent, expected: Some(all) } => {
                write!(f, "client went away after {sent} of {all} bytes")
            }
            Outcome::ClientGone { sent, expected: None } => write!(f, "client went away after {sent} bytes"),
            Outcome::Failed(error) => write!(f, "answer broke off: {error}"),
        }
    }
}

impl Outcome<'_> {
    fn error(&self) -> Option<String> {
        (!matches!(self, Outcome::Complete)).then(|| self.to_string())
    }
}

/// How loudly a request is told. Pulls that went well and the 401 and 404 by which clients feel
/// their way are for debugging; what changed something, was refused or broke off is worth a line.
pub(super) fn level(method: &Method, status: u16, outcome: &Outcome<'_>) -> Level {
    match (outcome, status) {
        (Outcome::Failed(_), _) | (Outcome::Complete, 500..) => Level::WARN,
        (Outcome::Unanswered | Outcome::ClientGone { .. }, _) => Level::INFO,
        (_, 401 | 404) => Level::DEBUG,
        (_, 400..) => Level::INFO,
        // Accepted: a part of an upload, whose end will be told.
        (_, 202) if *method != Method::DELETE => Level::DEBUG,
        _ if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) => Level::DEBUG,
        _ => Level::INFO,
    }
}

impl Exchange {
    /// The request's id, method, route, peer and user stand in its span.
    fn log(&self, status: u16, duration: Duration) {
        let outcome = self.outcome();
        macro_rules! line {
            ($level:expr) => {
                if tracing::enabled!(target: "hythe::access", $level) {
                    let context = &self.context;
                    let path = cut(context.path(), LONGEST_PATH);
                    let duration_ms = (duration.as_secs_f64() * 1e6).round() / 1e3;
                    tracing::event!(
                        target: "hythe::access",
                        parent: context.span(),
                        $level,
                        path,
                        status,
                        duration_ms,
                        received_bytes = context.received(),
                        sent_bytes = self.sent,
                        user_agent = context.user_agent().map(|name| cut(name, LONGEST_USER_AGENT)),
                        error = outcome.error(),
                        "{} {path} {status} in {duration_ms} ms",
                        context.method(),
                    )
                }
            };
        }
        match level(self.context.method(), status, &outcome) {
            Level::WARN => line!(Level::WARN),
            Level::INFO => line!(Level::INFO),
            _ => line!(Level::DEBUG),
        }
    }
}

/// At most the first bytes of a text, whole characters only.
fn cut(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}
