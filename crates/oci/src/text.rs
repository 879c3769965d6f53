//! Text helpers of this crate: quoting foreign input in messages, and serde by way of `Display` and `FromStr`.

use std::fmt;

/// How much of a client's text an error message repeats, in characters.
const EXCERPT_CHARS: usize = 80;

/// A client's text made safe to repeat in an error message: quoted, escaped and cut.
pub(crate) struct Excerpt<'a>(pub(crate) &'a str);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.char_indices().nth(EXCERPT_CHARS) {
            None => write!(f, "{:?}", self.0),
            Some((cut, _)) => write!(f, "{:?}…", &self.0[..cut]),
        }
    }
}

/// The excerpt as a value that an error can own.
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
    use super::excerpt;

    #[test]
    fn excerpts_are_escaped_and_cut_between_characters() {
        assert_eq!(excerpt("a\r\n\0\"b"), r#""a\r\n\0\"b""#);
        let long = "é".repeat(500);
        assert_eq!(excerpt(&long).chars().count(), 80 + 3);
        assert!(excerpt(&long).ends_with("\"…"));
    }
}
