//! The three servers: Hythe as a user starts it, Debian's docker-registry, Debian's nginx with `sendfile on`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::client::Client;
use crate::command::{self, Outcome};
use crate::places;
use crate::services::{Service, free_port};

/// The administrator's, for the short life of this server.
const PASSWORD: &str = "bench-password-1";

/// What nodes on one database share, for the same short life.
const SECRETS_KEY: &str = "c2VjcmV0cyBvZiBhIGJlbmNobWFyaywgb2Ygbm9ib2Q=";

/// Hythe, with SQLite and a folder unless it is one of several.
pub(super) struct Hythe {
    service: Service,
    pub(super) port: u16,
    data: PathBuf,
}

impl Hythe {
    pub(super) fn start(folder: &Path, name: &str) -> Outcome<Hythe> {
        let data = folder.join(name);
        let port = free_port()?;
        let service = Service::start("hythe", &mut Self::command(&data, port), folder, port)?;
        Ok(Hythe { service, port, data })
    }

    /// One of several on this database, with a folder of blobs that all of them have.
    pub(super) fn start_on(folder: &Path, name: &str, database: &str) -> Outcome<Hythe> {
        let (data, port) = (folder.join(name), free_port()?);
        let mut command = Self::command(&data, port);
        command.env("HYTHE_DATABASE_URL", database).env("HYTHE_SECRETS_KEY", SECRETS_KEY);
        command.env("HYTHE_STORAGE_URL", folder.join("blobs"));
        let service = Service::start("hythe", &mut command, folder, port)?;
        Ok(Hythe { service, port, data })
    }

    /// The command that starts it, for those who time the start themselves.
    pub(super) fn command(data: &Path, port: u16) -> Command {
        let mut hythe = Command::new(places::target().join("release/hythe"));
        hythe.arg("serve").arg("--data").arg(data).args(["--listen", &format!("127.0.0.1:{port}")]);
        hythe.env("HYTHE_ADMIN_PASSWORD", PASSWORD);
        hythe
    }

    pub(super) fn pid(&self) -> u32 {
        self.service.pid()
    }

    pub(super) fn data(&self) -> &Path {
        &self.data
    }

    /// A token with these scopes, for the administrator.
    pub(super) fn token(&self, scope: &str) -> Outcome<String> {
        let url =
            format!("http://127.0.0.1:{}/service/token?service=hythe-registry&scope={scope}", self.port);
        let mut curl = command::program("curl")?;
        let answer =
            command::output(curl.args(["--silent", "--fail", "--user", &format!("admin:{PASSWORD}"), &url]))?;
        let answer: serde_json::Value = serde_json::from_str(&answer)?;
        Ok(answer["token"].as_str().ok_or("the answer holds no token")?.to_owned())
    }

    pub(super) fn client(&self, token: Option<String>) -> Client {
        Client::new(self.port, token)
    }

    /// Asks its API as the administrator; what it answers.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Outcome<String> {
        let mut curl = command::program("curl")?;
        curl.args(["--silent", "--show-error", "--fail-with-body", "--user", &format!("admin:{PASSWORD}")]);
        curl.args(["--request", method, "--header", "Content-Type: application/json"]);
        if !body.is_empty() {
            curl.args(["--data", body]);
        }
        command::output(curl.arg(format!("http://127.0.0.1:{}{path}", self.port)))
    }

    /// Ends it and gives back its data folder.
    pub(super) fn stop(self) -> PathBuf {
        drop(self.service);
        self.data
    }
}

/// Debian's docker-registry: filesystem driver, no sign-in, as its package configures it but for the places.
pub(super) struct Registry {
    _service: Service,
    pub(super) port: u16,
}

impl Registry {
    pub(super) fn start(folder: &Path) -> Outcome<Registry> {
        let port = free_port()?;
        let (data, config) = (folder.join("docker-registry"), folder.join("docker-registry.yml"));
        fs::write(
            &config,
            format!(
                "version: 0.1\nlog: {{level: error, accesslog: {{disabled: true}}}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, cache: {{blobdescriptor: inmemory}}}}\n\
                 http: {{addr: '127.0.0.1:{port}'}}\n",
                data.display()
            ),
        )?;
        let mut registry = command::program("docker-registry")?;
        registry.arg("serve").arg(&config);
        Ok(Registry { _service: Service::start("docker-registry", &mut registry, folder, port)?, port })
    }

    pub(super) fn client(&self) -> Client {
        Client::new(self.port, None)
    }
}

/// nginx on the very file that Hythe serves, plain and with TLS 1.3.
pub(super) struct Nginx {
    service: Service,
    pub(super) port: u16,
    pub(super) tls_port: u16,
}

impl Nginx {
    pub(super) fn start(folder: &Path, file: &Path) -> Outcome<Nginx> {
        let (port, tls_port) = (free_port()?, free_port()?);
        let (certificate, key) = (folder.join("nginx.crt"), folder.join("nginx.key"));
        let mut openssl = command::program("openssl")?;
        openssl.args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
        ]);
        openssl.args(["-subj", "/CN=localhost", "-keyout"]).arg(&key).arg("-out").arg(&certificate);
        command::output(&mut openssl)?;
        let config = folder.join("nginx.conf");
        fs::write(&config, Self::config(folder, file, port, tls_port))?;
        let mut nginx = command::program("nginx")?;
        nginx.arg("-c").arg(&config);
        Ok(Nginx { service: Service::start("nginx", &mut nginx, folder, port)?, port, tls_port })
    }

    fn config(folder: &Path, file: &Path, port: u16, tls_port: u16) -> String {
        let at = folder.display();
        format!(
            "daemon off; user root; worker_processes 2; pid {at}/nginx.pid; error_log {at}/nginx.err;\n\
             events {{ worker_connections 256; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; sendfile_max_chunk 2m; default_type application/octet-stream;\n\
             ssl_protocols TLSv1.3; ssl_certificate {at}/nginx.crt; ssl_certificate_key {at}/nginx.key;\n\
             client_body_temp_path {at}/t1; proxy_temp_path {at}/t2; fastcgi_temp_path {at}/t3; uwsgi_temp_path {at}/t4;\n\
             scgi_temp_path {at}/t5;\n\
             server {{ listen 127.0.0.1:{port}; listen 127.0.0.1:{tls_port} ssl;\n\
             location = /blob {{ alias {}; }} }} }}\n",
            file.display()
        )
    }

    pub(super) fn pid(&self) -> u32 {
        self.service.pid()
    }
}
