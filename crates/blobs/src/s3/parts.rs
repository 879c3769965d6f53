//! What an upload to a bucket remembers between appends, and how large its parts are.

use hythe_oci::upload_id::UploadId;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The first parts; S3 wants at least 5 MiB of all but the last.
const FIRST_PART: u64 = 8 * 1024 * 1024;
/// Parts are twice as large after each so many, so that S3's 10,000 parts reach S3's 5 TiB, and a blob of 8 GiB still
/// goes in parts of 8 MiB.
const DOUBLED_AFTER: usize = 1000;
/// S3's largest part is 5 GiB.
const LARGEST_PART: u64 = 4 * 1024 * 1024 * 1024;

/// The size in bytes of the part with this number, counted from 0.
pub(super) fn part_size(number: usize) -> u64 {
    let doublings = u32::try_from(number / DOUBLED_AFTER).unwrap_or(u32::MAX);
    FIRST_PART.checked_shl(doublings).unwrap_or(LARGEST_PART).min(LARGEST_PART)
}

/// The notes in an upload's row: any process can go on from them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts {
    /// S3's name for the multipart upload; there is none until a first part is full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) multipart: Option<String>,
    /// What S3 answered to each part, in their order.
    #[serde(default)]
    pub(super) parts: Vec<String>,
    /// Bytes behind the last full part, in an object of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tail: Option<Tail>,
}

/// An object that holds less than a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tail {
    /// Counts the tails of this upload.
    pub(super) number: u64,
    /// Size in bytes.
    pub(super) size: u64,
}

impl Parts {
    /// From the row; an empty text is an upload that has just begun.
    pub(super) fn read(id: UploadId, text: &str) -> Result<Parts, Error> {
        if text.is_empty() {
            return Ok(Parts::default());
        }
        serde_json::from_str(text)
            .map_err(|error| Error::Unreadable { upload: id, reason: error.to_string() })
    }

    /// For the row.
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIB: u64 = 1 << 40;

    #[test]
    fn ten_thousand_parts_reach_five_tebibytes() {
        let whole: u64 = (0..10_000).map(part_size).sum();
        assert!(whole >= 5 * TIB, "{whole}");
        assert!((0..10_000).all(|number| part_size(number) <= 5 << 30));
    }

    #[test]
    fn a_hundred_gibibytes_go_in_parts_of_at_most_64_mebibytes() {
        let mut left = 100_u64 << 30;
        let mut number = 0;
        while left > 0 {
            assert!(part_size(number) <= 64 << 20);
            left = left.saturating_sub(part_size(number));
            number += 1;
        }
        assert!(number < 10_000);
    }

    #[test]
    fn parts_never_shrink_below_the_least_that_s3_takes() {
        assert!(
            (0..10_000)
                .all(|number| part_size(number) >= 5 << 20 && part_size(number) <= part_size(number + 1))
        );
    }

    #[test]
    fn notes_come_back_from_their_text() {
        let id = UploadId::from_u128(7);
        let notes = Parts {
            multipart: Some("m".to_owned()),
            parts: vec!["e".to_owned()],
            tail: Some(Tail { number: 3, size: 9 }),
        };
        assert_eq!(Parts::read(id, &notes.write()).unwrap(), notes);
        assert_eq!(Parts::read(id, "").unwrap(), Parts::default());
        assert!(matches!(Parts::read(id, "{"), Err(Error::Unreadable { .. })));
    }
}
