//! A small disk of the test's own, in memory, that can be filled and made read-only.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// What else has a file open for writing this very moment is done with it by then.
const TRIES: u32 = 200;

/// A mounted tmpfs. Declare it before the server that uses it: dropped after it, it is unmounted.
pub struct Disk {
    folder: TempDir,
    kibibytes: u64,
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
        mounted.then_some(Disk { folder, kibibytes: u64::from(mebibytes) * 1024 })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Makes it as small as what is on it.
    ///
    /// # Panics
    /// If that changes all the time.
    pub fn fill(&self) {
        let is_full = || rustix::fs::statvfs(self.path()).unwrap().f_bavail == 0;
        let filled = (0..TRIES).any(|_| self.try_resize(self.used()) && is_full());
        assert!(filled, "{} could not be filled", self.path().display());
    }

    /// Makes it as large as it was.
    pub fn make_room(&self) {
        assert!(self.try_resize(self.kibibytes), "{} could not be made larger", self.path().display());
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

    /// KiB, and never 0, which would stand for as much as there is.
    fn used(&self) -> u64 {
        let state = rustix::fs::statvfs(self.path()).unwrap();
        ((state.f_blocks - state.f_bfree) * state.f_frsize / 1024).max(4)
    }

    fn try_resize(&self, kibibytes: u64) -> bool {
        let size = format!("remount,size={kibibytes}k");
        run(Command::new("mount").args(["-o", &size]).arg(self.path()))
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
