//! The key-encryption key: the one secret that an operator gives to every node, and that no database holds.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::cipher::{self, KEY_LENGTH};
use crate::error::Result;

/// 256 bits; written as base64 or hexadecimal text.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyEncryptionKey {
    bytes: [u8; KEY_LENGTH],
    id: String,
}

/// A text that is no key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not a key: 32 bytes as base64 or hexadecimal text, as `hythe admin secrets new-key FILE` writes one"
)]
pub struct NotAKey;

impl KeyEncryptionKey {
    /// A new one.
    pub fn generate() -> Result<KeyEncryptionKey> {
        Ok(KeyEncryptionKey::of(cipher::random_key()?))
    }

    /// Reads one. White space around it is passed over, as editors leave it.
    pub fn parse(text: &str) -> Result<KeyEncryptionKey, NotAKey> {
        let text = text.trim();
        let bytes = if text.len() == 2 * KEY_LENGTH { from_hex(text) } else { STANDARD.decode(text).ok() };
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(NotAKey)?;
        Ok(KeyEncryptionKey::of(bytes))
    }

    /// One that lives as long as this process: for a registry that is kept in memory, as tests do.
    pub(crate) fn of_this_process() -> Option<KeyEncryptionKey> {
        static KEY: OnceLock<Option<KeyEncryptionKey>> = OnceLock::new();
        KEY.get_or_init(|| KeyEncryptionKey::generate().ok()).clone()
    }

    fn of(bytes: [u8; KEY_LENGTH]) -> KeyEncryptionKey {
        let named = [b"hythe key-encryption key\0", &bytes[..]].concat();
        let hash = digest::digest(&digest::SHA256, &named);
        let id = hash.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        KeyEncryptionKey { bytes, id }
    }

    /// What it is called where it must not be shown: 12 digits of a hash.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key as text, for the file that it is kept in.
    pub fn reveal(&self) -> String {
        STANDARD.encode(self.bytes)
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.bytes
    }
}

/// Its id only.
impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyEncryptionKey({})", self.id)
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pair = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_in_both_spellings_and_is_not_shown() {
        let key = KeyEncryptionKey::generate().unwrap();
        let hex: String = key.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        for text in [key.reveal(), format!(" {}\n", key.reveal()), hex] {
            assert_eq!(KeyEncryptionKey::parse(&text).as_ref(), Ok(&key), "{text}");
        }
        assert!(!format!("{key:?}").contains(&key.reveal()));
        assert_ne!(KeyEncryptionKey::generate().unwrap().id(), key.id());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "secret", &"ä".repeat(32), &"+".repeat(64), &"A".repeat(43), &"A".repeat(88)] {
            assert_eq!(KeyEncryptionKey::parse(text), Err(NotAKey), "{text}");
        }
    }
}
