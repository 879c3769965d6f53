//! Selectors of rules, in Harbor's shape and in the registry's.

use http::StatusCode;
use hythe_api::selector::Selector as Shown;
use hythe_registry::selectors::Selector;

use super::RestFailure;

/// Harbor reads the first one only, which is a trap: here there must be one.
pub(super) fn only(mut selectors: Vec<Shown>, field: &str) -> Result<Shown, RestFailure> {
    match (selectors.pop(), selectors.is_empty()) {
        (Some(one), true) => Ok(one),
        (_, _) => {
            let message = format!("{field} must hold one selector; join several patterns as {{a,b}}");
            Err(RestFailure::new(StatusCode::BAD_REQUEST, message))
        }
    }
}

pub(super) fn read(given: Shown) -> Selector {
    let Shown { kind, decoration, pattern, extras } = given;
    Selector { kind, decoration, pattern, extras: extras.unwrap_or_default() }
}

pub(super) fn show(selector: Selector) -> Shown {
    let Selector { kind, decoration, pattern, extras } = selector;
    Shown { kind, decoration, pattern, extras: Some(extras).filter(|extras| !extras.is_empty()) }
}
