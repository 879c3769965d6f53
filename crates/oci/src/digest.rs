//! Content digests, `algorithm:hex`, as the image specification's descriptor.md defines them.

use std::fmt;
use std::str::FromStr;

use crate::text::{excerpt, lower_hex_value, serde_as_string};

/// A hash algorithm that the specification registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256, which every registry and client must support.
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name before the colon of a digest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Length of a hash in bytes.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Length of a hash in hexadecimal digits.
    pub const fn hex_len(self) -> usize {
        self.byte_len() * 2
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        match text {
            "sha256" => Ok(Self::Sha256),
            "sha512" => Ok(Self::Sha512),
            _ => Err(DigestError::UnsupportedAlgorithm { algorithm: excerpt(text) }),
        }
    }
}

/// A hash and the algorithm that made it. Digests sort as their text does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Hash);

/// One variant an algorithm, so that a hash of the wrong length cannot be held.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Hash {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

impl Digest {
    /// A digest from the bytes of a hash; fails when their number is not the algorithm's.
    pub fn new(algorithm: Algorithm, hash: &[u8]) -> Result<Self, DigestError> {
        let wrong_length = |_| DigestError::WrongLength {
            algorithm,
            expected: algorithm.hex_len(),
            found: hash.len().saturating_mul(2),
        };
        Ok(Self(match algorithm {
            Algorithm::Sha256 => Hash::Sha256(hash.try_into().map_err(wrong_length)?),
            Algorithm::Sha512 => Hash::Sha512(hash.try_into().map_err(wrong_length)?),
        }))
    }

    /// The algorithm that made the hash.
    pub const fn algorithm(&self) -> Algorithm {
        match self.0 {
            Hash::Sha256(_) => Algorithm::Sha256,
            Hash::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The hash: 32 or 64 bytes.
    pub const fn bytes(&self) -> &[u8] {
        match &self.0 {
            Hash::Sha256(bytes) => bytes,
            Hash::Sha512(bytes) => bytes,
        }
    }

    /// The hash as 64 or 128 lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        Hex(self.bytes()).to_string()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), Hex(self.bytes()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Self, DigestError> {
        let (algorithm, hex) =
            text.split_once(':').ok_or_else(|| DigestError::NoAlgorithm { digest: excerpt(text) })?;
        let algorithm: Algorithm = algorithm.parse()?;
        if hex.len() != algorithm.hex_len() {
            return Err(DigestError::WrongLength {
                algorithm,
                expected: algorithm.hex_len(),
                found: hex.len(),
            });
        }
        let mut hash = [0; Algorithm::Sha512.byte_len()];
        let hash = &mut hash[..algorithm.byte_len()];
        decode_hex(hex, hash).ok_or_else(|| DigestError::NotHex { digest: excerpt(text) })?;
        Self::new(algorithm, hash)
    }
}

serde_as_string!(Algorithm, Digest);

/// Why a text is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// There is no colon.
    #[error("digest {digest} has no algorithm: write it as sha256:<64 hexadecimal digits>")]
    NoAlgorithm {
        /// The text, quoted.
        digest: String,
    },
    /// The algorithm is not one that this registry stores.
    #[error("digest algorithm {algorithm} is not supported: use sha256 or sha512")]
    UnsupportedAlgorithm {
        /// The name, quoted.
        algorithm: String,
    },
    /// The hash is too short or too long for its algorithm.
    #[error("a {algorithm} digest has {expected} hexadecimal digits, not {found}")]
    WrongLength {
        /// The algorithm that the digest names.
        algorithm: Algorithm,
        /// Hexadecimal digits that the algorithm gives.
        expected: usize,
        /// Bytes of text found.
        found: usize,
    },
    /// The hash has something other than the digits `0-9a-f`.
    #[error("digest {digest} is not lower-case hexadecimal")]
    NotHex {
        /// The text, quoted.
        digest: String,
    },
}

/// Bytes shown as lower-case hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in self.0 {
            f.write_str(
                str::from_utf8(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
                    .map_err(|_| fmt::Error)?,
            )?;
        }
        Ok(())
    }
}

/// Fills `bytes` from twice as many lower-case digits; `None` at the first other character.
fn decode_hex(hex: &str, bytes: &mut [u8]) -> Option<()> {
    let (pairs, _) = hex.as_bytes().as_chunks::<2>();
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = lower_hex_value(*high)? << 4 | lower_hex_value(*low)?;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Algorithm, Digest, DigestError};

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn reads_and_shows_the_digest_of_nothing() {
        let digest: Digest = EMPTY.parse().unwrap();
        assert_eq!(digest.algorithm(), Algorithm::Sha256);
        assert_eq!(&digest.bytes()[..2], &[0xe3, 0xb0]);
        assert_eq!(format!("sha256:{}", digest.hex()), EMPTY);
        assert_eq!(format!("{digest} {digest:?}"), format!("{EMPTY} {EMPTY}"));
        assert_eq!(serde_json::to_string(&digest).unwrap(), format!("\"{EMPTY}\""));
    }

    #[test]
    fn refuses_what_is_no_digest() {
        let hex = &EMPTY[7..];
        let wrong_length =
            |found| DigestError::WrongLength { algorithm: Algorithm::Sha256, expected: 64, found };
        let table = [
            (String::new(), DigestError::NoAlgorithm { digest: "\"\"".into() }),
            ("latest".into(), DigestError::NoAlgorithm { digest: "\"latest\"".into() }),
            (format!("md5:{hex}"), DigestError::UnsupportedAlgorithm { algorithm: "\"md5\"".into() }),
            (format!("SHA256:{hex}"), DigestError::UnsupportedAlgorithm { algorithm: "\"SHA256\"".into() }),
            (format!(":{hex}"), DigestError::UnsupportedAlgorithm { algorithm: "\"\"".into() }),
            ("sha256:".into(), wrong_length(0)),
            ("sha256:baddigeststring".into(), wrong_length(15)),
            (format!("sha256:{hex}0"), wrong_length(65)),
            (
                format!("sha256:{}é", &hex[2..]),
                DigestError::NotHex { digest: format!("\"sha256:{}é\"", &hex[2..]) },
            ),
        ];
        for (text, error) in table {
            assert_eq!(text.parse::<Digest>(), Err(error), "{text}");
        }
        assert!(matches!(EMPTY.replace('e', "E").parse::<Digest>(), Err(DigestError::NotHex { .. })));
        assert!(matches!(format!("sha512:{hex}").parse::<Digest>(), Err(DigestError::WrongLength { .. })));
        assert_eq!(Digest::new(Algorithm::Sha256, &[0; 31]), Err(wrong_length(62)));
    }

    #[test]
    fn is_small_and_is_read_from_json() {
        assert_eq!(size_of::<Digest>(), 65);
        assert_eq!(serde_json::from_str::<Digest>(&format!("\"{EMPTY}\"")).unwrap().to_string(), EMPTY);
        assert!(serde_json::from_str::<Digest>("\"sha256:00\"").is_err());
    }

    fn any_digest() -> impl Strategy<Value = Digest> {
        prop_oneof![
            any::<[u8; 32]>().prop_map(|hash| Digest::new(Algorithm::Sha256, &hash).unwrap()),
            prop::collection::vec(any::<u8>(), 64)
                .prop_map(|hash| Digest::new(Algorithm::Sha512, &hash).unwrap()),
        ]
    }

    proptest! {
        #[test]
        fn comes_back_from_its_text(digest in any_digest()) {
            prop_assert_eq!(digest.to_string().parse(), Ok(digest));
        }

        #[test]
        fn sorts_as_its_text(a in any_digest(), b in any_digest()) {
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
