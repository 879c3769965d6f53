//! Byte ranges: of a chunk that is sent (distribution specification, "Pushing a blob in chunks"), and of a blob that
//! is asked for (RFC 9110, section 14).

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use crate::text::excerpt;

/// Where a chunk of an upload lies: both ends are part of it, so that it is never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentRange {
    start: u64,
    end: u64,
}

impl ContentRange {
    /// Offset of the first byte.
    pub const fn start(self) -> u64 {
        self.start
    }

    /// Offset of the last byte, at most `i64::MAX`.
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

    /// Reads the specification's `0-9`, and what clients send besides: `bytes=0-9`, and RFC 9110's `bytes 0-9/*`
    /// with any total.
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

/// The `Range` header of a request for a blob.
#[derive(Debug, Clone, Copy)]
pub struct RangeHeader;

impl RangeHeader {
    /// The bytes that the header asks for of a blob of `size` bytes; never empty.
    ///
    /// `None` means: send the whole blob. So says RFC 9110 of units that are unknown and of headers that do not
    /// parse, and allows it for several ranges at once, which no registry client asks for.
    pub fn parse(header: &str, size: u64) -> Result<Option<Range<u64>>, Unsatisfiable> {
        let Some((first, last)) = single_range(header) else { return Ok(None) };
        let range = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
            (Some(first), None) if last.is_empty() => first..size,
            // The last bytes of nothing are nothing, which no 206 can say.
            (None, Some(length)) if first.is_empty() && length > 0 && size == 0 => return Ok(None),
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
    let (start, end) = (offset(start)?, offset(end)?);
    (start <= end && is_total(total, end)).then_some(ContentRange { start, end })
}

/// An offset inside content, whose length must be an `i64`.
fn offset(text: &str) -> Option<u64> {
    number(text).filter(|offset| *offset < i64::MAX as u64)
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
