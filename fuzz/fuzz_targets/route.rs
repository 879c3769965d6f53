//! Requests: a path leads to one route whatever its escapes, and a route's repository is always in its path.
//!
//! Input is `METHOD path?query`.

#![no_main]

use hythe_oci::Route;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some((method, target)) = text.split_once(' ') else { return };
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let route = Route::parse(method, path, query);
    match &route {
        Ok(route) => {
            route.right();
            assert!(!route.label().is_empty());
            if let Some(repository) = route.repository()
                && !path.contains('%')
            {
                assert!(
                    path.starts_with(&format!("/v2/{}/", repository.rest()))
                        || path.starts_with(&format!("/v2/{repository}/"))
                );
            }
        }
        Err(error) => {
            assert!((400..500).contains(&error.status) && error.message.len() < 2048);
            assert!(!error.message.contains(char::is_control));
        }
    }
    if !path.contains('%') {
        assert_eq!(Route::parse(method, &escape(path), query).is_ok(), route.is_ok());
    }
});

/// Every byte as `%XX`.
fn escape(path: &str) -> String {
    path.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
