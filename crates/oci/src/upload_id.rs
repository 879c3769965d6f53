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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::UploadId;

    #[test]
    fn refuses_other_spellings() {
        let id = UploadId::from_u128(0xabc).to_string();
        assert_eq!(id, "00000000000000000000000000000abc");
        for text in [
            "",
            &id[1..],
            &format!("{id}0"),
            &id.to_uppercase(),
            &id.replace('a', "+"),
            &id.replace('a', "g"),
        ] {
            assert!(text.parse::<UploadId>().is_err(), "{text}");
        }
        assert!("01997f0a-9a3c-7b1e-8f00-0123456789ab".parse::<UploadId>().is_err());
    }

    proptest! {
        #[test]
        fn comes_back_from_its_text(id in any::<u128>()) {
            prop_assert_eq!(UploadId::from_u128(id).to_string().parse(), Ok(UploadId::from_u128(id)));
        }
    }
}
