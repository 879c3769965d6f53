//! What an upload to a bucket remembers between appends, and how large its parts are.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hythe_oci::upload_id::UploadId;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::store::Upload;

/// The first parts; S3 wants at least 5 MiB of all but the last.
pub(super) const FIRST_PART: u64 = 8 * 1024 * 1024;
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
    /// Takeovers of the upload before the multipart upload began, which belongs to a key that says so.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub(super) takeovers: u64,
    /// What S3 answered to each part, in their order.
    #[serde(default)]
    pub(super) parts: Vec<String>,
    /// Bytes behind the last full part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) tail: Option<Tail>,
}

/// Less than a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Tail {
    /// A few bytes in base64: with them in the row, a small blob is one request and not five.
    Inline(String),
    /// An object of its own. Its number is drawn and not counted, so that a writer which lost its lease cannot replace
    /// what another relies on.
    Object {
        number: u64,
        /// Size in bytes.
        size: u64,
        /// The tail that this one replaced. It goes with the next append: only then does the row no longer name it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        older: Option<u64>,
    },
}

impl Tail {
    pub(super) fn inline(bytes: &[u8]) -> Self {
        Self::Inline(STANDARD.encode(bytes))
    }

    /// The object's number, if it is one.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Self::Inline(_) => None,
            Self::Object { number, .. } => Some(*number),
        }
    }

    fn size(&self) -> u64 {
        match self {
            Self::Inline(text) => decode(text).map_or(0, |bytes| bytes.len() as u64),
            Self::Object { size, .. } => *size,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field so")]
fn is_none_yet(takeovers: &u64) -> bool {
    *takeovers == 0
}

/// The bytes of an inline tail.
pub(super) fn decode(text: &str) -> Result<Vec<u8>, base64::DecodeError> {
    STANDARD.decode(text)
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

    /// From the row, where they must hold as many bytes as its offset says.
    pub(super) fn of(upload: &Upload) -> Result<Parts, Error> {
        let parts = Self::read(upload.id, &upload.parts)?;
        let full: u64 = (0..parts.parts.len()).map(part_size).sum();
        let held = full + parts.tail.as_ref().map_or(0, Tail::size);
        if held == upload.offset {
            return Ok(parts);
        }
        let reason = format!("its parts hold {held} bytes, its offset is {}", upload.offset);
        Err(Error::Unreadable { upload: upload.id, reason })
    }

    /// The number of takeovers that the blob's key has: its own for each writer, unless the writer before has begun a
    /// multipart upload. That can be gone on with; S3 tells whoever completes it if another has replaced a part.
    pub(super) fn takeovers_of_key(&self, upload: &Upload) -> u64 {
        if self.multipart.is_some() { self.takeovers } else { upload.takeovers }
    }

    /// Whether objects beside the blob's own may have been written.
    pub(super) fn has_tail_objects(&self) -> bool {
        self.multipart.is_some() || matches!(self.tail, Some(Tail::Object { .. }))
    }

    /// For the row.
    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use hythe_oci::digest::Algorithm;

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
            takeovers: 2,
            parts: vec!["e".to_owned()],
            tail: Some(Tail::Object { number: 3, size: 9, older: None }),
        };
        assert_eq!(Parts::read(id, &notes.write()).unwrap(), notes);
        assert_eq!(Parts::read(id, "").unwrap(), Parts::default());
        assert!(matches!(Parts::read(id, "{"), Err(Error::Unreadable { .. })));
    }

    #[test]
    fn notes_that_do_not_add_up_are_refused() {
        let read = |offset, parts: &str| {
            let upload = Upload::new(UploadId::from_u128(7), Algorithm::Sha256);
            Parts::of(&Upload { offset, parts: parts.to_owned(), ..upload })
        };
        let text = r#"{"multipart":"m","parts":["e"],"tail":{"inline":"YWJj"}}"#;
        assert!(read(FIRST_PART + 3, text).is_ok());
        assert!(read(0, "").is_ok());
        for (offset, text) in [(3, text), (1, ""), (0, r#"{"tail":{"inline":"YWJj"}}"#)] {
            assert!(matches!(read(offset, text), Err(Error::Unreadable { .. })), "{offset} {text}");
        }
    }
}
