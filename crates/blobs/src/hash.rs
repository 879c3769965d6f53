//! SHA-256 and SHA-512 whose running state can be written down and continued elsewhere.
//!
//! `aws-lc-rs`, `ring` and `sha2` do not let the running state out; the contexts of `aws-lc-sys` are plain structs with
//! public fields. This is the one file of the crate with `unsafe`: three C functions for each algorithm, each called
//! with a context that this file made and a slice that outlives the call.
#![allow(unsafe_code)]

use aws_lc_sys::{
    SHA256_CTX, SHA256_Final, SHA256_Init, SHA256_Update, SHA512_CTX, SHA512_Final, SHA512_Init,
    SHA512_Update,
};
use hythe_oci::digest::{Algorithm, Digest};

/// First byte of a written state; another layout gets another number.
const STATE_VERSION: u8 = 1;
/// Version, algorithm and the length in bytes as a big-endian `u64`.
const STATE_HEADER: usize = 10;

/// A hash under way. Cloning it forks the state; [`finish`](Self::finish) does not end it.
#[derive(Clone, Debug)]
pub struct Hasher {
    context: Context,
    length: u64,
}

/// The C contexts. Invariant: `num`, the count of buffered bytes, is below the block size. `Init` sets it to zero,
/// `Update` keeps it so, and [`Hasher::restore`] derives it from the length modulo the block size.
#[derive(Clone, Debug)]
enum Context {
    Sha256(SHA256_CTX),
    Sha512(SHA512_CTX),
}

/// Why a written state cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Written by a version that this one does not know.
    #[error("hash state has version {0}, this program reads version {STATE_VERSION}")]
    Version(u8),
    /// Neither SHA-256 nor SHA-512.
    #[error("hash state names the unknown algorithm {0}")]
    Algorithm(u8),
    /// Too short, or not as long as its own length field asks for.
    #[error("hash state of {found} bytes should have {expected}")]
    Length {
        /// Bytes that the state should have.
        expected: usize,
        /// Bytes that it has.
        found: usize,
    },
}

impl Hasher {
    /// A hash of nothing yet.
    pub fn new(algorithm: Algorithm) -> Self {
        Self { context: Context::new(algorithm), length: 0 }
    }

    /// Which hash this is.
    pub fn algorithm(&self) -> Algorithm {
        match self.context {
            Context::Sha256(_) => Algorithm::Sha256,
            Context::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Bytes hashed so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Hashes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
        self.length = self.length.wrapping_add(bytes.len() as u64);
    }

    /// The digest of everything so far; the hash can go on.
    pub fn finish(&self) -> Digest {
        self.context.clone().finish()
    }

    /// The running state: version, algorithm, length in bytes (big-endian), the chaining words (big-endian), then the
    /// buffered bytes of the unfinished block. 42 to 105 bytes for SHA-256, 74 to 201 for SHA-512.
    ///
    /// The number of buffered bytes is the length modulo the block size; storing it as well would only allow the two to
    /// disagree.
    pub fn state(&self) -> Vec<u8> {
        let mut state = vec![STATE_VERSION, algorithm_byte(self.algorithm())];
        state.extend(self.length.to_be_bytes());
        self.context.write_words(&mut state);
        state.extend(self.context.buffered());
        state
    }

    /// Continues a state that [`state`](Self::state) wrote, here or on another machine.
    pub fn restore(state: &[u8]) -> Result<Self, StateError> {
        let Some((header, rest)) = state.split_at_checked(STATE_HEADER) else {
            return Err(StateError::Length { expected: STATE_HEADER, found: state.len() });
        };
        if header[0] != STATE_VERSION {
            return Err(StateError::Version(header[0]));
        }
        let algorithm = algorithm_of(header[1])?;
        let length = be_word(&header[2..]);
        Ok(Self { context: Context::restore(algorithm, length, rest)?, length })
    }
}

/// The digest of bytes that are all at hand.
pub fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let mut hasher = Hasher::new(algorithm);
    hasher.update(bytes);
    hasher.finish()
}

