//! What the kernel says of a process and its children: CPU seconds and resident memory.

use std::fs;

use crate::command::Outcome;

/// Clock ticks a second in `/proc/PID/stat`: 100 on every Linux that Debian makes.
const TICKS_A_SECOND: f64 = 100.0;

/// User and system time of a process and all below it, in seconds.
pub(super) fn cpu_seconds(pid: u32) -> Outcome<f64> {
    let mut total = 0.0;
    for member in family(pid)? {
        total += own_cpu_seconds(member).unwrap_or(0.0);
    }
    Ok(total)
}

fn own_cpu_seconds(pid: u32) -> Outcome<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).ok_or("no name in /proc/PID/stat")?;
    let field =
        |index: usize| after_name.split_whitespace().nth(index).and_then(|text| text.parse::<f64>().ok());
    let (user, system) = (field(11).ok_or("no utime")?, field(12).ok_or("no stime")?);
    Ok((user + system) / TICKS_A_SECOND)
}

fn family(pid: u32) -> Outcome<Vec<u32>> {
    let mut members = vec![pid];
    for entry in fs::read_dir("/proc")? {
        let Some(child) = entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        if parent(child) == Some(pid) {
            members.push(child);
        }
    }
    Ok(members)
}

fn parent(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// Resident memory in MiB.
pub(super) fn resident_mib(pid: u32) -> Outcome<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line =
        status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS in /proc/PID/status")?;
    let kib: f64 = line.split_whitespace().nth(1).ok_or("no number in VmRSS")?.parse()?;
    Ok(kib / 1024.0)
}
