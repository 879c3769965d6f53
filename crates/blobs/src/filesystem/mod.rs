//! Blobs in a folder: a local disk, CephFS or NFS.
//!
//! No `flock` (not dependable on network file systems; the upload's lease in the database serves), no `mmap` (a file
//! removed elsewhere turns into SIGBUS), no rename over an existing file.

mod append;
mod direct;
mod disk;
mod layout;
mod list;
mod note;
mod probe;
mod publish;
mod read;
mod upload_file;
mod writeback;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;
use tokio::task::spawn_blocking;

use self::append::Appending;
use self::disk::{Identity, failed};
use self::layout::Place;
use self::publish::{Folders, Publishing};
pub(crate) use self::read::OpenFile;
use self::upload_file::UploadFile;
use crate::blob::{Blob, Source};
use crate::body::BodyStream;
use crate::error::Error;
use crate::pool::Pool;
use crate::pour::{Body, pour, stopped};
use crate::store::{BlobStore, Location, Probe, Upload};
use crate::stored::{Shelf, Stored, check_note_name};

/// The folder behind `/path` and `file:///path`.
#[derive(Debug)]
pub struct Filesystem {
    root: PathBuf,
    /// Which folder it was when it was opened: with its disk unmounted, another one bears the name.
    identity: Option<Identity>,
    pool: Pool,
    folders: Arc<Folders>,
}

impl Filesystem {
    /// Opens the folder and makes it if only its last component is missing: a whole missing path is more likely a disk
    /// that is not mounted, and writing to what lies beneath it would lose blobs.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        if !root.is_dir() {
            let above = disk::parent(&root);
            if !above.is_dir() {
                return Err(Error::NotFound { place: above.display().to_string() });
            }
            disk::create_folder(&root)?;
        }
        let identity = disk::identity(&root);
        Ok(Self { root, identity, pool: Pool::default(), folders: Arc::default() })
    }

    fn upload_file(&self, upload: &Upload) -> UploadFile {
        UploadFile::new(&self.root, upload.id, upload.takeovers)
    }

    fn published_path(&self, id: UploadId, digest: &Digest) -> PathBuf {
        self.root.join(layout::relative(Place::Published(id, digest)))
    }

    fn published(&self, location: &Location, size: u64) -> Result<PathBuf, Error> {
        layout::located(&self.root, location).ok_or_else(|| Error::Damaged {
            location: location.clone(),
            expected: size,
            found: None,
        })
    }

    fn note(&self, name: &str) -> Result<PathBuf, Error> {
        check_note_name(name).map(|()| self.root.join(layout::relative(Place::Note(name))))
    }

    fn replaced(&self) -> Error {
        Error::Unavailable {
            place: self.root.display().to_string(),
            reason: "another folder is there than at the start: mount its disk again, then restart this node"
                .to_owned(),
        }
    }
}

#[async_trait]
impl BlobStore for Filesystem {
    fn kind(&self) -> &'static str {
        "filesystem"
    }

    async fn append(&self, upload: &mut Upload, body: BodyStream) -> Result<(), Error> {
        let (file, offset) = (self.upload_file(upload), upload.offset);
        let appending = blocking(move || Appending::open(&file, offset)).await?;
        let mut body = Body::new(body);
        let (hash, mut appending) = pour(&mut body, u64::MAX, upload.hash.clone(), appending).await?;
        let offset = blocking(move || appending.sync()).await?;
        (upload.hash, upload.offset) = (hash, offset);
        body.outcome()
    }

    async fn publish(&self, upload: &mut Upload, digest: &Digest) -> Result<Location, Error> {
        let publishing = Publishing {
            upload: self.upload_file(upload),
            offset: upload.offset,
            hash: upload.hash.clone(),
            digest: *digest,
            to: self.published_path(upload.id, digest),
            folders: Arc::clone(&self.folders),
        };
        blocking(move || publishing.run()).await?;
        Ok(layout::location(upload.id, digest))
    }

    async fn discard(
        &self,
        id: UploadId,
        takeovers: u64,
        _: &str,
        digest: Option<&Digest>,
    ) -> Result<(), Error> {
        let upload = UploadFile::new(&self.root, id, takeovers);
        let published = digest.map(|digest| self.published_path(id, digest));
        blocking(move || {
            upload.remove()?;
            published.map_or(Ok(()), |published| disk::remove(&published))
        })
        .await
    }

    async fn open(&self, location: &Location, size: u64) -> Result<Blob, Error> {
        let path = self.published(location, size)?;
        let file = match read::open_now(&path) {
            Some(file) => Some(file),
            None => {
                let path = path.clone();
                blocking(move || open_to_read(&path)).await?
            }
        };
        let found = file.as_ref().map(File::metadata).transpose().map_err(failed("inspect", &path))?;
        let found = found.map(|metadata| metadata.len());
        match file {
            Some(file) if found == Some(size) => {
                Ok(Blob::new(size, Source::File(OpenFile::new(file, path, self.pool.clone()))))
            }
            // A disk that is gone has damaged nothing, and nobody should push everything again for it.
            None if disk::identity(&self.root) != self.identity => Err(self.replaced()),
            _ => Err(Error::Damaged { location: location.clone(), expected: size, found }),
        }
    }

    async fn remove(&self, location: &Location) -> Result<(), Error> {
        match layout::located(&self.root, location) {
            Some(path) => blocking(move || disk::remove(&path)).await,
            None => Ok(()),
        }
    }

    async fn list(&self, shelf: Shelf, after: &str, limit: usize) -> Result<Vec<Stored>, Error> {
        // A folder that is not there any more would look like an empty one, and everything lost.
        if disk::identity(&self.root) != self.identity {
            return Err(self.replaced());
        }
        let (root, after) = (self.root.clone(), after.to_owned());
        blocking(move || list::page(&root, shelf, &after, limit)).await
    }

    async fn abandon(&self, id: UploadId) -> Result<(), Error> {
        let own = self.root.join(layout::relative(Place::Upload(id, 0)));
        // The names of all takeovers begin with the first one's.
        blocking(move || {
            let left = list::beginning(disk::parent(&own), &id.to_string())?;
            left.iter().try_for_each(|path| disk::remove(path))
        })
        .await
    }

    async fn write_note(&self, name: &str, bytes: Bytes) -> Result<(), Error> {
        let path = self.note(name)?;
        blocking(move || note::write(&path, &bytes)).await
    }

    async fn read_note(&self, name: &str) -> Result<Option<Bytes>, Error> {
        let path = self.note(name)?;
        blocking(move || note::read(&path)).await.map(|note| note.map(Bytes::from))
    }

    async fn remove_note(&self, name: &str) -> Result<(), Error> {
        let path = self.note(name)?;
        blocking(move || disk::remove(&path)).await
    }

    async fn probe(&self) -> Result<Probe, Error> {
        let root = self.root.clone();
        blocking(move || probe::run(&root)).await
    }
}

fn open_to_read(path: &Path) -> Result<Option<File>, Error> {
    disk::missing_as_none(disk::retry_stale(|| File::open(path))).map_err(failed("open", path))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    spawn_blocking(work).await.map_err(stopped).flatten()
}
