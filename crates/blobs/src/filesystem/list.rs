//! What lies in the folder, in the order of the names, without ever holding more than one page of it.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use hythe_oci::digest::Digest;
use hythe_oci::upload_id::UploadId;

use super::disk::{failed, missing_as_none, retry_stale};
use super::layout;
use crate::error::Error;
use crate::stored::{Shelf, Stored, micros};

/// The first `limit` names behind `after`. A folder that comes and goes meanwhile is no error.
pub(super) fn page(root: &Path, shelf: Shelf, after: &str, limit: usize) -> Result<Vec<Stored>, Error> {
    let mut walk = Walk { root, shelf, after, limit, found: Vec::new() };
    walk.folder(shelf.folder())?;
    Ok(walk.found)
}

struct Walk<'a> {
    root: &'a Path,
    shelf: Shelf,
    after: &'a str,
    limit: usize,
    found: Vec<Stored>,
}

impl Walk<'_> {
    fn folder(&mut self, name: &str) -> Result<(), Error> {
        for (entry, is_folder) in entries(&self.root.join(name))? {
            if self.found.len() >= self.limit {
                return Ok(());
            }
            let path = format!("{name}/{entry}");
            match is_folder {
                true if self.may_hold(&path) => self.folder(&path)?,
                false if path.as_str() > self.after => self.file(path)?,
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a folder can hold names behind `after`: all of them begin with its own and a slash.
    fn may_hold(&self, folder: &str) -> bool {
        let inside = format!("{folder}/");
        inside.as_str() > self.after || self.after.starts_with(&inside)
    }

    fn file(&mut self, name: String) -> Result<(), Error> {
        let path = self.root.join(&name);
        let metadata = missing_as_none(retry_stale(|| fs::symlink_metadata(&path)));
        let Some(metadata) = metadata.map_err(failed("inspect", &path))? else { return Ok(()) };
        let (upload, digest) = origin(self.shelf, &name);
        // A probe of another node, or a note on its way; a file of somebody else in `blobs` is shown.
        if self.shelf != Shelf::Blobs
            && (upload.is_none() && self.shelf == Shelf::Uploads || is_unfinished(&name))
        {
            return Ok(());
        }
        let modified_at = micros(metadata.modified().ok());
        self.found.push(Stored { name, size: metadata.len(), modified_at, upload, digest });
        Ok(())
    }
}

fn is_unfinished(name: &str) -> bool {
    name.ends_with(layout::UNFINISHED)
}

/// The files in a folder whose names begin so.
pub(super) fn beginning(folder: &Path, name: &str) -> Result<Vec<PathBuf>, Error> {
    let named =
        entries(folder)?.into_iter().filter(|(entry, is_folder)| !is_folder && entry.starts_with(name));
    Ok(named.map(|(entry, _)| folder.join(entry)).collect())
}

/// Whose upload brought it, and as what, as far as the name tells.
fn origin(shelf: Shelf, name: &str) -> (Option<UploadId>, Option<Digest>) {
    let last = name.rsplit('/').next().unwrap_or_default();
    match shelf {
        Shelf::Notes => (None, None),
        Shelf::Uploads => (last.split('.').next().and_then(|id| id.parse().ok()), None),
        Shelf::Blobs => {
            let algorithm = name.split('/').nth(1).unwrap_or_default();
            let Some((hex, id)) = last.split_once('.') else { return (None, None) };
            (id.parse().ok(), format!("{algorithm}:{hex}").parse().ok())
        }
    }
}

/// The names in a folder and whether each is one, in the order of the paths below them: a folder sorts with its slash.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>, Error> {
    let read = || -> io::Result<Vec<(OsString, FileType)>> {
        fs::read_dir(folder)?
            .map(|entry| entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?))))
            .collect()
    };
    let listed = missing_as_none(retry_stale(read)).map_err(failed("list", folder))?;
    let named = listed.unwrap_or_default().into_iter();
    // A name that is no text is not ours, and no location could say it.
    let mut entries: Vec<(String, bool)> =
        named.filter_map(|(name, kind)| Some((name.into_string().ok()?, kind.is_dir()))).collect();
    let sorted =
        |(name, is_folder): &(String, bool)| if *is_folder { format!("{name}/") } else { name.clone() };
    entries.sort_by_cached_key(sorted);
    Ok(entries)
}
