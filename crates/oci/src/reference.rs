//! What a manifest is asked for by: a tag or a digest (distribution specification, "Pulling manifests").

use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, DigestError};
use crate::tag::{Tag, TagError};
use crate::text::serde_as_string;

/// The last part of `/v2/<name>/manifests/<reference>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// A pointer that can move.
    Tag(Tag),
    /// The content itself.
    Digest(Digest),
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// A text with a colon is a digest, as a tag cannot have one.
    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.contains(':') { Ok(Self::Digest(text.parse()?)) } else { Ok(Self::Tag(text.parse()?)) }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

serde_as_string!(Reference);

/// Why a text is neither a tag nor a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It has no colon, and is no tag.
    #[error(transparent)]
    Tag(#[from] TagError),
    /// It has a colon, and is no digest.
    #[error(transparent)]
    Digest(#[from] DigestError),
}

#[cfg(test)]
mod tests {
    use super::{Reference, ReferenceError};

    #[test]
    fn a_colon_makes_a_digest() {
        let digest = format!("sha256:{}", "0".repeat(64));
        assert!(matches!(digest.parse(), Ok(Reference::Digest(_))));
        assert!(matches!("latest".parse(), Ok(Reference::Tag(_))));
        assert!(matches!("sha256:latest".parse::<Reference>(), Err(ReferenceError::Digest(_))));
        assert!(matches!(".latest".parse::<Reference>(), Err(ReferenceError::Tag(_))));
        for text in ["latest", digest.as_str()] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
    }
}
