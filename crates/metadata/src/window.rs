//! Which part of a list is wanted.

/// Behind a key, past some rows, at most so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window<K> {
    /// The key of the last row seen; its least value for the beginning.
    pub after: K,
    /// Rows to pass over, for pages that are asked for by number; their time grows with it.
    pub skip: u32,
    /// Rows wanted.
    pub limit: u32,
}

impl<K> Window<K> {
    /// The first rows behind a key.
    pub fn behind(after: K, limit: u32) -> Window<K> {
        Window { after, skip: 0, limit }
    }
}
