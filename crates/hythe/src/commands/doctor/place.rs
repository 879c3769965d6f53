//! Folders as a person thinks of them: there, ours to write to, and how large.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The folder itself, or the nearest one above it that exists.
pub(super) fn nearest_existing(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().find(|ancestor| ancestor.exists()).map(Path::to_owned)
}

/// Whether this user may make files in the folder.
pub(super) fn is_writable(folder: &Path) -> bool {
    access(folder, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}

/// `12.3 GiB`
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| bytes >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", bytes as f64 / *unit as f64),
        None => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_above_is_found() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(nearest_existing(&folder.path().join("a/b")).as_deref(), Some(folder.path()));
    }

    #[test]
    fn sizes_are_for_people() {
        assert_eq!(size(512), "512 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(40 << 30), "40.0 GiB");
    }
}
