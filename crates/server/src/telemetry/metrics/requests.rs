//! Numbers a request: counted through handles that each thread keeps, so that no label is hashed on the way.

use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use ::metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use http::Method;

use crate::telemetry::load::UnderWay;

pub(super) const SECONDS: &str = "hythe_request_seconds";
const REQUESTS: &str = "hythe_requests_total";
const RECEIVED: &str = "hythe_received_bytes_total";
const SENT: &str = "hythe_sent_bytes_total";
const TRANSFERS: &str = "hythe_transfers";

pub(super) fn describe() {
    describe_counter!(
        REQUESTS,
        "Requests answered, by route, method and status; 499: the client left first."
    );
    describe_histogram!(SECONDS, "Time from a request's head to the end of the answer's body.");
    describe_counter!(RECEIVED, "Bytes of request bodies.");
    describe_counter!(SENT, "Bytes of response bodies.");
    describe_gauge!(TRANSFERS, "Bodies of 64 KiB and more, or of unknown size, under way.");
}

/// A request that is over.
pub(in crate::telemetry) struct Finished<'a> {
    pub(in crate::telemetry) route: &'static str,
    pub(in crate::telemetry) method: &'a Method,
    pub(in crate::telemetry) status: u16,
    pub(in crate::telemetry) duration: Duration,
    pub(in crate::telemetry) received: u64,
    pub(in crate::telemetry) sent: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key {
    route: &'static str,
    method: &'static str,
    status: u16,
}

struct Handles {
    requests: Counter,
    seconds: Histogram,
    received: Counter,
    sent: Counter,
}

impl Handles {
    fn new(key: Key) -> Handles {
        let Key { route, method, status } = key;
        let status = status.to_string();
        Handles {
            requests: counter!(REQUESTS, "route" => route, "method" => method, "status" => status.clone()),
            seconds: histogram!(SECONDS, "route" => route, "method" => method, "status" => status),
            received: counter!(RECEIVED, "route" => route),
            sent: counter!(SENT, "route" => route),
        }
    }

    fn add(&self, finished: &Finished<'_>) {
        self.requests.increment(1);
        self.seconds.record(finished.duration.as_secs_f64());
        if finished.received > 0 {
            self.received.increment(finished.received);
        }
        if finished.sent > 0 {
            self.sent.increment(finished.sent);
        }
    }
}

/// Counts a request. A thread meets some tens of combinations in its life, so it looks through a list.
pub(in crate::telemetry) fn record(finished: &Finished<'_>) {
    thread_local!(static KNOWN: RefCell<Vec<(Key, Handles)>> = const { RefCell::new(Vec::new()) });
    let key = Key { route: finished.route, method: method_label(finished.method), status: finished.status };
    KNOWN.with_borrow_mut(|known| {
        let position = known.iter().position(|(other, _)| *other == key).unwrap_or_else(|| {
            known.push((key, Handles::new(key)));
            known.len() - 1
        });
        known[position].1.add(finished);
    });
}

/// Methods are the client's to invent, so the unknown ones share a label.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// A route's pattern as a label. Patterns are written in the program, so their number is bounded and they may stay.
pub(in crate::telemetry) fn intern(pattern: &str) -> &'static str {
    static PATTERNS: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
    match patterns.get(pattern) {
        Some(known) => known,
        None => {
            let kept: &'static str = Box::leak(pattern.into());
            patterns.insert(kept);
            kept
        }
    }
}

/// Which way a body goes.
#[derive(Debug, Clone, Copy)]
pub(in crate::telemetry) enum Direction {
    In,
    Out,
}

/// A large body under way; counted until dropped.
#[derive(Debug)]
pub(in crate::telemetry) struct Transfer {
    gauge: Gauge,
    _under_way: UnderWay,
}

impl Transfer {
    pub(in crate::telemetry) fn begin(direction: Direction) -> Transfer {
        let gauge = match direction {
            Direction::In => gauge!(TRANSFERS, "direction" => "in"),
            Direction::Out => gauge!(TRANSFERS, "direction" => "out"),
        };
        gauge.increment(1.0);
        Transfer { gauge, _under_way: UnderWay::transfer() }
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.gauge.decrement(1.0);
    }
}
