//! From a storage url to the back end behind it.

use std::sync::Arc;

use crate::error::Error;
use crate::filesystem::Filesystem;
use crate::memory::Memory;
use crate::s3::{S3, S3Options};
use crate::store::BlobStore;
use crate::timed::Timed;

/// What a storage url cannot say.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Read only for `s3://` urls.
    pub s3: S3Options,
}

/// Opens the store behind `memory:`, `/path`, `file:///path` or `s3://bucket/prefix`.
///
/// A folder is made if only its last component is missing. S3 is not asked anything yet: [`BlobStore::probe`] does.
pub fn open(url: &str, options: &Options) -> Result<Arc<dyn BlobStore>, Error> {
    Ok(Arc::new(Timed(open_plain(url, options)?)))
}

fn open_plain(url: &str, options: &Options) -> Result<Arc<dyn BlobStore>, Error> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(Memory::default())),
        Some(("file", path)) => open_folder(url, path.strip_prefix("//").unwrap_or(path)),
        Some(("s3", rest)) => open_s3(url, rest, &options.s3),
        _ => open_folder(url, url),
    }
}

fn open_folder(url: &str, path: &str) -> Result<Arc<dyn BlobStore>, Error> {
    if !path.starts_with('/') {
        return Err(refused(url, "expected memory:, /path, file:///path or s3://bucket/prefix"));
    }
    Ok(Arc::new(Filesystem::open(path)?))
}

fn open_s3(url: &str, rest: &str, options: &S3Options) -> Result<Arc<dyn BlobStore>, Error> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Err(refused(url, "expected s3://bucket or s3://bucket/prefix"));
    };
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() || bucket.contains('@') {
        return Err(refused(url, "expected s3://bucket/prefix; keys are options of their own"));
    }
    Ok(Arc::new(S3::open(bucket, prefix, options)?))
}

/// Drops what stands before an `@`, which may be a key that somebody put where it does not belong.
fn refused(url: &str, reason: &str) -> Error {
    let shown = match url.rsplit_once('@') {
        Some((_, rest)) => format!("…@{rest}"),
        None => url.to_owned(),
    };
    Error::Url { url: shown, reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str) -> String {
        match open(url, &Options::default()) {
            Ok(store) => panic!("{url} opened as {}", store.kind()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn opens_by_scheme() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new").display().to_string();
        let kind = |url: &str| open(url, &Options::default()).unwrap().kind();
        assert_eq!(kind("memory:"), "memory");
        assert_eq!(kind(&path), "filesystem");
        assert_eq!(kind(&format!("file://{path}")), "filesystem");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for url in ["", "folder", "memory:x", "gs://bucket", "s3:bucket", "s3://", "file://host/path"] {
            assert!(reason(url).contains("expected"), "{url}");
        }
    }

    #[test]
    fn never_repeats_a_key() {
        let reason = reason("s3://AKIA:very-secret@bucket/prefix");
        assert!(!reason.contains("very-secret"), "{reason}");
    }
}
