//! What podman, buildah, containerd and dockerd need to run on a small machine: no systemd, few rights.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use hythe_acceptance::client::Client;
use hythe_acceptance::workbench::Workbench;

const PATIENCE: Duration = Duration::from_secs(60);

/// Without the right to raise limits, containers must be asked to keep to ours; cgroups are written directly.
const CONTAINERS: &str = "[containers]
default_ulimits = [\"nofile=20000:20000\", \"nproc=32768:32768\"]
[engine]
cgroup_manager = \"cgroupfs\"
runtime = \"runc\"
events_logger = \"file\"
";

/// Gives podman or buildah storage and settings in the workbench's home, signed in as the administrator.
pub(crate) fn containers_tool(bench: &Workbench, program: &str) -> Client {
    let storage = bench.path("storage.conf");
    if !storage.exists() {
        let [graph, run] = ["graph", "run"].map(|name| bench.path(name).display().to_string());
        bench.write(
            "storage.conf",
            format!("[storage]\ndriver = \"vfs\"\ngraphroot = \"{graph}\"\nrunroot = \"{run}\"\n"),
        );
        bench.write("containers.conf", CONTAINERS);
        bench.write("tmp/.keep", "");
        bench.sign_in_by_file("auth.json");
    }
    bench
        .client(program)
        .variable("CONTAINERS_STORAGE_CONF", storage)
        .variable("CONTAINERS_CONF", bench.path("containers.conf"))
        .variable("REGISTRY_AUTH_FILE", bench.path("auth.json"))
        .variable("TMPDIR", bench.path("tmp"))
}

/// A daemon with a socket; asked to end when dropped.
pub(crate) struct Daemon {
    child: Child,
    folder: std::path::PathBuf,
}

impl Daemon {
    /// Starts it and waits for its socket; its log is beside the socket.
    pub(crate) fn start(mut command: Command, socket: &Path) -> Daemon {
        let folder = socket.parent().unwrap().to_path_buf();
        let log = std::fs::File::create(folder.join("daemon.log")).unwrap();
        let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut daemon = Daemon { child, folder };
        let begun = Instant::now();
        while UnixStream::connect(socket).is_err() {
            let ended = daemon.child.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < PATIENCE,
                "{command:?} does not answer: {}",
                daemon.log()
            );
            sleep(Duration::from_millis(20));
        }
        daemon
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("daemon.log")).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && begun.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        unmount_below(&self.folder);
        if std::thread::panicking() {
            eprintln!("--- daemon log ---\n{}", self.log());
        }
    }
}

/// Container mounts that a daemon left behind would keep the folder from being removed.
fn unmount_below(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let points: Vec<&str> = mounts.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    for point in points.iter().rev().filter(|point| Path::new(point).starts_with(folder)) {
        let _ = Command::new("umount").args(["-l", point]).status();
    }
}

/// A containerd of the workbench's own; returns its socket.
pub(crate) fn containerd(bench: &Workbench) -> (Daemon, std::path::PathBuf) {
    let folder = bench.path("containerd");
    let at = |name: &str| folder.join(name).display().to_string();
    let [root, state, socket, optional] = ["root", "state", "containerd.sock", "opt"].map(at);
    bench.write(
        "containerd/config.toml",
        format!(
            "version = 2\nroot = \"{root}\"\nstate = \"{state}\"\n\
             disabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = \"{socket}\"\n\
             [plugins.\"io.containerd.internal.v1.opt\"]\npath = \"{optional}\"\n"
        ),
    );
    let command =
        without_deadline(bench, "containerd").arg("-c").arg(folder.join("config.toml")).into_command();
    let socket = folder.join("containerd.sock");
    (Daemon::start(command, &socket), socket)
}

/// Daemons outlive the time that one call of a client may take.
fn without_deadline(bench: &Workbench, program: &str) -> Client {
    bench.client("env").arg(program)
}

/// A dockerd with its containerd; returns the socket's URL. Dropped in order: dockerd first.
pub(crate) fn dockerd(bench: &Workbench) -> (Daemon, Daemon, String) {
    let (containerd, containerd_socket) = containerd(bench);
    let socket = bench.path("dockerd/docker.sock");
    let mut settings = serde_json::json!({
        "data-root": bench.path("dockerd/data"),
        "exec-root": bench.path("dockerd/exec"),
        "pidfile": bench.path("dockerd/dockerd.pid"),
        "hosts": [format!("unix://{}", socket.display())],
        "containerd": containerd_socket,
        "storage-driver": "vfs",
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 20000, "Hard": 20000}},
        "bridge": "none",
        "iptables": false,
        "ip6tables": false,
        "max-concurrent-uploads": 5,
    });
    if dockerd_version(bench) < 25 {
        // It would want a lower one than ours, which takes a right that we may lack. Later ones want nothing, and know no
        // such setting.
        settings["oom-score-adjust"] = 0.into();
    }
    let file = bench.write("dockerd/daemon.json", settings.to_string());
    let command = without_deadline(bench, "dockerd").arg("--config-file").arg(file).into_command();
    let url = format!("unix://{}", socket.display());
    (Daemon::start(command, &socket), containerd, url)
}

/// The first of its numbers: `Docker version 26.1.5+dfsg1, build …`.
fn dockerd_version(bench: &Workbench) -> u32 {
    let said = bench.client("dockerd").arg("--version").succeeds();
    let number = said.strip_prefix("Docker version ").and_then(|rest| rest.split_once('.'));
    number.and_then(|(number, _)| number.parse().ok()).unwrap_or_else(|| panic!("{said}"))
}
