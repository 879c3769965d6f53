//! Three nodes on one PostgreSQL and one storage behind a balancer, and hands to break each of them.

use std::process::Command;

use hythe_acceptance::balancer::Balancer;
use hythe_acceptance::directory::free_port;
use hythe_acceptance::postgres::Postgres;
use hythe_acceptance::server::{Options, Server};
use tempfile::TempDir;

use crate::plan::Fault;
use crate::storage::{Footing, Settings, Storage};

/// Nodes of a set.
pub(crate) const NODES: usize = 3;
/// For transfers that run when a node is told to end: shorter than a test waits for its end, and than some of them last.
const DRAIN_SECONDS: &str = "5";
/// Seconds in place of hours and days, so that what is deleted is collected while a run lasts.
const PACE: &str = "grace=15,trash=10,bytes=2,janitor=3,jobs=3";

/// A rule that the set has to do without, to see that it is missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// What is acknowledged is on PostgreSQL's disk.
    Durability,
    Fencing,
    /// What one who slept writes into a job is refused once it is another's.
    JobFencing,
    Leases,
}

/// The set. Dropped, it is gone without a trace.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    balancer: Balancer,
    postgres: Postgres,
    standby: Option<Postgres>,
    storage: Storage,
    _folder: TempDir,
}

struct Node {
    options: Options,
    port: u16,
    server: Option<Server>,
}

impl Cluster {
    /// Nothing where the tests were given no such storage.
    pub(crate) fn start(footing: Footing, without: Option<Rule>) -> Option<Cluster> {
        let folder = TempDir::with_prefix("hythe-chaos-").unwrap();
        let (storage, settings) = Storage::start(footing, folder.path(), NODES)?;
        let postgres = Postgres::start();
        if without == Some(Rule::Durability) {
            // What was written down last is then nearly always lost, and not only now and then.
            postgres.configure("wal_writer_delay", "10s");
        }
        let standby = without.is_none().then(|| postgres.standby());
        let shared = Options::default()
            .variable("HYTHE_DATABASE_URL", &database(&postgres, standby.as_ref(), without))
            .variable("HYTHE_SERVER_DRAIN_SECONDS", DRAIN_SECONDS)
            .variable("HYTHE_TRIAL", &trial(without));
        let nodes: Vec<Node> = settings
            .iter()
            .enumerate()
            .map(|(index, settings)| Node::start(&shared, settings, index, &folder))
            .collect();
        if without == Some(Rule::Durability) {
            // The loss of the start itself would be found too soon.
            postgres.say("CHECKPOINT");
        }
        let balancer = Balancer::checking(&nodes.iter().map(|node| node.port).collect::<Vec<_>>());
        Some(Cluster { nodes, balancer, postgres, standby, storage, _folder: folder })
    }

    /// Where clients go.
    pub(crate) fn host(&self) -> String {
        self.balancer.host()
    }

    /// Each node by itself.
    pub(crate) fn hosts(&self) -> Vec<String> {
        self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect()
    }

    /// Does it, and comes back when what it breaks is mended but for what [`Fault::Thaw`] mends.
    pub(crate) fn suffer(&mut self, fault: Fault) {
        match fault {
            Fault::Kill(node) => self.nodes[node].again("KILL"),
            Fault::Restart(node) => self.nodes[node].again("TERM"),
            Fault::Freeze(node) => self.nodes[node].signal("STOP"),
            Fault::Thaw(node) => self.nodes[node].signal("CONT"),
            Fault::CrashDatabase => {
                self.postgres.crash();
                self.resume_database();
            }
            Fault::RestartDatabase => {
                self.postgres.stop();
                self.resume_database();
            }
            Fault::FailOver => self.fail_over(),
            Fault::StallStorage(moment) => self.storage.stall(moment),
            Fault::FillStorage(moment) => self.storage.fill(moment),
        }
    }

    fn resume_database(&mut self) {
        self.postgres.resume();
        if self.standby.is_some() {
            self.postgres.await_standby();
        }
    }

    /// The standby takes over, and a new one takes its place. What the old database had alone is lost with it.
    fn fail_over(&mut self) {
        let Some(standby) = self.standby.take() else { return };
        self.postgres.crash();
        standby.promote();
        let gone = std::mem::replace(&mut self.postgres, standby);
        self.standby = Some(self.postgres.standby_at(gone.port()));
    }

