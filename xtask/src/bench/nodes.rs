//! One, two and three nodes on one PostgreSQL and one folder: manifests by tag, each node with the same share of a CPU.

use std::path::Path;
use std::thread;
use std::time::Duration;

use super::manifests::{self, Load};
use super::peers::Hythe;
use super::process::cpu_seconds;
use super::report::{Report, median};
use super::share::Share;
use crate::command::{self, Outcome};
use crate::services::{Service, start_postgres};

const MOST: usize = 3;
const REPOSITORY: &str = "library/nodes";
/// Of one CPU: small enough that three nodes leave room for those who ask and for the database.
const PART: f64 = 0.2;
/// How long `wrk` runs.
const SECONDS: f64 = 5.0;

/// A node that may use its share and no more. The fields are dropped in this order: the group goes when it is empty.
struct Node {
    hythe: Hythe,
    _share: Option<Share>,
}

/// What a number of nodes did together, and at what price.
struct Done {
    rate: f64,
    nodes_cpu: f64,
    database_cpu: f64,
}

pub(super) fn measure(folder: &Path, rounds: usize, report: &mut Report) -> Outcome {
    for (part, how) in [(Some(PART), "a fifth of a CPU each"), (None, "unlimited")] {
        let folder = folder.join(if part.is_some() { "nodes-shared" } else { "nodes-free" });
        let (postgres, url) = start_database(&folder)?;
        let nodes = start(&folder, &url, part)?;
        measure_one_to_all(&nodes, &postgres, how, rounds, report)?;
    }
    Ok(())
}

/// A PostgreSQL that answers, in a new folder; and where it is.
pub(super) fn start_database(folder: &Path) -> Outcome<(Service, String)> {
    std::fs::create_dir(folder)?;
    std::fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let (postgres, port) = start_postgres(folder)?;
    await_answer(port)?;
    Ok((postgres, format!("postgres://postgres@127.0.0.1:{port}/postgres")))
}

/// PostgreSQL takes connections some time before it answers them.
fn await_answer(port: u16) -> Outcome {
    for _ in 0..100 {
        let mut asked = command::program("pg_isready")?;
        if asked.args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]).status()?.success() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err("PostgreSQL is not ready within 10 s".into())
}

fn start(folder: &Path, database: &str, part: Option<f64>) -> Outcome<Vec<Node>> {
    let start_one = |number: usize| {
        let hythe = Hythe::start_on(folder, &format!("node-{number}"), database)?;
        let share = part.map(|part| Share::give(hythe.pid(), part)).transpose()?;
        Ok(Node { hythe, _share: share })
    };
    (0..MOST).map(start_one).collect()
}

fn measure_one_to_all(
    nodes: &[Node],
    postgres: &Service,
    how: &str,
    rounds: usize,
    report: &mut Report,
) -> Outcome {
    let token = nodes[0].hythe.token(&format!("repository:{REPOSITORY}:pull,push"))?;
    manifests::push(&nodes[0].hythe.client(Some(token.clone())), REPOSITORY, "v1")?;
    let mut done: Vec<Vec<Done>> = (0..MOST).map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (count, all) in (1..=MOST).zip(&mut done) {
            all.push(load(&nodes[..count], postgres, &token)?);
        }
    }
    let of =
        |count: usize, what: fn(&Done) -> f64| median(&done[count - 1].iter().map(what).collect::<Vec<_>>());
    for count in 2..=MOST {
        report.add(
            format!("manifest GET by tag, nodes with {how}: rate of {count}, of that of 1"),
            of(count, |done| done.rate) / of(1, |done| done.rate),
            "",
        );
    }
    for count in 1..=MOST {
        report.note(format!(
            "{count} of {MOST} nodes asked, {how}: {:.0}/s; CPUs busy: nodes {:.2}, PostgreSQL {:.2}",
            of(count, |done| done.rate),
            of(count, |done| done.nodes_cpu),
            of(count, |done| done.database_cpu)
        ));
    }
    Ok(())
}

/// Asks these nodes at the same time, as a balancer would have them asked.
fn load(nodes: &[Node], postgres: &Service, token: &str) -> Outcome<Done> {
    let nodes_cpu = || nodes.iter().map(|node| cpu_seconds(node.hythe.pid())).sum::<Outcome<f64>>();
    let (nodes_before, database_before) = (nodes_cpu()?, cpu_seconds(postgres.pid())?);
    let loads: Vec<Result<Load, String>> = thread::scope(|scope| {
        let asked: Vec<_> =
            nodes.iter().map(|node| scope.spawn(move || ask(node.hythe.port, token))).collect();
        asked
            .into_iter()
            .map(|asked| asked.join().unwrap_or_else(|_| Err("wrk panicked".to_owned())))
            .collect()
    });
    let mut rate = 0.0;
    for load in loads {
        rate += load?.rate;
    }
    Ok(Done {
        rate,
        nodes_cpu: (nodes_cpu()? - nodes_before) / SECONDS,
        database_cpu: (cpu_seconds(postgres.pid())? - database_before) / SECONDS,
    })
}

fn ask(port: u16, token: &str) -> Result<Load, String> {
    let path = format!("/v2/{REPOSITORY}/manifests/v1");
    manifests::load(port, &path, Some(token)).map_err(|error| error.to_string())
}
