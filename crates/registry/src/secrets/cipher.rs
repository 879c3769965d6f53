//! AES-256-GCM with a fresh nonce each time, bound to the place where the sealed bytes belong.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;

use crate::error::{Error, Result};

/// Bytes of a key.
pub(crate) const KEY_LENGTH: usize = 32;

/// 32 bytes that nobody can guess.
pub(crate) fn random_key() -> Result<[u8; KEY_LENGTH]> {
    let mut key = [0; KEY_LENGTH];
    rand::fill(&mut key).map_err(|error| Error::internal("no random numbers can be had", error))?;
    Ok(key)
}

/// Nonce, then ciphertext with its tag. It opens with the same key and the same `place` only, so that a sealed value that
/// was moved to another row is refused. A random nonce of 96 bits is good for 2³² values under one key (NIST SP 800-38D,
/// section 8.3), far more than there are secrets.
pub(crate) fn seal(key: &[u8; KEY_LENGTH], place: &str, plain: &[u8]) -> Result<Vec<u8>> {
    let broken = |error| Error::internal("a secret cannot be sealed", error);
    let mut nonce = [0; NONCE_LEN];
    rand::fill(&mut nonce).map_err(broken)?;
    let mut sealed = plain.to_vec();
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).map_err(broken)?);
    cipher
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut sealed)
        .map_err(broken)?;
    Ok([&nonce[..], &sealed].concat())
}

/// What was sealed; nothing if key, place or bytes are others.
pub(crate) fn open(key: &[u8; KEY_LENGTH], place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
    let mut bytes = sealed.to_vec();
    let length = cipher.open_in_place(nonce, Aad::from(place), &mut bytes).ok()?.len();
    bytes.truncate(length);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_with_the_same_key_in_the_same_place_only() {
        let (key, other) = (random_key().unwrap(), random_key().unwrap());
        let sealed = seal(&key, "here", b"hush").unwrap();
        assert_eq!(open(&key, "here", &sealed).as_deref(), Some(&b"hush"[..]));
        assert_eq!(open(&key, "there", &sealed), None);
        assert_eq!(open(&other, "here", &sealed), None);
        assert_ne!(seal(&key, "here", b"hush").unwrap(), sealed);
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert_eq!(open(&key, "here", &damaged), None, "byte {index}");
            assert_eq!(open(&key, "here", &sealed[..index]), None, "cut at {index}");
        }
    }
}
