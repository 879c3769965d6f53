//! Resident memory: idle, and with 64 pushes of 256 MiB under way.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::client::{Client, path_of};
use super::peers::Hythe;
use super::process::resident_mib;
use super::report::Report;
use crate::command::Outcome;

const PUSHES: usize = 64;
const PUSH_BYTES: u64 = 256 << 20;
/// A server that has just started is not idle yet.
const SETTLE: Duration = Duration::from_secs(3);

pub(super) fn measure(hythe: &Hythe, report: &mut Report) -> Outcome {
    thread::sleep(SETTLE);
    report.add("resident memory, idle, MiB", resident_mib(hythe.pid())?, "at most 40");
    let client = hythe.client(Some(hythe.token("repository:library/memory:pull,push")?));
    let peak = peak_while(hythe, || push_at_once(&client))?;
    report.add("resident memory, 64 pushes of 256 MiB under way, MiB", peak, "at most 160");
    Ok(())
}

fn peak_while(hythe: &Hythe, work: impl FnOnce() -> Outcome) -> Outcome<f64> {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut peak: f64 = 0.0;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(resident_mib(hythe.pid()).unwrap_or(0.0));
                thread::sleep(Duration::from_millis(20));
            }
            peak
        });
        let worked = work();
        over.store(true, Ordering::Relaxed);
        let peak = watcher.join().map_err(|_| "the watcher broke down")?;
        worked.map(|()| peak)
    })
}

fn push_at_once(client: &Client) -> Outcome {
    thread::scope(|scope| {
        let pushes: Vec<_> = (0..PUSHES).map(|_| scope.spawn(|| push_and_cancel(client))).collect();
        for push in pushes {
            push.join().map_err(|_| "a client broke down")??;
        }
        Ok(())
    })
}

fn push_and_cancel(client: &Client) -> Outcome {
    let begun = client
        .send_bytes("POST", "/v2/library/memory/blobs/uploads/", "application/octet-stream", b"")?
        .expect(202)?;
    let location = path_of(begun.header("location").ok_or("no Location")?);
    client.send_zeros("PATCH", &location, PUSH_BYTES)?.expect(202)?;
    client.send_bytes("DELETE", &location, "application/octet-stream", b"")?.expect(204)?;
    Ok(())
}
