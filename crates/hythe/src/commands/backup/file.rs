//! The file of a backup: gzip, readable by its owner alone, there whole or not at all, and never written over another.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::failure::Failure;

/// A file that is being written under another name. Dropped, it is removed.
pub(super) struct NewFile {
    path: PathBuf,
    unfinished: PathBuf,
    out: GzEncoder<BufWriter<File>>,
}

impl NewFile {
    /// Fails at once if there is something at `path`, or its folder cannot be written.
    pub(super) fn create(path: &Path) -> Result<NewFile, Failure> {
        if path.symlink_metadata().is_ok() {
            return Err(taken(path));
        }
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}.unfinished", std::process::id()));
        let unfinished = PathBuf::from(unfinished);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished);
        let file = file.map_err(|error| unwritten(path, &error))?;
        // Rows of this kind become a quarter at the lowest level; higher ones cost more time than they save room.
        let out = GzEncoder::new(BufWriter::with_capacity(1 << 20, file), Compression::fast());
        Ok(NewFile { path: path.to_owned(), unfinished, out })
    }

    /// Makes the file durable and gives it its name; its size in bytes.
    pub(super) fn keep(mut self) -> Result<u64, Failure> {
        self.publish().map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => taken(&self.path),
            _ => unwritten(&self.path, &error),
        })
    }

    fn publish(&mut self) -> io::Result<u64> {
        self.out.try_finish()?;
        self.out.get_mut().flush()?;
        let file = self.out.get_ref().get_ref();
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        // A link, unlike a rename, fails where somebody has made the file meanwhile.
        std::fs::hard_link(&self.unfinished, &self.path)?;
        std::fs::remove_file(&self.unfinished)?;
        File::open(folder_of(&self.path))?.sync_all()?;
        Ok(bytes)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.unfinished);
    }
}

/// The lines of a backup.
pub(super) fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    let file = BufReader::with_capacity(1 << 20, File::open(path)?);
    Ok(Box::new(BufReader::with_capacity(1 << 20, GzDecoder::new(file))))
}

/// A name in the data folder that nothing has, for rows on their way from one database to another.
pub(super) fn beside(data: &Path) -> Result<PathBuf, Failure> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|error| {
        Failure::because(format!("cannot make the data folder {}", data.display()), &error)
    })?;
    Ok(data.join(format!("move-{}.backup", std::process::id())))
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn taken(path: &Path) -> Failure {
    Failure::new(format!("cannot write {}, it exists", path.display()))
        .hint("a backup never replaces another; name a new file")
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::of_file("cannot write", path, error)
}
