//! Looking into a tar archive as it streams by: nothing is unpacked, and not more is read than an honest one holds.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use futures_util::TryStreamExt;
use hythe_blobs::body::BodyStream;
use tokio_util::io::{StreamReader, SyncIoBridge};

use super::{LARGEST_FILE, unreadable};
use crate::error::{Error, Result};

/// Unpacked bytes that are read: a few kilobytes can unpack to gigabytes.
const MOST_UNPACKED: u64 = 32 * 1024 * 1024;

/// Names that are listed, and bytes of one.
const MOST_FILES: usize = 10_000;
const LONGEST_NAME: usize = 4096;

/// The first file whose path is the wanted one.
pub(super) async fn find(
    archive: BodyStream,
    gzip: bool,
    is_wanted: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Option<Vec<u8>>> {
    read(archive, gzip, move |source| {
        let mut archive = tar::Archive::new(source);
        for entry in archive.entries()? {
            let entry = entry?;
            if !entry.header().entry_type().is_file() || !path_of(&entry).is_some_and(|path| is_wanted(&path))
            {
                continue;
            }
            if entry.size() > LARGEST_FILE {
                return Err(io::Error::other(format!("that file is larger than {LARGEST_FILE} bytes")));
            }
            let mut bytes = Vec::new();
            entry.take(LARGEST_FILE).read_to_end(&mut bytes)?;
            return Ok(Some(bytes));
        }
        Ok(None)
    })
    .await
}

/// Paths and sizes of all files.
pub(super) async fn list(archive: BodyStream, gzip: bool) -> Result<Vec<(String, u64)>> {
    read(archive, gzip, |source| {
        let (mut archive, mut files) = (tar::Archive::new(source), Vec::new());
        for entry in archive.entries()? {
            let entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            if files.len() == MOST_FILES {
                return Err(io::Error::other(format!("it holds more than {MOST_FILES} files")));
            }
            files.extend(path_of(&entry).map(|path| (path, entry.size())));
        }
        Ok(files)
    })
    .await
}

/// None for a path that is no text or longer than any path is.
fn path_of<R: Read>(entry: &tar::Entry<'_, R>) -> Option<String> {
    let path = String::from_utf8(entry.path_bytes().into_owned()).ok()?;
    let path = path.strip_prefix("./").unwrap_or(&path);
    (path.len() <= LONGEST_NAME).then(|| path.to_owned())
}

/// Runs on a thread of its own, as the readers of archives block.
async fn read<T: Send + 'static>(
    archive: BodyStream,
    gzip: bool,
    look: impl FnOnce(&mut dyn Read) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let source = SyncIoBridge::new(StreamReader::new(archive.map_err(io::Error::other)));
    let looked = tokio::task::spawn_blocking(move || {
        if gzip {
            look(&mut Bounded { source: MultiGzDecoder::new(source), left: MOST_UNPACKED })
        } else {
            look(&mut Bounded { source, left: MOST_UNPACKED })
        }
    });
    match looked.await {
        Ok(looked) => looked.map_err(|error| unreadable(&error.to_string())),
        Err(error) => Err(Error::internal("a fault ended the look into an archive", error)),
    }
}

/// A source that fails where it should have ended: an end would look like that of a smaller archive.
struct Bounded<R> {
    source: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::other(format!("it unpacks to more than {MOST_UNPACKED} bytes")));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let read = self.source.read(&mut into[..most])?;
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use hythe_blobs::body;

    use super::*;

    fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, path, *content).unwrap();
        }
        archive.into_inner().unwrap().finish().unwrap()
    }

    fn is_readme(path: &str) -> bool {
        path == "demo/README.md"
    }

    #[tokio::test]
    async fn a_file_is_found_by_its_path() {
        let archive = packed(&[("demo/charts/README.md", b"inner"), ("demo/README.md", b"outer")]);
        let found = find(body::whole(archive.clone()), true, is_readme).await.unwrap();
        assert_eq!(found.as_deref(), Some(&b"outer"[..]));
        let listed = list(body::whole(archive), true).await.unwrap();
        assert_eq!(listed, [("demo/charts/README.md".to_owned(), 5), ("demo/README.md".to_owned(), 5)]);
    }

    #[tokio::test]
    async fn what_unpacks_to_too_much_is_left() {
        let zeros = vec![0; MOST_UNPACKED as usize];
        let archive = packed(&[("demo/bomb", &zeros), ("demo/README.md", b"behind it")]);
        assert!(archive.len() < 1024 * 1024, "{}", archive.len());
        let error = find(body::whole(archive), true, is_readme).await.unwrap_err();
        assert!(error.message().contains("unpacks to more than"), "{error}");
    }

    #[tokio::test]
    async fn a_large_file_and_a_broken_archive_are_refused_in_words() {
        let large = vec![b'a'; LARGEST_FILE as usize + 1];
        let error =
            find(body::whole(packed(&[("demo/README.md", &large)])), true, is_readme).await.unwrap_err();
        assert!(error.message().contains("larger than 1048576 bytes"), "{error}");
        let mut broken = GzEncoder::new(Vec::new(), Compression::fast());
        broken.write_all(&[7; 2000]).unwrap();
        for archive in [broken.finish().unwrap(), b"no archive at all".to_vec()] {
            let error = list(body::whole(archive), true).await.unwrap_err();
            assert!(error.message().starts_with("the artifact cannot be looked into: "), "{error}");
        }
    }
}
