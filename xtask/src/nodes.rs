//! `cargo xtask nodes`: PostgreSQL, three nodes and a balancer on this machine, under load, until told to end.

use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{self, Outcome};
use crate::places;
use crate::services::{self, Folder, Service, free_port};

const PASSWORD: &str = "three-nodes-12345";

/// How long, and under which load.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Ends by itself after so many seconds; otherwise when Enter is pressed
    #[arg(long, value_name = "N")]
    seconds: Option<u64>,
    /// Clients that ask the balancer all the time; 0 for none
    #[arg(long, value_name = "N", default_value_t = 4)]
    clients: usize,
}

/// Starts all of it, prints where it is, and takes it down again.
pub(crate) fn run(options: &Options) -> Outcome {
    command::run(command::cargo().args(["build", "--package", "hythe"]))?;
    let folder = Folder::new("nodes")?;
    let set = Set::start(folder.path())?;
    set.print();
    let load = Load::start(set.balancer, options.clients);
    wait(options.seconds, &load);
    load.end();
    Ok(())
}

/// Everything that runs; dropped in this order, clients' side first.
struct Set {
    balancer: u16,
    nodes: Vec<u16>,
    postgres: u16,
    _running: Vec<Service>,
}

impl Set {
    fn start(folder: &Path) -> Outcome<Set> {
        let (postgres, postgres_port) = services::start_postgres(folder)?;
        let key = folder.join("secrets.key");
        command::output(Command::new(binary()).args(["admin", "secrets", "new-key"]).arg(&key))?;
        let mut ports = Vec::new();
        let mut nodes = Vec::new();
        for name in ["node-1", "node-2", "node-3"] {
            let port = free_port()?;
            nodes.push(start_node(name, port, postgres_port, &key, folder)?);
            ports.push(port);
        }
        let balancer = free_port()?;
        let mut running = vec![start_balancer(balancer, &ports, folder)?];
        running.append(&mut nodes);
        running.push(postgres);
        Ok(Set { balancer, nodes: ports, postgres: postgres_port, _running: running })
    }

    fn print(&self) {
        println!("balancer  http://127.0.0.1:{}  (admin, {PASSWORD})", self.balancer);
        for (index, port) in self.nodes.iter().enumerate() {
            println!("node-{}    http://127.0.0.1:{port}", index + 1);
        }
        println!("database  postgres://postgres@127.0.0.1:{}/postgres", self.postgres);
        println!(
            "try       docker login 127.0.0.1:{}; hythe login http://127.0.0.1:{0}; hythe nodes",
            self.balancer
        );
    }
}

fn binary() -> std::path::PathBuf {
    places::target().join("debug/hythe")
}

fn start_node(name: &'static str, port: u16, postgres: u16, key: &Path, folder: &Path) -> Outcome<Service> {
    let mut node = Command::new(binary());
    node.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
        .arg(folder.join(name))
        .env("HYTHE_NODE", name)
        .env("HYTHE_DATABASE_URL", format!("postgres://postgres@127.0.0.1:{postgres}/postgres"))
        .env("HYTHE_STORAGE_URL", folder.join("blobs"))
        .env("HYTHE_SECRETS_KEY_FILE", key)
        .env("HYTHE_ADMIN_PASSWORD", PASSWORD);
    Service::start(name, &mut node, folder, port)
}

/// Round robin without stickiness. A node that is not ready gets nothing; a request that reached no node goes to the next.
fn start_balancer(port: u16, nodes: &[u16], folder: &Path) -> Outcome<Service> {
    let servers: String = nodes
        .iter()
        .enumerate()
        .map(|(index, node)| {
            format!("  server node{index} 127.0.0.1:{node} check inter 500ms fall 2 rise 1\n")
        })
        .collect();
    let text = format!(
        "global\n  maxconn 2000\ndefaults\n  mode http\n  retries 2\n  option redispatch\n  option forwardfor\n  \
         timeout connect 2s\n  timeout client 900s\n  timeout server 900s\n\
         frontend clients\n  bind 127.0.0.1:{port}\n  default_backend nodes\n\
         backend nodes\n  balance roundrobin\n  option httpchk GET /readyz\n{servers}"
    );
    let file = folder.join("haproxy.cfg");
    fs::write(&file, text)?;
    let mut haproxy = command::program("haproxy")?;
    Service::start("haproxy", haproxy.arg("-db").arg("-f").arg(&file), folder, port)
}

/// Clients that ask for the same small thing through the balancer, as fast as they are answered.
struct Load {
    over: Arc<AtomicBool>,
    answered: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
    clients: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(port: u16, clients: usize) -> Load {
        let mut load = Load {
            over: Arc::default(),
            answered: Arc::default(),
            refused: Arc::default(),
            clients: Vec::new(),
        };
        for _ in 0..clients {
            let (over, answered, refused) = (load.over.clone(), load.answered.clone(), load.refused.clone());
            load.clients.push(thread::spawn(move || {
                while !over.load(Ordering::Relaxed) {
                    let count = if ask(port).is_ok_and(|status| status < 500) { &answered } else { &refused };
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        load
    }

    fn print(&self, since: Duration) {
        let answered = self.answered.load(Ordering::Relaxed);
        let each_second = answered as f64 / since.as_secs_f64().max(0.001);
        println!(
            "{:>5} s  {answered} answered ({each_second:.0} a second), {} refused",
            since.as_secs(),
            self.refused.load(Ordering::Relaxed)
        );
    }

    fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            let _ = client.join();
        }
    }
}

fn ask(port: u16) -> Outcome<u16> {
    Ok(crate::bench::client::Client::new(port, None).get("/v2/library/none/manifests/latest")?.status)
}

fn wait(seconds: Option<u64>, load: &Load) {
    let begun = Instant::now();
    let entered = Arc::new(AtomicBool::new(false));
    if seconds.is_none() {
        println!("Enter ends it");
        let entered = entered.clone();
        thread::spawn(move || {
            let _ = std::io::stdin().lock().lines().next();
            entered.store(true, Ordering::Relaxed);
        });
    }
    let over = |since: Duration| seconds.is_some_and(|most| since.as_secs() >= most);
    while !entered.load(Ordering::Relaxed) && !over(begun.elapsed()) {
        thread::sleep(Duration::from_secs(1));
        if begun.elapsed().as_secs().is_multiple_of(5) {
            load.print(begun.elapsed());
        }
    }
}
