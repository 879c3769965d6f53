//! Byte ranges: of a chunk that is sent, and of a blob that is asked for.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::text::excerpt;

/// Where a chunk of an upload lies (distribution specification, "Pushing a blob in chunks"): both ends are
/// part of it, so that it is never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentRange {
    start: u64,
    end: u64,
}

impl ContentRange {
    /// The range with these first and last bytes; `None` when it would be empty, or when content
    /// up to its end would be longer than `i64::MAX`.
    pub const fn new(start: u64, end: u64) -> Option<Self> {
        if start <= end && end < i64::MAX as u64 { Some(Self { start, end }) } else { None }
    }

    /// Offset of the first byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// Offset of the last byte; the content up to it has a length that fits `i64`.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// Number of bytes, at least 1.
    pub const fn length(self) -> u64 {
        self.end - self.start + 1
    }
}

impl FromStr for ContentRange {
    type Err = ContentRangeError;

    /// Reads the specification's `0-9`, and what clients send besides: `bytes=0-9`, and RFC 9110's `bytes
    /// 0-9/*` with any total.
    fn from_str(text: &str) -> Result<Self, ContentRangeError> {
        parse_content_range(text).ok_or_else(|| ContentRangeError { range: excerpt(text) })
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.start, self.end)
    }
}

/// The text is not a chunk's range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("content range {range} is not valid: write it as <first>-<last>, both inclusive")]
pub struct ContentRangeError {
    /// The text, quoted.
    range: String,
}

/// The `Range` header of a request for a blob (RFC 9110, section 14).
#[derive(Debug, Clone, Copy)]
pub struct RangeHeader;

impl RangeHeader {
    /// The bytes that the header asks for of a blob of `size` bytes; never empty.
    ///
    /// `None` means: send the whole blob. So says RFC 9110 of units that are unknown and of headers that do
    /// not parse, and allows it for several ranges at once, which no registry client asks for. A range that ends
    /// before it begins may be ignored or refused (section 14.2); it is refused, as it is a client's mistake.
    pub fn parse(header: &str, size: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
        let Some((first, last)) = single_range(header) else { return Ok(None) };
        // No 206 can say nothing, and clients that ask for every blob from its first byte on have made no mistake.
        if size == 0 {
            return Ok(None);
        }
        let range = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
            (Some(_), Some(_)) => return Err(Unsatisfiable { size }),
            (Some(first), None) if last.is_empty() => first..size,
            (None, Some(length)) if first.is_empty() => size.saturating_sub(length)..size,
            _ => return Ok(None),
        };
        if range.is_empty() { Err(Unsatisfiable { size }) } else { Ok(Some(range)) }
    }
}

/// The range lies outside the blob: answer 416 with `Content-Range: bytes */<size>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("range lies outside the blob of {size} bytes")]
pub struct Unsatisfiable {
    /// Length of the blob in bytes.
    pub size: u64,
}

fn parse_content_range(text: &str) -> Option<ContentRange> {
    let text = text.trim();
    let range = match text.strip_prefix("bytes").and_then(|rest| rest.strip_prefix(['=', ' '])) {
        Some(rest) => rest.trim_start(),
        None => text,
    };
    let (range, total) = range.split_once('/').unwrap_or((range, "*"));
    let (start, end) = range.split_once('-')?;
    let range = ContentRange::new(number(start)?, number(end)?)?;
    is_total(total, range.end).then_some(range)
}

fn is_total(total: &str, end: u64) -> bool {
    total == "*" || number(total).is_some_and(|total| total > end)
}

/// The two sides of `bytes=a-b`; `None` for another unit, no dash or more than one range.
fn single_range(header: &str) -> Option<(&str, &str)> {
    let (unit, set) = header.split_once('=')?;
    let (first, last) = set.trim().split_once('-')?;
    unit.trim().eq_ignore_ascii_case("bytes").then_some((first.trim_end(), last.trim_start()))
}

