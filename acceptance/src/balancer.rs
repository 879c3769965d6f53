//! haproxy in front of several nodes: every request goes to the next one.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::directory::{await_port, free_port};
use crate::places;
use crate::server::Server;

/// A running haproxy. Dropped, it ends.
pub struct Balancer {
    child: Child,
    port: u16,
    _folder: TempDir,
}

impl Balancer {
    /// Spreads requests over these nodes, one after the other, and says for whom in `X-Forwarded-For`.
    pub fn over(nodes: &[Server]) -> Balancer {
        Balancer::with(|port| configuration(port, nodes))
    }

    /// Spreads requests over the nodes at these ports that say they are ready, as in production; a request that reached no
    /// node goes to the next.
    pub fn checking(ports: &[u16]) -> Balancer {
        Balancer::with(|port| checking(port, ports))
    }

    fn with(configuration: impl FnOnce(u16) -> String) -> Balancer {
        let folder = TempDir::with_prefix("hythe-balancer-").unwrap();
        let port = free_port();
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, configuration(port)).unwrap();
        let mut balancer = Balancer { child: start(folder.path(), &file), port, _folder: folder };
        await_port(port);
        assert!(balancer.child.try_wait().unwrap().is_none(), "haproxy ended at once");
        balancer
    }

    /// `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// No retries and no redispatch: a request that a node refuses shall be seen as refused.
fn configuration(port: u16, nodes: &[Server]) -> String {
    let servers: String = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| format!("  server node{index} {}\n", node.host()))
        .collect();
    format!(
        "global\n  maxconn 2000\ndefaults\n  mode http\n  retries 0\n  timeout connect 5s\n  timeout client 60s\n  \
         timeout server 60s\n  option forwardfor\n\
         frontend clients\n  bind 127.0.0.1:{port}\n  default_backend nodes\n\
         backend nodes\n  balance roundrobin\n  option http-server-close\n{servers}"
    )
}

fn checking(port: u16, nodes: &[u16]) -> String {
    let servers: String = nodes
        .iter()
        .map(|node| format!("  server node{node} 127.0.0.1:{node} check inter 500ms fall 2 rise 1\n"))
        .collect();
    format!(
        "global\n  maxconn 2000\ndefaults\n  mode http\n  retries 2\n  option redispatch\n  timeout connect 1s\n  \
         timeout client 60s\n  timeout server 60s\n  option forwardfor\n\
         frontend clients\n  bind 127.0.0.1:{port}\n  default_backend nodes\n\
         backend nodes\n  balance roundrobin\n  option httpchk GET /readyz\n{servers}"
    )
}

fn start(folder: &Path, file: &Path) -> Child {
    let log = std::fs::File::create(folder.join("haproxy.log")).unwrap();
    Command::new("haproxy")
        .env("PATH", places::search_path())
        .arg("-db")
        .arg("-f")
        .arg(file)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("haproxy cannot be started, cargo xtask tools installs it: {error}"))
}
