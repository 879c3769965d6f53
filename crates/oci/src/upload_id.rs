//! The name of an upload session, the unique part of the specification's `<blob-push-location>`.

use std::fmt;
use std::str::FromStr;

use crate::text::{lower_hex_value, serde_as_string};

const HEX_LEN: usize = 32;

/// An upload's 128-bit id, written as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UploadId(u128);

impl UploadId {
    /// The id with this number; whoever makes one sees to it that it cannot be guessed.
    pub const fn from_u128(id: u128) -> Self {
        Self(id)
    }

    /// The id as a number.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for UploadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for UploadId {
    type Err = UploadIdError;

    fn from_str(text: &str) -> Result<Self, UploadIdError> {
        if text.len() != HEX_LEN {
            return Err(UploadIdError);
        }
        text.bytes()
            .try_fold(0, |id, digit| Some(id << 4 | u128::from(lower_hex_value(digit)?)))
            .map(Self)
            .ok_or(UploadIdError)
    }
}

serde_as_string!(UploadId);

/// The text is not an upload's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an upload's id is {HEX_LEN} lower-case hexadecimal digits")]
pub struct UploadIdError;
