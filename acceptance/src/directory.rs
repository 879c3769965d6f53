//! A directory of the test's own: slapd with people, nested groups and TLS.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::client::Client;
use crate::places;

/// How long a server may take to answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The password of everybody in a test's directory.
pub const PASSWORD: &str = "Directory-12345";

/// A running slapd whose tree is `dc=NAME,dc=test`. Dropped, it ends.
pub struct Directory {
    name: String,
    folder: TempDir,
    certificates: Certificates,
    port: u16,
    tls_port: u16,
    child: Option<Child>,
}

impl Directory {
    /// A directory with the search account `cn=search` and these people, each below `ou=people`.
    pub fn start(name: &str, people: &[&str]) -> Directory {
        let folder = TempDir::with_prefix("hythe-directory-").unwrap();
        let certificates = Certificates::make(&folder.path().join("tls"));
        let (port, tls_port) = (free_port(), free_port());
        let mut directory =
            Directory { name: name.to_owned(), folder, certificates, port, tls_port, child: None };
        std::fs::create_dir(directory.folder.path().join("data")).unwrap();
        std::fs::write(directory.configuration(), directory.slapd_conf()).unwrap();
        directory.resume();
        directory.add(&directory.tree(people));
        directory
    }

    /// The plain server, which also speaks StartTLS.
    pub fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// The server that speaks TLS from the first byte.
    pub fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// The authority behind the server's certificate, PEM.
    pub fn authority(&self) -> String {
        std::fs::read_to_string(self.certificates.trusted().join("ca.crt")).unwrap()
    }

    /// `dc=NAME,dc=test`.
    pub fn base(&self) -> String {
        format!("dc={},dc=test", self.name)
    }

    /// The account that may search.
    pub fn search_account(&self) -> String {
        format!("cn=search,{}", self.base())
    }

    /// The distinguished name of a person.
    pub fn person(&self, name: &str) -> String {
        format!("uid={name},ou=people,{}", self.base())
    }

    /// The distinguished name of a group.
    pub fn group(&self, name: &str) -> String {
        format!("cn={name},ou=groups,{}", self.base())
    }

    /// Makes a group of these members, given by their distinguished names.
    pub fn add_group(&self, name: &str, members: &[String]) {
        let members: String = members.iter().map(|member| format!("member: {member}\n")).collect();
        self.add(&format!("dn: {}\nobjectClass: groupOfNames\ncn: {name}\n{members}", self.group(name)));
    }

    /// Takes a member out of a group or puts one in.
    pub fn change_members(&self, group: &str, verb: &str, member: &str) {
        let change =
            format!("dn: {}\nchangetype: modify\n{verb}: member\nmember: {member}\n", self.group(group));
        self.feed("ldapmodify", &change);
    }

    /// Takes a person out of the directory.
    pub fn remove_person(&self, name: &str) {
        self.feed("ldapmodify", &format!("dn: {}\nchangetype: delete\n", self.person(name)));
    }

    /// Stops the server; what is in it stays.
    pub fn pause(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it, and waits until it answers.
    pub fn resume(&mut self) {
        let log = std::fs::File::create(self.folder.path().join("slapd.log")).unwrap();
        let child = Command::new("slapd")
            .env("PATH", places::search_path())
            .args(["-d", "0", "-h", &format!("{} {}", self.url(), self.tls_url()), "-f"])
            .arg(self.configuration())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("slapd cannot be started, cargo xtask tools installs it: {error}")
            });
        self.child = Some(child);
        await_port(self.port);
        await_port(self.tls_port);
    }

    fn configuration(&self) -> std::path::PathBuf {
        self.folder.path().join("slapd.conf")
    }

    fn slapd_conf(&self) -> String {
        let schemas: String = ["core", "cosine", "nis", "inetorgperson"]
            .map(|schema| format!("include /etc/ldap/schema/{schema}.schema\n"))
            .concat();
        let shown = |path: &Path| path.display().to_string();
        format!(
            "{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload memberof\n\
             TLSCACertificateFile {authority}\nTLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\n\
             database mdb\nsuffix \"{base}\"\nrootdn \"cn=admin,{base}\"\nrootpw {PASSWORD}\n\
             directory {data}\nmaxsize 104857600\noverlay memberof\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"cn=search,{base}\" read by self read by anonymous auth by * none\n",
            authority = shown(&self.certificates.trusted().join("ca.crt")),
            certificate = shown(&self.certificates.server_certificate()),
            key = shown(&self.certificates.server_key()),
            base = self.base(),
            data = shown(&self.folder.path().join("data")),
        )
    }

    fn tree(&self, people: &[&str]) -> String {
        let base = self.base();
        let mut tree = format!(
            "dn: {base}\nobjectClass: dcObject\nobjectClass: organization\no: {name}\n\n\
             dn: ou=people,{base}\nobjectClass: organizationalUnit\n\n\
             dn: ou=groups,{base}\nobjectClass: organizationalUnit\n\n\
             dn: cn=search,{base}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
             userPassword: {PASSWORD}\n",
            name = self.name,
        );
        for person in people {
            tree += &format!(
                "\ndn: {}\nobjectClass: inetOrgPerson\ncn: {person} of {}\nsn: {person}\n\
                 mail: {person}@{}.test\nuserPassword: {PASSWORD}\n",
                self.person(person),
                self.name,
                self.name,
            );
        }
        tree
    }

    fn add(&self, entries: &str) {
        self.feed("ldapadd", entries);
    }

    /// Hands LDIF to a client, as the directory's administrator. Entries that are added while it runs are those whose
    /// `memberOf` the server fills in.
    fn feed(&self, program: &str, entries: &str) {
        let file = self.folder.path().join("entries.ldif");
        std::fs::write(&file, entries).unwrap();
        Client::new(program, self.folder.path())
            .args(["-x", "-H", &self.url(), "-D", &format!("cn=admin,{}", self.base()), "-w", PASSWORD, "-f"])
            .arg(file)
            .succeeds();
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.pause();
    }
}

/// A port that nobody has now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits until a port of this machine takes connections.
pub fn await_port(port: u16) {
    let begun = Instant::now();
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nothing answers on port {port} within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}
