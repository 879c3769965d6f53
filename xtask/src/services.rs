//! Databases and S3 servers of the tests' own: loopback only, ports nobody else has, gone at the end.

mod ceph;

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use self::ceph::Ceph;
use crate::command::{self, Outcome};

/// How long a service may take until its port answers, and to end once told to.
const PATIENCE: Duration = Duration::from_secs(30);
const ACCESS_KEY: &str = "AKTEST";
const SECRET_KEY: &str = "SKTEST";
const BUCKET: &str = "hythe";

/// PostgreSQL, two S3 servers of different make and CephFS, with the variables that tell the tests of them.
pub(crate) struct Services {
    environment: Vec<(&'static str, String)>,
    // Dropped in this order: the servers end before the folder goes.
    _running: Vec<Service>,
    _ceph: Option<Ceph>,
    _folder: Folder,
}

impl Services {
    /// Starts all of them.
    pub(crate) fn start() -> Outcome<Services> {
        let folder = Folder::new("services")?;
        let (postgres, postgres_port) = start_postgres(folder.path())?;
        let (moto, moto_port) = start_moto(folder.path())?;
        let (seaweed, seaweed_port) = start_seaweed(folder.path())?;
        make_bucket(moto_port)?;
        make_bucket(seaweed_port)?;
        let ceph = start_ceph(folder.path())?;
        let mut environment = vec![
            ("HYTHE_TEST_POSTGRES", format!("postgres://postgres@127.0.0.1:{postgres_port}/postgres")),
            ("HYTHE_TEST_S3", format!("http://127.0.0.1:{moto_port}/{BUCKET}")),
            ("HYTHE_TEST_S3_SECOND", format!("http://127.0.0.1:{seaweed_port}/{BUCKET}")),
            ("AWS_ACCESS_KEY_ID", ACCESS_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", SECRET_KEY.to_owned()),
        ];
        environment.extend(ceph.as_ref().map(|ceph| ("HYTHE_TEST_SHARED_FOLDERS", ceph.mounts())));
        Ok(Services { environment, _running: vec![postgres, moto, seaweed], _ceph: ceph, _folder: folder })
    }

    /// `HYTHE_TEST_POSTGRES` (a superuser's URL), `HYTHE_TEST_S3`, `HYTHE_TEST_S3_SECOND` and their keys, and
    /// `HYTHE_TEST_SHARED_FOLDERS` (two mounts of one file system, apart by a colon).
    pub(crate) fn environment(&self) -> &[(&'static str, String)] {
        &self.environment
    }
}

/// A child process with its log; asked to end, then made to, when dropped.
pub(crate) struct Service {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Service {
    /// Starts `command` and waits until `port` of the loopback answers.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        folder: &Path,
        port: u16,
    ) -> Outcome<Service> {
        let mut service = Service::spawn(name, command, folder)?;
        service.await_port(port)?;
        Ok(service)
    }

    /// Starts `command` and waits for nothing.
    fn spawn(name: &'static str, command: &mut Command, folder: &Path) -> Outcome<Service> {
        let log = folder.join(format!("{name}.log"));
        let child = command::to_file(command, &log)?
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        Ok(Service { name, child, log })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn await_port(&mut self, port: u16) -> Outcome {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(
                    format!("{} ended at once ({status}):\n{}", self.name, command::tail(&self.log)).into()
                );
            }
            sleep(Duration::from_millis(20));
        }
        Err(format!("{} does not answer on port {port}:\n{}", self.name, command::tail(&self.log)).into())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // SIGINT is PostgreSQL's "fast" end and everybody else's polite one.
        let asked = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let begun = Instant::now();
        while asked.is_ok() && begun.elapsed() < PATIENCE {
            match self.child.try_wait() {
                Ok(None) => sleep(Duration::from_millis(20)),
                Ok(Some(_)) | Err(_) => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder below the system's temporary one, removed when dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Makes `hythe-NAME-PID`; what earlier processes were killed over is removed first, for it may be gigabytes.
    pub(crate) fn new(name: &str) -> Outcome<Folder> {
        let (all, prefix) = (std::env::temp_dir(), format!("hythe-{name}-"));
        remove_left(&all, &prefix);
        let path = all.join(format!("{prefix}{}", std::process::id()));
        fs::create_dir_all(&path).map_err(|error| format!("cannot make {}: {error}", path.display()))?;
        Ok(Folder(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes folders whose process is gone, or had the number that is ours now.
fn remove_left(all: &Path, prefix: &str) {
    for entry in fs::read_dir(all).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name.to_str().and_then(|name| name.strip_prefix(prefix)?.parse::<u32>().ok());
        let is_left = |id: u32| id == std::process::id() || !Path::new("/proc").join(id.to_string()).exists();
        if process.is_some_and(is_left) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// PostgreSQL refuses to run as root, so root hands it to Debian's `postgres` user. It fsyncs, as in production.
pub(crate) fn start_postgres(folder: &Path) -> Outcome<(Service, u16)> {
    let port = free_port()?;
    let home = folder.join("postgres");
    fs::create_dir(&home)?;
    let as_user: &[&str] = if is_root()? {
        command::run(Command::new("chown").arg("postgres").arg(&home))?;
        &["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    } else {
        &[]
    };
    let data = home.join("data");
    let mut init = command::program("setpriv")?;
    init.args(as_user).args([
        "initdb",
        "--auth=trust",
        "--username=postgres",
        "--encoding=UTF8",
        "--no-locale",
        "--no-sync",
        "-D",
    ]);
    command::logged(init.arg(&data).current_dir(&home), &folder.join("initdb.log"))?;
    let mut server = command::program("setpriv")?;
    server.args(as_user).args(["postgres", "-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"]);
    server.args(["-c", "fsync=on", "-c", "max_connections=200", "-c"]);
    server.arg(format!("unix_socket_directories={}", home.display())).arg("-D").arg(&data).current_dir(&home);
    Ok((Service::start("postgres", &mut server, folder, port)?, port))
}

fn is_root() -> Outcome<bool> {
    Ok(command::output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// A machine without FUSE cannot mount anything twice; the tests that want it then say that they were not run.
fn start_ceph(folder: &Path) -> Outcome<Option<Ceph>> {
    if !Path::new("/dev/fuse").exists() || !is_root()? {
        println!("NOT RUN: tests on CephFS, which need /dev/fuse and root to mount it");
        return Ok(None);
    }
    Ceph::start(folder).map(Some)
}

fn start_moto(folder: &Path) -> Outcome<(Service, u16)> {
    let port = free_port()?;
    let mut moto = command::program("moto_server")?;
    moto.args(["-H", "127.0.0.1", "-p", &port.to_string()]).current_dir(folder);
    Ok((Service::start("moto", &mut moto, folder, port)?, port))
}

/// SeaweedFS: master, volume, filer and S3 gateway in one process. Unlike moto it checks signatures.
fn start_seaweed(folder: &Path) -> Outcome<(Service, u16)> {
    let home = folder.join("seaweed");
    fs::create_dir(&home)?;
    fs::write(home.join("s3.json"), seaweed_identities())?;
    let s3 = free_port()?;
    let mut weed = command::program("weed")?;
    weed.arg(format!("-logdir={}", home.display())).args([
        "server",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
    ]);
    weed.arg(format!("-dir={}", home.display()))
        .arg(format!("-s3.config={}", home.join("s3.json").display()));
    weed.args(["-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", "-volume.max=0"]);
    weed.args(["-master.volumeSizeLimitMB=1024", &format!("-s3.port={s3}")]).current_dir(&home);
    for option in ["master.port", "volume.port", "filer.port"] {
        weed.arg(format!("-{option}={}", free_port()?)).arg(format!("-{option}.grpc={}", free_port()?));
    }
    weed.arg(format!("-s3.port.grpc={}", free_port()?));
    Ok((Service::start("seaweedfs", &mut weed, folder, s3)?, s3))
}

fn seaweed_identities() -> String {
    format!(
        r#"{{"identities":[{{"name":"test","credentials":[{{"accessKey":"{ACCESS_KEY}","secretKey":"{SECRET_KEY}"}}],
            "actions":["Admin","Read","Write","List","Tagging"]}}]}}"#
    )
}

/// Makes the bucket; the gateway's port answers a little before the gateway can, so it is asked again.
fn make_bucket(port: u16) -> Outcome {
    let mut curl = command::program("curl")?;
    curl.args([
        "--silent",
        "--show-error",
        "--fail",
        "--retry",
        "20",
        "--retry-all-errors",
        "--retry-delay",
        "1",
    ]);
    curl.args([
        "--aws-sigv4",
        "aws:amz:us-east-1:s3",
        "--user",
        &format!("{ACCESS_KEY}:{SECRET_KEY}"),
        "-X",
        "PUT",
    ]);
    command::output(curl.arg(format!("http://127.0.0.1:{port}/{BUCKET}")))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_process_left_is_removed_and_nothing_else() {
        let folder = Folder::new("left").unwrap();
        let names = ["hythe-a-1", "hythe-a-4294967295", "hythe-b-4294967295", "hythe-a-b"];
        names.iter().for_each(|name| fs::create_dir(folder.path().join(name)).unwrap());
        remove_left(folder.path(), "hythe-a-");
        let there = names.map(|name| folder.path().join(name).exists());
        assert_eq!(there, [true, false, true, true]);
    }
}
