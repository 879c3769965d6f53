//! Text helpers of this crate: foreign input in messages, and serde by way of `Display` and `FromStr`.

use std::fmt;

/// How much of a client's text an error message repeats, in characters.
const EXCERPT_CHARS: usize = 80;

struct Excerpt<'a>(&'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(EXCERPT_CHARS) {
            None => write!(f, "{:?}", self.0),
            Some((cut, _)) => write!(f, "{:?}…", &self.0[..cut]),
        }
    }
}

/// Longest text of another library's error that a message repeats, in bytes.
const REASON_BYTES: usize = 300;

/// Another library's error as text, cut: serde repeats a wrong value whole, however long a client made it.
pub(crate) fn reason(error: impl fmt::Display) -> String {
    let mut text = error.to_string();
    if text.len() > REASON_BYTES {
        text.truncate(text.floor_char_boundary(REASON_BYTES));
        text.push('…');
    }
    text
}

/// A client's text made safe to repeat in an error message: quoted, escaped and cut.
pub(crate) fn excerpt(text: &str) -> String {
    Excerpt(text).to_string()
}

/// A hexadecimal digit's value; capital letters are refused, because one value has one spelling here.
pub(crate) fn lower_hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Serialises a type as the string that it displays, and reads it back through `FromStr`.
macro_rules! serde_as_string {
    ($($type:ty),+) => {$(
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}
pub(crate) use serde_as_string;

#[cfg(test)]
mod tests {
    use super::{REASON_BYTES, excerpt, reason};

    #[test]
    fn excerpts_are_escaped_and_cut_between_characters() {
        assert_eq!(excerpt("a\r\n\0\"b"), r#""a\r\n\0\"b""#);
        let long = "é".repeat(500);
        assert_eq!(excerpt(&long).chars().count(), 80 + 3);
        assert!(excerpt(&long).ends_with("\"…"));
    }

    #[test]
    fn reasons_are_cut_between_characters() {
        assert_eq!(reason("short"), "short");
        let long = reason(format!("a{}", "é".repeat(500)));
        assert!(long.ends_with("é…") && long.len() <= REASON_BYTES + '…'.len_utf8());
    }
}
