//! Manifests: reading never fails in another way than by its error, and what is read can be served again.
//!
//! Input up to the first line feed is the Content-Type, absent when empty; the rest is the body.

#![no_main]

use hythe_oci::{Descriptor, Kind, Manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let content_type = str::from_utf8(&input[..end]).ok().filter(|text| !text.is_empty());
    let body = input.get(end + 1..).unwrap_or_default();
    match Manifest::parse(body, content_type) {
        Ok(manifest) => check(&manifest, body),
        Err(error) => assert!(error.to_string().len() < 4096),
    }
});

fn check(manifest: &Manifest, body: &[u8]) {
    assert!(manifest.media_type.bytes().all(|byte| byte.is_ascii_graphic()));
    assert!(manifest.referrer_type().is_none_or(|text| !text.is_empty() && !text.contains('\0')));
    assert!(manifest.kind != Kind::Image || manifest.config.is_some());
    assert_eq!(Manifest::parse(body, Some(&manifest.media_type)).as_ref(), Ok(manifest));
    for (_, descriptor) in manifest.references() {
        let json = serde_json::to_string(descriptor).expect("descriptor serialises");
        assert_eq!(serde_json::from_str::<Descriptor>(&json).expect("descriptor reads back"), *descriptor);
    }
}
