//! Three nodes on one PostgreSQL and one folder behind a balancer, and hands to break each of them.

use std::process::Command;
use std::time::Duration;

use hythe_acceptance::balancer::Balancer;
use hythe_acceptance::directory::free_port;
use hythe_acceptance::disk::Disk;
use hythe_acceptance::postgres::Postgres;
use hythe_acceptance::server::{Options, Server};
use tempfile::TempDir;

use crate::plan::Fault;

/// Nodes of a set.
pub(crate) const NODES: usize = 3;
/// Room for the blobs of a run; what a run fills is freed at its end.
const DISK_MIB: u32 = 1024;

/// The set. Dropped, it is gone without a trace.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    balancer: Balancer,
    postgres: Postgres,
    disk: Option<Disk>,
    _folder: TempDir,
}

struct Node {
    options: Options,
    port: u16,
    server: Option<Server>,
}

impl Cluster {
    /// `durable`: whether PostgreSQL has on its disk what it acknowledges.
    pub(crate) fn start(durable: bool) -> Cluster {
        let folder = TempDir::with_prefix("hythe-chaos-").unwrap();
        let postgres = Postgres::start();
        let options = if durable { "" } else { "?options=-c%20synchronous_commit%3Doff" };
        let database = format!("{}{options}", postgres.url());
        let disk = Disk::of(DISK_MIB);
        let blobs =
            disk.as_ref().map_or_else(|| folder.path().join("blobs"), |disk| disk.path().join("blobs"));
        let shared = Options::default()
            .variable("HYTHE_DATABASE_URL", &database)
            .variable("HYTHE_STORAGE_URL", blobs.to_str().unwrap());
        let nodes: Vec<Node> = (0..NODES)
            .map(|index| {
                let port = free_port();
                let options = shared
                    .clone()
                    .variable("HYTHE_NODE", &format!("node-{index}"))
                    .listen(&format!("127.0.0.1:{port}"))
                    .data(&folder.path().join(format!("data-{index}")));
                let server = Some(options.start());
                Node { options, port, server }
            })
            .collect();
        let balancer = Balancer::checking(&nodes.iter().map(|node| node.port).collect::<Vec<_>>());
        Cluster { nodes, balancer, postgres, disk, _folder: folder }
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
                self.postgres.resume();
            }
            Fault::RestartDatabase => {
                self.postgres.stop();
                self.postgres.resume();
            }
            Fault::StallStorage(moment) => self.stall(moment),
            Fault::FillStorage(moment) => {
                let Some(disk) = &self.disk else { return };
                disk.fill();
                std::thread::sleep(moment);
                disk.make_room();
            }
        }
    }

    /// The end of every node's log, for a run that has failed.
    pub(crate) fn logs_tail(&self) -> String {
        let log = |node: &Node| node.server.as_ref().map(Server::log).unwrap_or_default();
        let tail = |log: String| log.lines().rev().take(20).collect::<Vec<_>>().join("\n");
        self.nodes.iter().map(log).map(tail).collect::<Vec<_>>().join("\n---\n")
    }

    /// A tmpfs cannot be frozen: it is made read-only, which to a node that has files open is the same refusal of writes.
    fn stall(&self, moment: Duration) {
        let Some(disk) = &self.disk else { return };
        if disk.try_read_only() {
            std::thread::sleep(moment);
            disk.make_writable();
        }
    }
}

impl Node {
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
