//! A small disk of the test's own, in memory, that can be filled and made read-only.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

const BALLAST: &str = "ballast";
/// What else has a file open for writing this very moment is done with it by then.
const TRIES: u32 = 200;

/// A mounted tmpfs. Declare it before the server that uses it: dropped after it, it is unmounted.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// A disk of so many MiB; nothing, and a line that says so, where this user may not mount one.
    pub fn of(mebibytes: u32) -> Option<Disk> {
        let folder = TempDir::with_prefix("hythe-disk-").unwrap();
        let size = format!("size={mebibytes}m,mode=755");
        let mounted =
            run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()));
        if !mounted {
            eprintln!("NOT RUN: this user may not mount a tmpfs");
        }
        mounted.then_some(Disk { folder })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes until nothing fits any more.
    pub fn fill(&self) {
        let mut ballast = File::create(self.ballast()).unwrap();
        for size in [1 << 20, 4096] {
            while ballast.write(&vec![0; size]).is_ok_and(|written| written > 0) {}
        }
    }

    /// Takes away what filled it.
    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    /// Lets nobody write to it any more.
    pub fn make_read_only(&self) {
        self.remount("remount,ro");
    }

    /// [`Disk::make_read_only`], unless somebody keeps a file open for writing; whether it is.
    pub fn try_read_only(&self) -> bool {
        run(Command::new("mount").args(["-o", "remount,ro"]).arg(self.path()))
    }

    /// Lets everybody write to it again.
    pub fn make_writable(&self) {
        self.remount("remount,rw");
    }

    fn ballast(&self) -> PathBuf {
        self.path().join(BALLAST)
    }

    fn remount(&self, options: &str) {
        for _ in 0..TRIES {
            if run(Command::new("mount").args(["-o", options]).arg(self.path())) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
        panic!("mount -o {options} {}: somebody keeps a file open for writing", self.path().display());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a process that a failing test left behind must not keep the mount for ever.
        if !run(Command::new("umount").arg(self.path())) {
            run(Command::new("umount").arg("--lazy").arg(self.path()));
        }
    }
}

fn run(command: &mut Command) -> bool {
    command.output().unwrap().status.success()
}
