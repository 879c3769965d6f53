//! Digests: what parses is spelt one way only, and comes back from its parts.

#![no_main]

use hythe_oci::Digest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
        assert_eq!(digest.hex().len(), digest.algorithm().hex_len());
        assert_eq!(Digest::new(digest.algorithm(), digest.bytes()), Ok(digest));
    }
});
