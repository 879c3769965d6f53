//! Tags (distribution specification, "Pulling manifests").

use std::fmt;
use std::str::FromStr;

use crate::text::{excerpt, serde_as_string};

/// Most characters that a tag may have.
pub const MAX_LENGTH: usize = 128;

/// A tag: `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(String);

impl Tag {
    /// The tag as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_tag = text.len() <= MAX_LENGTH
            && text.bytes().next().is_some_and(is_word)
            && text.bytes().all(|byte| is_word(byte) || matches!(byte, b'.' | b'-'));
        if is_tag { Ok(Self(text.to_owned())) } else { Err(TagError { tag: excerpt(text) }) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for Tag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

serde_as_string!(Tag);

/// The text is not a tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "tag {tag} is not valid: a tag is 1 to {MAX_LENGTH} of A-Z, a-z, 0-9, '_', '.' and '-', and starts with neither '.' nor '-'"
)]
pub struct TagError {
    /// The text, quoted.
    tag: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{MAX_LENGTH, Tag};

    #[test]
    fn reads_tags() {
        for text in
            ["latest", "1.2.3", "_", "A", "v1-rc.1_x", "a..b", "sha256-abc.sig", &"a".repeat(MAX_LENGTH)]
        {
            assert_eq!(text.parse::<Tag>().unwrap().as_str(), text);
        }
    }

    #[test]
    fn refuses_other_texts() {
        for text in [
            "",
            ".a",
            "-a",
            "a b",
            "a/b",
            "a:b",
            "a@b",
            "é",
            "a\0",
            "a\n",
            "a+b",
            &"a".repeat(MAX_LENGTH + 1),
        ] {
            assert!(text.parse::<Tag>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn accepts_the_specifications_pattern(text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            let tag: Tag = text.parse().unwrap();
            prop_assert_eq!(serde_json::to_string(&tag).unwrap(), format!("\"{text}\""));
            prop_assert_eq!(tag.to_string(), text);
        }
    }
}
