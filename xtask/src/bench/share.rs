//! A share of a CPU for a process: a control group of its own, version 1 or 2, which needs root.

use std::fs;
use std::path::{Path, PathBuf};

use crate::command::Outcome;

/// In microseconds, for quotas.
const PERIOD: u32 = 20_000;

/// A control group with one process. Dropped, it goes; its process must have ended.
pub(super) struct Share(PathBuf);

impl Share {
    /// Gives the process this part of one CPU and no more, and all its threads with it.
    pub(super) fn give(pid: u32, part: f64) -> Outcome<Share> {
        let quota = (f64::from(PERIOD) * part) as u32;
        let root = Path::new("/sys/fs/cgroup");
        let name = format!("hythe-bench-{pid}");
        let refused =
            |error| format!("no control group can be made below {}, are you root? {error}", root.display());
        if root.join("cgroup.controllers").exists() {
            let group = root.join(name);
            fs::create_dir(&group).map_err(refused)?;
            fs::write(group.join("cpu.max"), format!("{quota} {PERIOD}")).map_err(refused)?;
            return Share(group).holding(pid);
        }
        let group = root.join("cpu").join(name);
        fs::create_dir(&group).map_err(refused)?;
        fs::write(group.join("cpu.cfs_period_us"), PERIOD.to_string()).map_err(refused)?;
        fs::write(group.join("cpu.cfs_quota_us"), quota.to_string()).map_err(refused)?;
        Share(group).holding(pid)
    }

    fn holding(self, pid: u32) -> Outcome<Share> {
        fs::write(self.0.join("cgroup.procs"), pid.to_string())?;
        Ok(self)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}
