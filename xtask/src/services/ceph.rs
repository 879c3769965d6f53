//! CephFS, mounted twice through FUSE: the folder that two machines share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{PATIENCE, Service, free_port};
use crate::command::{self, Outcome};

/// A cluster of one monitor, one storage daemon and one metadata server, without sign-in, and two mounts of it.
pub(super) struct Ceph {
    folder: PathBuf,
    running: Vec<Service>,
}

impl Ceph {
    /// Starts it below `folder`, whose path has to be short: control sockets lie in it, and 107 bytes is all they get.
    pub(super) fn start(folder: &Path) -> Outcome<Ceph> {
        let mut ceph = Ceph { folder: folder.join("ceph"), running: Vec::new() };
        ceph.make_folders()?;
        ceph.start_monitor()?;
        ceph.start_storage()?;
        ceph.start_file_system()?;
        ceph.mount("m1")?;
        ceph.mount("m2")?;
        Ok(ceph)
    }

    /// Both mounts, apart by a colon.
    pub(super) fn mounts(&self) -> String {
        format!("{}:{}", self.folder.join("m1").display(), self.folder.join("m2").display())
    }

    fn make_folders(&self) -> Outcome {
        for name in ["mon", "osd", "mds", "run", "log", "m1", "m2"] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        Ok(())
    }

    fn start_monitor(&mut self) -> Outcome {
        let (cluster, port) = (uuid()?, free_port()?);
        let address = format!("[v2:127.0.0.1:{port}]");
        fs::write(self.folder.join("ceph.conf"), self.configuration(&cluster, &address))?;
        self.once("monmaptool", &["--create", "--addv", "a", &address, "--fsid", &cluster, "monmap"])?;
        self.once("ceph-mon", &["--mkfs", "-i", "a", "--monmap", "monmap"])?;
        self.keep("mon", "ceph-mon", &["-i", "a", "-f"])
    }

    fn start_storage(&mut self) -> Outcome {
        let id = uuid()?;
        self.once("ceph", &["--connect-timeout", "60", "osd", "new", &id])?;
        self.once("ceph-osd", &["-i", "0", "--mkfs", "--osd-uuid", &id, "--osd-objectstore", "bluestore"])?;
        self.keep("osd", "ceph-osd", &["-i", "0", "--osd-objectstore", "bluestore", "-f"])
    }

    fn start_file_system(&mut self) -> Outcome {
        self.once("ceph", &["osd", "pool", "create", "metadata", "8"])?;
        self.once("ceph", &["osd", "pool", "create", "data", "8"])?;
        self.once("ceph", &["fs", "new", "hythe", "metadata", "data"])?;
        self.keep("mds", "ceph-mds", &["-i", "a", "-f"])?;
        self.wait("a metadata server", |ceph| {
            let state = ceph.once("ceph", &["mds", "stat"])?;
            Ok(state.contains("up:active"))
        })
    }

    fn mount(&mut self, name: &'static str) -> Outcome {
        let place = self.folder.join(name);
        self.keep(name, "ceph-fuse", &["-f", &place.to_string_lossy()])?;
        self.wait("a mount", |_| Ok(Command::new("mountpoint").arg("-q").arg(&place).status()?.success()))
    }

    /// Without sign-in there are no keys to make. The file that holds the bytes is sparse.
    fn configuration(&self, cluster: &str, address: &str) -> String {
        let here = self.folder.display();
        [
            "[global]".to_owned(),
            format!("fsid = {cluster}"),
            "mon_initial_members = a".to_owned(),
            format!("mon_host = {address}"),
            "public_network = 127.0.0.0/8".to_owned(),
            "auth_cluster_required = none".to_owned(),
            "auth_service_required = none".to_owned(),
            "auth_client_required = none".to_owned(),
            "osd_pool_default_size = 1".to_owned(),
            "osd_pool_default_min_size = 1".to_owned(),
            "osd_crush_chooseleaf_type = 0".to_owned(),
            "mon_allow_pool_size_one = true".to_owned(),
            // A monitor ends, and does not say so, where less than a twentieth of the disk is free; it needs some MiB.
            "mon_data_avail_warn = 0".to_owned(),
            "mon_data_avail_crit = 0".to_owned(),
            "osd_memory_target = 939524096".to_owned(),
            "bluestore_block_size = 10737418240".to_owned(),
            format!("run_dir = {here}/run"),
            // Two mounts of one process name need two sockets.
            format!("admin_socket = {here}/run/$name.$pid.asok"),
            format!("pid_file = {here}/run/$name.$pid.pid"),
            format!("log_file = {here}/log/$name.$pid.log"),
            format!("mon_data = {here}/mon"),
            format!("osd_data = {here}/osd"),
            format!("mds_data = {here}/mds\n"),
        ]
        .join("\n")
    }

    fn program(&self, name: &str) -> Outcome<Command> {
        let mut command = command::program(name)?;
        command.env("CEPH_CONF", self.folder.join("ceph.conf")).current_dir(&self.folder);
        Ok(command)
    }

    fn once(&self, name: &str, words: &[&str]) -> Outcome<String> {
        command::output(self.program(name)?.args(words))
    }

    fn keep(&mut self, name: &'static str, program: &str, words: &[&str]) -> Outcome {
        self.running.push(Service::spawn(
            name,
            self.program(program)?.args(words),
            &self.folder.join("log"),
        )?);
        Ok(())
    }

    fn wait(&self, what: &str, ready: impl Fn(&Ceph) -> Outcome<bool>) -> Outcome {
        let begun = Instant::now();
        while !ready(self)? {
            if begun.elapsed() > PATIENCE {
                return Err(format!(
                    "CephFS: no {what} within {PATIENCE:?}; see {}",
                    self.folder.join("log").display()
                )
                .into());
            }
            sleep(Duration::from_millis(100));
        }
        Ok(())
    }
}

impl Drop for Ceph {
    /// The mounts first: a mount whose cluster is gone cannot be let go of.
    fn drop(&mut self) {
        for mount in ["m1", "m2"] {
            let _ = Command::new("umount").arg("--lazy").arg(self.folder.join(mount)).status();
        }
        while self.running.pop().is_some() {}
    }
}

fn uuid() -> Outcome<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned())
}
