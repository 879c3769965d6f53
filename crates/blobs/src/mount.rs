//! What kind of file system a folder is on, and how much room it has.

use std::fs;
use std::io;
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statfs, statvfs};

/// The file system that a folder is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// `ext4`, `nfs` …; the number where the name is not known.
    pub kind: String,
    /// What it means for whoever keeps something on it.
    pub nature: Nature,
    /// Nothing can be written.
    pub read_only: bool,
    /// Room for this process.
    pub free_bytes: u64,
    /// Files that can still be made; None where the file system sets no limit.
    pub free_files: Option<u64>,
    /// The mount gives up what makes a write durable.
    pub careless_mount: Option<&'static str>,
}

/// What a file system means for whoever keeps something on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// It stays.
    Disk,
    /// Gone with the machine or the container.
    Fleeting,
    /// Shared between machines; locks and mapped files do not hold across them.
    Network,
}

/// Magic numbers of statfs(2).
const KINDS: &[(u64, &str, Nature)] = &[
    (0xEF53, "ext4", Nature::Disk),
    (0x5846_5342, "xfs", Nature::Disk),
    (0x9123_683E, "btrfs", Nature::Disk),
    (0x2FC1_2FC1, "zfs", Nature::Disk),
    (0xF2F5_2010, "f2fs", Nature::Disk),
    (0x0102_1994, "tmpfs", Nature::Fleeting),
    (0x8584_58F6, "ramfs", Nature::Fleeting),
    (0x794C_7630, "overlay", Nature::Fleeting),
    (0x6969, "nfs", Nature::Network),
    (0x00C3_6400, "ceph", Nature::Network),
    (0xFF53_4D42, "cifs", Nature::Network),
    (0xFE53_4D42, "smb2", Nature::Network),
    (0x0102_1997, "9p", Nature::Network),
    (0x6573_5546, "fuse", Nature::Network),
];

impl Mount {
    /// Looks at the file system below a folder that exists.
    ///
    /// # Errors
    /// Those of statfs(2).
    pub fn of(folder: &Path) -> io::Result<Self> {
        let (kind, nature) = kind_of(folder)?;
        let room = statvfs(folder)?;
        Ok(Self {
            kind,
            nature,
            read_only: room.f_flag.contains(StatVfsMountFlags::RDONLY),
            free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
            free_files: (room.f_files > 0).then_some(room.f_favail),
            careless_mount: careless_option(folder),
        })
    }
}

fn kind_of(folder: &Path) -> io::Result<(String, Nature)> {
    // The type of the field differs between architectures; the magic numbers have 32 bits everywhere.
    let magic = statfs(folder)?.f_type as u64 & 0xFFFF_FFFF;
    let known = KINDS.iter().find(|(number, ..)| *number == magic);
    Ok(known.map_or_else(
        || (format!("file system {magic:#x}"), Nature::Disk),
        |(_, name, nature)| ((*name).to_owned(), *nature),
    ))
}

/// A mount option under which a disk may forget what it said was written.
fn careless_option(folder: &Path) -> Option<&'static str> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let folder = folder.canonicalize().ok()?;
    careless_in(&table, &folder)
}

/// Of all mounts above the folder the last and longest is its own.
fn careless_in(table: &str, folder: &Path) -> Option<&'static str> {
    let mounts = table.lines().filter_map(|line| Some((line.split(' ').nth(4)?, line)));
    let own = mounts.filter(|(point, _)| folder.starts_with(point)).max_by_key(|(point, _)| point.len())?;
    let options = own.1.rsplit(' ').next()?;
    ["nobarrier", "barrier=0"]
        .into_iter()
        .find(|careless| options.split(',').any(|option| option == *careless))
}

/// Whether something makes fsync(2) do nothing in this very process.
pub fn fsync_is_disarmed() -> bool {
    fs::read_to_string("/proc/self/maps").is_ok_and(|maps| maps.contains("eatmydata"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_tells_its_file_system_and_room() {
        let folder = tempfile::tempdir().unwrap();
        let place = Mount::of(folder.path()).unwrap();
        assert!(!place.kind.is_empty() && place.free_bytes > 0 && !place.read_only);
        assert_eq!(
            Mount::of(Path::new("/dev/shm")).map(|place| place.nature).unwrap_or(Nature::Fleeting),
            Nature::Fleeting
        );
    }

    #[test]
    fn careless_mounts_are_seen_on_the_folders_own_mount_only() {
        let table =
            "1 0 8:1 / / rw - ext4 /dev/a rw,barrier=0\n2 1 8:2 / /data rw - ext4 /dev/b rw,discard\n";
        assert_eq!(careless_in(table, Path::new("/srv")), Some("barrier=0"));
        assert_eq!(careless_in(table, Path::new("/data/blobs")), None);
    }
}
