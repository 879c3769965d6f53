//! Ranges: what parses lies inside what it is a range of, and is never empty.

#![no_main]

use hythe_oci::{ContentRange, RangeHeader};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u64, &str)| {
    let (size, text) = input;
    if let Ok(Some(range)) = RangeHeader::parse(text, size) {
        assert!(range.start < range.end && range.end <= size);
    }
    if let Ok(range) = text.parse::<ContentRange>() {
        assert_eq!(range.length(), range.end() - range.start() + 1);
        assert_eq!(range.to_string().parse(), Ok(range));
    }
});
