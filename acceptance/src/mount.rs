//! A folder of CephFS as one mount of it shows it, and hands to stop the mount and to leave no room in the folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use rustix::fs::XattrFlags;

/// CephFS lets no more than so many bytes into a folder that has this attribute; 0 takes the limit away ("CephFS quotas").
const QUOTA: &str = "ceph.quota.max_bytes";

/// A folder right below a mount.
pub struct Mount {
    folder: PathBuf,
    /// Whoever answers for the mount in user space.
    servants: Vec<u32>,
}

impl Mount {
    /// The mount of this folder.
    ///
    /// # Panics
    /// If nobody answers for it.
    pub fn of(folder: &Path) -> Mount {
        let servants = servants(folder.parent().unwrap());
        assert!(!servants.is_empty(), "no ceph-fuse answers for the mount of {}", folder.display());
        Mount { folder: folder.to_owned(), servants }
    }

    /// Nothing that is asked of this mount is answered for so long; other mounts of the same file system go on.
    pub fn stall(&self, moment: Duration) {
        let _stopped = Stopped::stop(&self.servants);
        thread::sleep(moment);
    }

    /// There is no room in the folder for so long, through whichever mount.
    pub fn fill(&self, moment: Duration) {
        self.allow(b"1");
        thread::sleep(moment);
        self.allow(b"0");
    }

    fn allow(&self, bytes: &[u8]) {
        rustix::fs::setxattr(&self.folder, QUOTA, bytes, XattrFlags::empty()).unwrap();
    }
}

/// Processes that stand still until this is dropped.
struct Stopped<'a>(&'a [u32]);

impl Stopped<'_> {
    fn stop(processes: &[u32]) -> Stopped<'_> {
        signal(processes, "STOP");
        Stopped(processes)
    }
}

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        signal(self.0, "CONT");
    }
}

fn signal(processes: &[u32], name: &str) {
    let ids = processes.iter().map(u32::to_string);
    let _ = Command::new("kill").args(["-s", name]).args(ids).status();
}

/// Every `ceph-fuse` that was started with the path of this mount.
fn servants(mount: &Path) -> Vec<u32> {
    let serves = |process: &u32| {
        let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
        let words: Vec<&[u8]> = words.split(|byte| *byte == 0).collect();
        words[0].ends_with(b"ceph-fuse") && words.contains(&mount.as_os_str().as_encoded_bytes())
    };
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter(serves).collect()
}
