//! Challenges and the scopes of token requests: what is read is written so that it reads the same again.

#![no_main]

use hythe_oci::{Challenge, Scope, parse_scopes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let scopes = parse_scopes(text.split('&'));
    assert!(scopes.len() <= 64);
    for scope in scopes {
        assert!(!scope.actions.is_empty());
        assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
    }
    if let Ok(challenge) = text.parse::<Challenge>() {
        let header = challenge.to_string();
        assert!(!header.contains(char::is_control));
        if !text.contains(char::is_control) {
            assert_eq!(header.parse(), Ok(challenge));
        }
    }
});
