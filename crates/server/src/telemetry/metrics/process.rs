//! Numbers of the process itself, read from /proc when asked for. A number that cannot be read is left out.

use std::fmt::{Display, Write as _};
use std::fs;

/// Appends the process's numbers, under the names that Prometheus' own libraries use.
///
/// Written by hand rather than through the facade, whose counters are whole numbers: CPU seconds are not.
pub(super) fn render(text: &mut String) {
    let stat = Stat::read();
    if let Some(stat) = &stat {
        one(
            text,
            "process_cpu_seconds_total",
            "counter",
            "User and system CPU time spent.",
            stat.cpu_seconds,
        );
        one(text, "process_threads", "gauge", "Threads.", stat.threads);
        one(text, "process_virtual_memory_bytes", "gauge", "Address space.", stat.virtual_bytes);
        one(text, "process_resident_memory_bytes", "gauge", "Resident memory.", stat.resident_bytes);
    }
    if let Some(started) = stat.and_then(|stat| Some(boot_time()? + stat.started_after_boot)) {
        one(
            text,
            "process_start_time_seconds",
            "gauge",
            "Start of the process, in seconds since 1970.",
            started,
        );
    }
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        // The listing itself holds one while it counts.
        one(text, "process_open_fds", "gauge", "Open file descriptors.", open.count().saturating_sub(1));
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        one(text, "process_max_fds", "gauge", "Most file descriptors that may be open.", most);
    }
}

fn one(text: &mut String, name: &str, kind: &str, help: &str, value: impl Display) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
}

struct Stat {
    cpu_seconds: f64,
    threads: u64,
    started_after_boot: f64,
    virtual_bytes: u64,
    resident_bytes: u64,
}

impl Stat {
    fn read() -> Option<Stat> {
        Stat::parse(&fs::read_to_string("/proc/self/stat").ok()?)
    }

    /// The second field is the program's name in brackets and may hold anything, so counting starts behind it.
    /// Field numbers are those of proc_pid_stat(5).
    fn parse(text: &str) -> Option<Stat> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Some(Stat {
            cpu_seconds: (field(14)? + field(15)?) as f64 / ticks,
            threads: field(20)?,
            started_after_boot: field(22)? as f64 / ticks,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * rustix::param::page_size() as u64,
        })
    }
}

fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_name_with_brackets_and_spaces_is_passed_over() {
        let text = "7 (a) b (c) S 1 7 7 0 -1 4194560 10 0 0 0 250 150 0 0 20 0 9 0 1200 8192000 500 rest";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.cpu_seconds, stat.threads, stat.started_after_boot), (4.0, 9, 12.0));
        assert_eq!(stat.resident_bytes, 500 * rustix::param::page_size() as u64);
    }
}
