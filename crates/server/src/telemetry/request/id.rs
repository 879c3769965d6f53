//! The id of a request: the client's own where it is sane, else a UUID of version 7.

use std::fmt;
use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue};

/// The header in which a request id comes and goes.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST: usize = 64;

/// Names one request, in the log, in a trace and to the client. ASCII, at most 64 characters.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The id that the headers bring, or a new one.
    pub(super) fn of(headers: &HeaderMap) -> RequestId {
        let brought = headers.get(HEADER).and_then(|value| value.to_str().ok());
        match brought {
            Some(id) if is_sane(id) => RequestId(id.into()),
            _ => RequestId::new(),
        }
    }

    /// A new id, ordered by time. Its bits beside the time come from a counter stirred with one random
    /// number a process: no system call a request, and unique within the process by construction.
    fn new() -> RequestId {
        static SEED: LazyLock<u64> = LazyLock::new(|| uuid::Uuid::new_v4().as_u64_pair().1);
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let milliseconds =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |age| age.as_millis() as u64);
        let stirred = stir(SEED.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed))).to_be_bytes();
        let mut tail = [0; 10];
        tail[2..].copy_from_slice(&stirred);
        tail[1] = stirred[0]; // the variant overwrites the two highest bits of tail[2]; here they survive
        let id = uuid::Builder::from_unix_timestamp_millis(milliseconds, &tail).into_uuid();
        RequestId(Arc::from(&*id.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer())))
    }

    /// The id as it stands in the log and in the header.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(super) fn header_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.0).ok()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an id from outside may stand in a log line.
fn is_sane(id: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=LONGEST).contains(&id.len()) && id.bytes().all(fits)
}

/// The finaliser of splitmix64: a bijection, so distinct counts give distinct numbers.
fn stir(number: u64) -> u64 {
    let number = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(id: &str) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, HeaderValue::from_str(id).unwrap());
        RequestId::of(&headers)
    }

    #[test]
    fn a_sane_id_is_kept() {
        assert_eq!(of("CI-run_12.a").as_str(), "CI-run_12.a");
        assert_eq!(of(&"a".repeat(64)).as_str(), "a".repeat(64));
    }

    #[test]
    fn an_insane_id_is_replaced() {
        for id in ["", "a b", "a\"b", "a/b", "ä", &"a".repeat(65)] {
            assert_eq!(of(id).as_str().len(), 36, "{id:?}");
        }
    }

    #[test]
    fn new_ids_are_version_7_and_differ() {
        let ids: std::collections::HashSet<_> = (0..10_000).map(|_| RequestId::new()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            let id: uuid::Uuid = id.as_str().parse().unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        }
    }
}