impl Context {
    fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => {
                let mut context = SHA256_CTX::default();
                // SAFETY: `context` is a live, exclusively borrowed struct of the type that Init fills.
                unsafe { SHA256_Init(&raw mut context) };
                Self::Sha256(context)
            }
            Algorithm::Sha512 => {
                let mut context = SHA512_CTX::default();
                // SAFETY: as above.
                unsafe { SHA512_Init(&raw mut context) };
                Self::Sha512(context)
            }
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        let data = bytes.as_ptr().cast();
        match self {
            // SAFETY: the context is exclusively borrowed and `num` is below the block size (see `Context`), so Update
            // writes within its block buffer; it reads exactly `bytes.len()` bytes from `data` and keeps no pointer.
            Self::Sha256(context) => unsafe { SHA256_Update(context, data, bytes.len()) },
            // SAFETY: as above.
            Self::Sha512(context) => unsafe { SHA512_Update(context, data, bytes.len()) },
        };
    }

    /// Consumes the context, because Final leaves it without meaning.
    fn finish(self) -> Digest {
        match self {
            Self::Sha256(mut context) => {
                let mut hash = [0; Algorithm::Sha256.byte_len()];
                // SAFETY: `context` is ours with `num` below the block size, and was made with the md_len of SHA-256;
                // Final writes 32 bytes, the length of `hash`.
                unsafe { SHA256_Final(hash.as_mut_ptr(), &raw mut context) };
                digest(Algorithm::Sha256, &hash)
            }
            Self::Sha512(mut context) => {
                let mut hash = [0; Algorithm::Sha512.byte_len()];
                // SAFETY: as above; Final writes the 64 bytes of SHA-512's md_len, the length of `hash`.
                unsafe { SHA512_Final(hash.as_mut_ptr(), &raw mut context) };
                digest(Algorithm::Sha512, &hash)
            }
        }
    }

    fn write_words(&self, state: &mut Vec<u8>) {
        match self {
            Self::Sha256(context) => state.extend(context.h.iter().flat_map(|word| word.to_be_bytes())),
            Self::Sha512(context) => state.extend(context.h.iter().flat_map(|word| word.to_be_bytes())),
        }
    }

    fn buffered(&self) -> &[u8] {
        match self {
            Self::Sha256(context) => &context.data[..context.num as usize],
            Self::Sha512(context) => &context.p[..context.num as usize],
        }
    }

    /// Starts a fresh context, which sets `md_len`, and fills in what `write_words` and `buffered` wrote.
    fn restore(algorithm: Algorithm, length: u64, rest: &[u8]) -> Result<Self, StateError> {
        let mut context = Self::new(algorithm);
        let bits = u128::from(length) << 3;
        match &mut context {
            Self::Sha256(context) => {
                let (words, buffered) = split(rest, size_of_val(&context.h), context.data.len(), length)?;
                context.h = std::array::from_fn(|i| be_word(&words[i * 4..][..4]) as u32);
                context.data[..buffered.len()].copy_from_slice(buffered);
                context.num = buffered.len() as u32;
                context.Nl = bits as u32;
                context.Nh = (bits >> 32) as u32;
            }
            Self::Sha512(context) => {
                let (words, buffered) = split(rest, size_of_val(&context.h), context.p.len(), length)?;
                context.h = std::array::from_fn(|i| be_word(&words[i * 8..][..8]));
                context.p[..buffered.len()].copy_from_slice(buffered);
                context.num = buffered.len() as u32;
                context.Nl = bits as u64;
                context.Nh = (bits >> 64) as u64;
            }
        }
        Ok(context)
    }
}

/// Parts the chaining words from the buffered bytes, whose number the length decides: this keeps `num` in its bounds.
fn split(rest: &[u8], words: usize, block: usize, length: u64) -> Result<(&[u8], &[u8]), StateError> {
    let buffered = (length % block as u64) as usize;
    if rest.len() != words + buffered {
        return Err(StateError::Length {
            expected: STATE_HEADER + words + buffered,
            found: STATE_HEADER + rest.len(),
        });
    }
    Ok(rest.split_at(words))
}

