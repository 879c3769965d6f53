//! From the start of the process to the first answer.

use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::client::Client;
use super::peers::Hythe;
use super::report::{Report, median};
use crate::command::Outcome;
use crate::services::free_port;

const PATIENCE: Duration = Duration::from_secs(30);

/// On a folder that does not exist yet: makes the database, the administrator, a key and a certificate.
pub(super) fn measure_empty(folder: &Path, rounds: usize, report: &mut Report) -> Outcome {
    let mut times = Vec::new();
    for round in 0..rounds {
        times.push(time(&folder.join(format!("start-{round}")))?);
    }
    report.add("start to first answer on an empty folder, ms", median(&times), "at most 150");
    Ok(())
}

/// On a folder with 100,000 tags.
pub(super) fn measure_full(_folder: &Path, data: &Path, rounds: usize, report: &mut Report) -> Outcome {
    let times = (0..rounds).map(|_| time(data)).collect::<Outcome<Vec<_>>>()?;
    report.add("start to first answer on 100,000 tags, ms", median(&times), "at most 300");
    Ok(())
}

fn time(data: &Path) -> Outcome<f64> {
    let port = free_port()?;
    let begun = Instant::now();
    let mut child = Hythe::command(data, port)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let client = Client::new(port, None);
    let answered = loop {
        if client.get("/livez").is_ok_and(|answer| answer.status == 200) {
            break Ok(begun.elapsed().as_secs_f64() * 1000.0);
        }
        if begun.elapsed() > PATIENCE {
            break Err("hythe did not answer in time".into());
        }
        sleep(Duration::from_millis(1));
    };
    super::said("kill", &["-TERM", &child.id().to_string()])?;
    child.wait()?;
    answered
}
