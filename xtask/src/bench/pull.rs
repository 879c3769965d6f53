//! Pulling 1 GiB from the page cache beside nginx: plain with 1 and 4 connections, and TLS 1.3.

use std::thread;
use std::time::Instant;

use super::client::Client;
use super::peers::{Hythe, Nginx};
use super::process::cpu_seconds;
use super::push::Blob;
use super::report::{Report, median};
use super::said;
use crate::command::Outcome;

/// Seconds for the transfer, and the server's CPU seconds for it.
#[derive(Clone, Copy)]
struct Cost {
    seconds: f64,
    cpu: f64,
}

pub(super) fn measure(
    hythe: &Hythe,
    nginx: &Nginx,
    blob: &Blob,
    rounds: usize,
    report: &mut Report,
) -> Outcome {
    let token = hythe.token("repository:library/pull:pull")?;
    let ours = Client::new(hythe.port, Some(token.clone()));
    let theirs = Client::new(nginx.port, None);
    ours.get(&blob.url_path)?.expect(200)?.discard()?;
    for connections in [1, 4] {
        let name = format!(
            "pull 1 GiB, plain HTTP/1.1, {connections} connection{}",
            if connections == 1 { "" } else { "s" }
        );
        compare(
            &name,
            rounds,
            report,
            || plain(&ours, &blob.url_path, connections, hythe.pid()),
            || plain(&theirs, "/blob", connections, nginx.pid()),
        )?;
    }
    let authorization = format!("Authorization: Bearer {token}");
    let our_url = format!("https://127.0.0.1:{}{}", hythe.port, blob.url_path);
    let their_url = format!("https://127.0.0.1:{}/blob", nginx.tls_port);
    compare(
        "pull 1 GiB, TLS 1.3, curl",
        rounds,
        report,
        || tls(&our_url, &authorization, hythe.pid()),
        || tls(&their_url, &authorization, nginx.pid()),
    )
}

fn compare(
    name: &str,
    rounds: usize,
    report: &mut Report,
    ours: impl Fn() -> Outcome<Cost>,
    theirs: impl Fn() -> Outcome<Cost>,
) -> Outcome {
    let (mut our_costs, mut their_costs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        our_costs.push(ours()?);
        their_costs.push(theirs()?);
    }
    let of = |costs: &[Cost], part: fn(&Cost) -> f64| median(&costs.iter().map(part).collect::<Vec<_>>());
    let (our_seconds, their_seconds) = (of(&our_costs, |c| c.seconds), of(&their_costs, |c| c.seconds));
    let (our_cpu, their_cpu) = (of(&our_costs, |c| c.cpu), of(&their_costs, |c| c.cpu));
    report.add(format!("{name}: throughput, of nginx's"), their_seconds / our_seconds, "at least 0.95");
    let bar = if name.contains("TLS") { "" } else { "at most 1.15" };
    report.add(format!("{name}: CPU seconds, of nginx's"), our_cpu / their_cpu, bar);
    report.note(format!(
        "{name}: Hythe {our_seconds:.3} s and {our_cpu:.2} CPU s, nginx {their_seconds:.3} s and {their_cpu:.2} CPU s"
    ));
    Ok(())
}

fn plain(client: &Client, path: &str, connections: usize, pid: u32) -> Outcome<Cost> {
    costed(pid, || {
        thread::scope(|scope| {
            let pulls: Vec<_> =
                (0..connections).map(|_| scope.spawn(|| client.get(path)?.expect(200)?.discard())).collect();
            for pull in pulls {
                pull.join().map_err(|_| "a client broke down")??;
            }
            Ok(())
        })
    })
}

fn tls(url: &str, authorization: &str, pid: u32) -> Outcome<Cost> {
    costed(pid, || {
        said("curl", &["-sfk", "--http1.1", "--tlsv1.3", "-H", authorization, "-o", "/dev/null", url])
            .map(drop)
    })
}

fn costed(pid: u32, work: impl FnOnce() -> Outcome) -> Outcome<Cost> {
    let (cpu, begun) = (cpu_seconds(pid)?, Instant::now());
    work()?;
    let seconds = begun.elapsed().as_secs_f64();
    Ok(Cost { seconds, cpu: cpu_seconds(pid)? - cpu })
}