/// Digits as a number; more of them than fit stand for the largest, which lies outside any blob all the same.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::{ContentRange, RangeHeader, Unsatisfiable};

    type Answer = Result<Option<Range<u64>>, Unsatisfiable>;

    #[test]
    fn reads_chunk_ranges_in_every_form() {
        let forms = ["5-9", "bytes=5-9", "bytes 5-9/*", "bytes 5-9/10", " 5-9 ", "bytes 5-9", "005-9"];
        for text in forms {
            let range: ContentRange = text.parse().unwrap();
            assert_eq!((range.start(), range.end(), range.length()), (5, 9, 5), "{text}");
            assert_eq!(range.to_string(), "5-9");
        }
        assert_eq!("0-0".parse::<ContentRange>().unwrap().length(), 1);
    }

    #[test]
    fn refuses_other_chunk_ranges() {
        let huge = ["0-9223372036854775807", "0-18446744073709551615", "0-99999999999999999999"];
        let bad = [
            "", "-", "5", "5-", "-5", "9-5", "+5-9", "5-+9", "5 - 9", "0x5-9", "5-9-11", "bytes", "bytes=",
            "bytes5-9",
        ];
        let totals = ["bytes 5-9/9", "bytes 5-9/", "bytes 5-9/x", "items 5-9", "bytes */10", "5-9,11-12"];
        for text in huge.into_iter().chain(bad).chain(totals) {
            assert!(text.parse::<ContentRange>().is_err(), "{text}");
        }
        assert!("0-9223372036854775806".parse::<ContentRange>().is_ok());
    }

    #[test]
    fn reads_range_headers() {
        let table: [(&str, u64, Answer); 27] = [
            ("bytes=0-4", 10, Ok(Some(0..5))),
            ("bytes=0-0", 10, Ok(Some(0..1))),
            ("bytes=9-9", 10, Ok(Some(9..10))),
            ("bytes=0-9", 10, Ok(Some(0..10))),
            ("bytes=5-", 10, Ok(Some(5..10))),
            ("bytes=0-", 10, Ok(Some(0..10))),
            ("bytes=5-100", 10, Ok(Some(5..10))),
            ("bytes=5-99999999999999999999999", 10, Ok(Some(5..10))),
            ("bytes=-3", 10, Ok(Some(7..10))),
            ("bytes=-100", 10, Ok(Some(0..10))),
            ("BYTES = 0-4", 10, Ok(Some(0..5))),
            ("bytes= 0-4 ", 10, Ok(Some(0..5))),
            ("bytes=10-", 10, Err(Unsatisfiable { size: 10 })),
            ("bytes=10-12", 10, Err(Unsatisfiable { size: 10 })),
            ("bytes=99999999999999999999999-", 10, Err(Unsatisfiable { size: 10 })),
            ("bytes=-0", 10, Err(Unsatisfiable { size: 10 })),
            ("bytes=0-", 0, Ok(None)),
            ("bytes=-1", 0, Ok(None)),
            ("bytes=-0", 0, Ok(None)),
            ("bytes=4-2", 10, Err(Unsatisfiable { size: 10 })),
            ("bytes=0-1,3-4", 10, Ok(None)),
            ("bytes=-", 10, Ok(None)),
            ("bytes=", 10, Ok(None)),
            ("bytes=a-b", 10, Ok(None)),
            ("bytes=1-b", 10, Ok(None)),
            ("items=0-4", 10, Ok(None)),
            ("0-4", 10, Ok(None)),
        ];
        for (header, size, expected) in table {
            assert_eq!(RangeHeader::parse(header, size), expected, "{header} of {size}");
        }
        assert_eq!(RangeHeader::parse("bytes=0-18446744073709551615", u64::MAX), Ok(Some(0..u64::MAX)));
    }

    proptest! {
        #[test]
        fn chunk_ranges_come_back_from_their_text(a in 0..i64::MAX as u64, b in 0..i64::MAX as u64) {
            let range = ContentRange::new(a.min(b), a.max(b)).unwrap();
            prop_assert_eq!(range.to_string().parse(), Ok(range));
            prop_assert_eq!(format!("bytes {range}/*").parse(), Ok(range));
        }

        #[test]
        fn range_headers_agree_with_slices(first in 0_u64..30, last in 0_u64..30, size in 0_u64..20) {
            let wanted: Vec<_> = (0..size).filter(|offset| (first..=last).contains(offset)).collect();
            match RangeHeader::parse(&format!("bytes={first}-{last}"), size) {
                Ok(Some(range)) => prop_assert_eq!(range.collect::<Vec<_>>(), wanted),
                Ok(None) => prop_assert_eq!(size, 0, "a well-formed range was ignored"),
                Err(_) => prop_assert!(wanted.is_empty()),
            }
        }
    }
}
