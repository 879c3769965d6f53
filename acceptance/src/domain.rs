//! An Active Directory of the test's own: a Samba domain controller in a network name space.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;
use crate::places;

/// Provisioning takes some seconds, the first answer some more.
const PATIENCE: Duration = Duration::from_secs(60);
/// The password of everybody in a test's domain; Windows' rules want all kinds of letters.
pub const PASSWORD: &str = "Domain-12345";

/// The controller takes the ports of a real one, so that it gets a name space of its own with this address.
const ADDRESS: &str = "10.66.0.1";
const OUR_ADDRESS: &str = "10.66.0.2/24";
const NAME_SPACE: &str = "hythe-domain";
const LINK: &str = "hythe-dom0";

/// A running controller of `ad.test`. Dropped, it ends. A machine has one at a time: another waits for it.
pub struct Domain {
    folder: TempDir,
    child: Option<Child>,
    _turn: File,
}

impl Domain {
    /// Provisions a domain and starts its controller.
    pub fn start() -> Domain {
        let turn = File::create(std::env::temp_dir().join("hythe-domain.lock")).unwrap();
        turn.lock().unwrap();
        let folder = TempDir::with_prefix("hythe-domain-").unwrap();
        remove_network();
        let mut domain = Domain { folder, child: None, _turn: turn };
        domain.make_network();
        domain.provision();
        domain.serve();
        domain
    }

    /// The controller's address for directory clients.
    pub fn url(&self) -> String {
        format!("ldap://{ADDRESS}")
    }

    /// The controller's address for directory clients that speak TLS from the first byte.
    pub fn tls_url(&self) -> String {
        format!("ldaps://{ADDRESS}")
    }

    /// The distinguished name of a person or a group.
    pub fn named(&self, name: &str) -> String {
        format!("CN={name},CN=Users,DC=ad,DC=test")
    }

    /// Makes a person.
    pub fn add_person(&self, name: &str) {
        self.tool(&["user", "create", name, PASSWORD, &format!("--mail-address={name}@ad.test")]);
    }

    /// Keeps a person from signing in.
    pub fn disable_person(&self, name: &str) {
        self.tool(&["user", "disable", name]);
    }

    /// Makes a group of these people and groups.
    pub fn add_group(&self, name: &str, members: &[&str]) {
        self.tool(&["group", "add", name]);
        self.tool(&["group", "addmembers", name, &members.join(",")]);
    }

    fn configuration(&self) -> PathBuf {
        self.folder.path().join("ad/etc/smb.conf")
    }

    fn client(&self, program: &str) -> Client {
        Client::new(program, self.folder.path())
    }

    fn tool(&self, words: &[&str]) {
        let inside = ["netns", "exec", NAME_SPACE, "samba-tool"];
        self.client("ip").args(inside).args(words).arg("-s").arg(self.configuration()).succeeds();
    }

    fn make_network(&self) {
        let ip = |words: &str| drop(self.client("ip").args(words.split(' ')).succeeds());
        ip(&format!("netns add {NAME_SPACE}"));
        ip(&format!("link add {LINK} type veth peer name eth0 netns {NAME_SPACE}"));
        ip(&format!("-n {NAME_SPACE} addr add {ADDRESS}/24 dev eth0"));
        ip(&format!("-n {NAME_SPACE} link set lo up"));
        ip(&format!("-n {NAME_SPACE} link set eth0 up"));
        ip(&format!("addr add {OUR_ADDRESS} dev {LINK}"));
        ip(&format!("link set {LINK} up"));
    }

    fn provision(&self) {
        let target = self.folder.path().join("ad");
        self.client("ip")
            .args(["netns", "exec", NAME_SPACE, "samba-tool", "domain", "provision", "--realm=AD.TEST"])
            .args(["--domain=ADTEST", "--server-role=dc", "--dns-backend=SAMBA_INTERNAL", "--host-name=dc1"])
            .args([format!("--adminpass={PASSWORD}"), format!("--host-ip={ADDRESS}")])
            .arg(format!("--targetdir={}", target.display()))
            .succeeds();
        let configured = std::fs::read_to_string(self.configuration()).unwrap();
        let own: Vec<&str> =
            configured.lines().filter(|line| !line.trim().starts_with("dns forwarder")).collect();
        let folder = target.display();
        let more = format!(
            "[global]\n\tdns forwarder = 127.0.0.1\n\tpid directory = {folder}/run\n\tncalrpc dir = {folder}/ncalrpc\n\
             \twinbindd socket directory = {folder}/wb\n\tntp signd socket directory = {folder}/ntp\n\
             \tbind interfaces only = yes\n\tinterfaces = {ADDRESS} 127.0.0.1\n\
             \tldap server require strong auth = allow_sasl_over_tls\n\tserver services = -nbt"
        );
        let text =
            own.join("\n").replacen("[global]", &more, 1).replace("/var/log/samba/", &format!("{folder}/"));
        std::fs::create_dir_all(target.join("run")).unwrap();
        std::fs::write(self.configuration(), text).unwrap();
    }

    fn serve(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("samba.log")).unwrap();
        let child = Command::new("ip")
            .env("PATH", places::search_path())
            .args(["netns", "exec", NAME_SPACE, "samba", "-F", "--debug-stdout", "--no-process-group", "-s"])
            .arg(self.configuration())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let begun = Instant::now();
        while std::net::TcpStream::connect((ADDRESS, 636)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the domain controller does not answer within {PATIENCE:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Domain {
    /// The first process ends its children when it is told to; what is left of them goes with the name space.
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            thread::sleep(Duration::from_secs(1));
            let _ = child.kill();
            let _ = child.wait();
        }
        remove_network();
    }
}

fn remove_network() {
    let quietly = |words: &[&str]| {
        let _ = Command::new("ip").args(words).stdout(Stdio::null()).stderr(Stdio::null()).status();
    };
    quietly(&["netns", "delete", NAME_SPACE]);
    quietly(&["link", "delete", LINK]);
}