    /// What `hythe storage audit` finds wrong, reading every byte; nothing if all is well. A bucket whose answer to the
    /// beginning of a multipart upload was lost keeps one that no row can name: the audit has to find and to end it.
    pub(crate) fn audit(&self) -> Result<String, String> {
        let found = self.look_at_storage(None);
        if !self.storage.is_bucket() || !found.as_ref().is_err_and(|said| only_leftovers(said)) {
            return found;
        }
        let repaired = self.look_at_storage(Some("--repair"));
        self.look_at_storage(None).map_err(|said| format!("{said}\nafter {repaired:?}"))
    }

    fn look_at_storage(&self, further: Option<&str>) -> Result<String, String> {
        let audit = ["storage", "audit", "--rehash", "--min-age-hours", "0"];
        let audit: Vec<&str> = audit.into_iter().chain(further).collect();
        let output = self.nodes[0].options.command(&audit).output().unwrap();
        let said =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            Ok(said)
        } else {
            Err(format!("storage audit: {}\n{said}", output.status))
        }
    }

    /// Every node's log since it was started last.
    pub(crate) fn logs(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.server.as_ref().map(Server::log).unwrap_or_default()).collect()
    }

    /// The end of every node's log, for a run that has failed.
    pub(crate) fn logs_tail(&self) -> String {
        let tail = |log: String| log.lines().rev().take(20).collect::<Vec<_>>().join("\n");
        self.logs().into_iter().map(tail).collect::<Vec<_>>().join("\n---\n")
    }
}

/// Whether every fault that an audit names is an upload that was begun and never ended.
fn only_leftovers(said: &str) -> bool {
    let faults: Vec<&str> = said.lines().filter(|line| line.contains("`--repair`")).collect();
    let counted = ["0 orphans", "0 missing", "0 of the wrong size", "0 rotten"];
    !faults.is_empty()
        && faults.iter().all(|line| line.starts_with("leftover uploads/"))
        && counted.iter().all(|count| said.contains(&format!(" {count}")))
}

/// Both databases where there are two, so that nodes find the one that is written to.
fn database(postgres: &Postgres, standby: Option<&Postgres>, without: Option<Rule>) -> String {
    match standby {
        Some(standby) => postgres.url_with(standby),
        None if without == Some(Rule::Durability) => {
            format!("{}?options=-c%20synchronous_commit%3Doff", postgres.url())
        }
        None => postgres.url(),
    }
}

fn trial(without: Option<Rule>) -> String {
    match without {
        Some(Rule::Fencing) => format!("{PACE},without=fencing"),
        Some(Rule::JobFencing) => format!("{PACE},without=job-fencing"),
        Some(Rule::Leases) => format!("{PACE},without=leases"),
        Some(Rule::Durability) | None => PACE.to_owned(),
    }
}

impl Node {
    fn start(shared: &Options, settings: &Settings, index: usize, folder: &TempDir) -> Node {
        let port = free_port();
        let options =
            settings.iter().fold(shared.clone(), |options, (name, value)| options.variable(name, value));
        let options = options
            .variable("HYTHE_NODE", &format!("node-{index}"))
            .listen(&format!("127.0.0.1:{port}"))
            .data(&folder.path().join(format!("data-{index}")));
        let server = Some(options.start());
        Node { options, port, server }
    }

    fn signal(&self, name: &str) {
        if let Some(server) = &self.server {
            server.signal(name);
        }
    }

    fn again(&mut self, signal: &str) {
        if let Some(mut server) = self.server.take() {
            server.signal(signal);
            server.ended();
        }
        self.server = Some(self.options.start());
    }
}

/// Whether this machine has what a set needs.
pub(crate) fn can_start() -> bool {
    Command::new("haproxy").arg("-v").output().is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_begun_and_never_ended_is_excused() {
        let leftover = "leftover uploads/01a1/multipart, 0 bytes: `--repair` removes it\n";
        let orphan = "orphan blobs/sha256/aa/bb/x, 7 bytes: `--repair` hands it to garbage collection\n";
        let counts = |orphans: u32| {
            format!(
                "9 objects of 7 bytes: {orphans} orphans, 1 leftovers, 0 missing, 0 of the wrong size, 0 rotten"
            )
        };
        assert!(only_leftovers(&format!("{leftover}{}", counts(0))));
        assert!(!only_leftovers(&format!("{leftover}{orphan}{}", counts(1))));
        assert!(!only_leftovers(&format!("{leftover}{}", counts(10))));
        assert!(!only_leftovers("the database cannot be reached"));
    }
}
