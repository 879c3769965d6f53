//! A blob that was opened: its size is checked, its bytes can be read from any offset by any number of readers.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

use crate::body::{self, BodyStream};
use crate::filesystem::OpenFile;
use crate::s3::Object;

/// An open blob. It stays readable even when its location is removed meanwhile, except on S3.
pub struct Blob {
    size: u64,
    source: Source,
}

pub(crate) enum Source {
    Memory(Bytes),
    File(OpenFile),
    Object(Object),
}

impl Blob {
    pub(crate) fn new(size: u64, source: Source) -> Self {
        Self { size, source }
    }

    /// Size in bytes, by row and storage alike.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The file for `sendfile`, if the bytes lie in one.
    pub fn file(&self) -> Option<&Arc<File>> {
        match &self.source {
            Source::File(open) => Some(open.file()),
            _ => None,
        }
    }

    /// The bytes of a range. The stream fails, rather than ending short, if storage has fewer bytes than the range.
    pub fn stream(&self, range: Range<u64>) -> BodyStream {
        if range.end > self.size {
            return body::broken(format!("range {range:?} is beyond a blob of {} bytes", self.size));
        }
        if range.is_empty() {
            return body::whole(Bytes::new());
        }
        match &self.source {
            // A range within the size of bytes in memory fits in usize.
            Source::Memory(bytes) => body::whole(bytes.slice(range.start as usize..range.end as usize)),
            Source::File(open) => open.stream(range),
            Source::Object(object) => object.stream(range),
        }
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blob").field("size", &self.size).finish_non_exhaustive()
    }
}
