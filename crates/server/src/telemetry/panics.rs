//! Panics as log lines: one each, where the logs go, with the request that was being served.

use std::any::Any;
use std::panic::{self, PanicHookInfo};
use std::thread;

use super::logs;

/// A message may show a value, of any length.
const LONGEST_MESSAGE: usize = 500;

/// From now on a panic is an error in the log. What cannot be logged goes to standard error as ever: while there is no
/// log, and where the log itself is at fault.
pub(super) fn install() {
    let to_standard_error = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        let is_writer = thread::current().name() == Some(logs::WRITER);
        if is_writer || !tracing::enabled!(tracing::Level::ERROR) {
            return to_standard_error(panicked);
        }
        log(panicked);
    }));
}

/// The request's id stands in the span around its work, which is still entered here.
fn log(panicked: &PanicHookInfo<'_>) {
    let location = panicked.location().map(ToString::to_string);
    let message = message(panicked.payload());
    let thread = thread::current();
    tracing::error!(
        location,
        thread = thread.name(),
        "panicked: {message}; this is a fault in hythe, report it with this line"
    );
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text =
        text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message");
    text[..text.floor_char_boundary(LONGEST_MESSAGE)].escape_debug().to_string()
}