/// At most eight bytes as a big-endian number.
fn be_word(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

fn algorithm_byte(algorithm: Algorithm) -> u8 {
    match algorithm {
        Algorithm::Sha256 => 1,
        Algorithm::Sha512 => 2,
    }
}

fn algorithm_of(byte: u8) -> Result<Algorithm, StateError> {
    match byte {
        1 => Ok(Algorithm::Sha256),
        2 => Ok(Algorithm::Sha512),
        _ => Err(StateError::Algorithm(byte)),
    }
}

fn digest(algorithm: Algorithm, hash: &[u8]) -> Digest {
    match Digest::new(algorithm, hash) {
        Ok(digest) => digest,
        Err(_) => unreachable!("both arrays above have the algorithm's length"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::Digest as _;

    use super::*;

    fn reference(algorithm: Algorithm, bytes: &[u8]) -> Digest {
        match algorithm {
            Algorithm::Sha256 => Digest::new(algorithm, &sha2::Sha256::digest(bytes)).unwrap(),
            Algorithm::Sha512 => Digest::new(algorithm, &sha2::Sha512::digest(bytes)).unwrap(),
        }
    }

    fn algorithms() -> impl Strategy<Value = Algorithm> {
        prop_oneof![Just(Algorithm::Sha256), Just(Algorithm::Sha512)]
    }

    proptest! {
        #[test]
        fn continues_from_its_state_after_any_split(
            algorithm in algorithms(),
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
        ) {
            let mut hasher = Hasher::new(algorithm);
            for piece in &pieces {
                hasher.update(piece);
                hasher = Hasher::restore(&hasher.state()).unwrap();
            }
            let all = pieces.concat();
            prop_assert_eq!(hasher.length(), all.len() as u64);
            prop_assert_eq!(hasher.finish(), reference(algorithm, &all));
        }

        #[test]
        fn never_trusts_a_state(state in prop::collection::vec(any::<u8>(), 0..220)) {
            if let Ok(mut hasher) = Hasher::restore(&state) {
                prop_assert_eq!(hasher.state(), state);
                hasher.update(&[7; 300]);
                hasher.finish();
            }
        }

        #[test]
        fn reads_states_of_any_length(algorithm in 1u8..=2, length: u64, filler: u8) {
            let (words, block) = if algorithm == 1 { (32, 64) } else { (64, 128) };
            let mut state = vec![STATE_VERSION, algorithm];
            state.extend(length.to_be_bytes());
            state.extend(std::iter::repeat_n(filler, words + (length % block) as usize));
            let mut hasher = Hasher::restore(&state).unwrap();
            prop_assert_eq!(hasher.state(), state);
            hasher.update(&[7; 300]);
            hasher.finish();
        }
    }

    #[test]
    fn finish_does_not_end_the_hash() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"ab");
        assert_eq!(hasher.finish(), reference(Algorithm::Sha256, b"ab"));
        hasher.update(b"c");
        assert_eq!(hasher.finish(), reference(Algorithm::Sha256, b"abc"));
    }

    #[test]
    fn carries_lengths_beyond_32_bits() {
        let (prefix, rest) = (vec![5; 1 << 20], b"the end");
        let mut whole = Hasher::new(Algorithm::Sha256);
        let mut split = whole.clone();
        for _ in 0..600 {
            whole.update(&prefix);
            split.update(&prefix);
            split = Hasher::restore(&split.state()).unwrap();
        }
        whole.update(rest);
        split.update(rest);
        assert!(whole.length() * 8 > u64::from(u32::MAX));
        assert_eq!(split.finish(), whole.finish());
    }

    #[test]
    fn refuses_foreign_states() {
        let state = Hasher::new(Algorithm::Sha256).state();
        assert_eq!(state.len(), 42);
        let with = |at: usize, byte: u8| {
            let mut state = state.clone();
            state[at] = byte;
            Hasher::restore(&state).unwrap_err()
        };
        assert_eq!(with(0, 2), StateError::Version(2));
        assert_eq!(with(1, 9), StateError::Algorithm(9));
        assert_eq!(with(9, 1), StateError::Length { expected: 43, found: 42 });
        assert_eq!(Hasher::restore(&[]).unwrap_err(), StateError::Length { expected: 10, found: 0 });
    }

    /// The layout is stored in rows: this text may gain siblings for later versions but never change.
    #[test]
    fn state_layout_stays() {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(b"abc");
        let hex: String = hasher.state().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "01010000000000000003\
             6a09e667bb67ae853c6ef372a54ff53a510e527f9b05688c1f83d9ab5be0cd19\
             616263"
        );
    }
}
