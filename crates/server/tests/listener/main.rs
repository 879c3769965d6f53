//! The listener from outside: real sockets, raw bytes where a client library would be too polite.
#![allow(clippy::panic, clippy::unwrap_used, reason = "tests")]

mod drain;
mod files;
mod house;
mod limits;
mod speaks;
mod tls;
