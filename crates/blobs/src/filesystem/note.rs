//! Notes: small files beside the blobs, whole or not there.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::disk::{self, failed, missing_as_none, retry_stale};
use super::layout;
use crate::error::Error;

/// Writes a note under another name, makes it durable and renames it over what it replaces.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(layout::UNFINISHED);
    let unfinished = Path::new(&unfinished);
    let mut file = disk::open_or_create(unfinished)?;
    let written = file.set_len(0).and_then(|()| file.write_all(bytes)).and_then(|()| file.sync_all());
    written.map_err(failed("write", unfinished))?;
    retry_stale(|| fs::rename(unfinished, path)).map_err(failed("rename", unfinished))?;
    disk::sync_folder(disk::parent(path))
}

/// The whole of a note.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut File::open(path)?, &mut bytes)?;
        Ok(bytes)
    };
    missing_as_none(retry_stale(read)).map_err(failed("read", path))
}
