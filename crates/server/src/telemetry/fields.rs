//! The names of log fields, in one place, so that one search finds one thing on every line.
//!
//! Never a field, under any name: a token, a password, a cookie, a body, a query string.

/// The id that the client got as `X-Request-Id`.
pub const REQUEST_ID: &str = "request_id";
/// The request's method.
pub const METHOD: &str = "method";
/// The request's path without its query, which may carry secrets.
pub const PATH: &str = "path";
/// The short name of the route, the same as in metrics.
pub const ROUTE: &str = "route";
/// The answer's status code.
pub const STATUS: &str = "status";
/// From the request's head to the end of the answer's body.
pub const DURATION_MS: &str = "duration_ms";
/// Bytes of request body received.
pub const RECEIVED_BYTES: &str = "received_bytes";
/// Bytes of response body sent.
pub const SENT_BYTES: &str = "sent_bytes";
/// Who is at the other end of the connection.
pub const PEER: &str = "peer";
/// The name the caller has proved.
pub const USER: &str = "user";
/// What the client calls itself.
pub const USER_AGENT: &str = "user_agent";
/// Where in the source a panic began.
pub const LOCATION: &str = "location";
/// The thread that panicked.
pub const THREAD: &str = "thread";
/// The error and its causes, outermost first.
pub const ERROR: &str = "error";

/// The fields of an access line, in their order.
pub const ACCESS: &[&str] = &[
    REQUEST_ID,
    METHOD,
    PATH,
    ROUTE,
    STATUS,
    DURATION_MS,
    RECEIVED_BYTES,
    SENT_BYTES,
    PEER,
    USER,
    USER_AGENT,
    ERROR,
];
