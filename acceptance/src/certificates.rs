//! A certificate authority of the test's own and a server certificate from it, made with openssl.

use std::path::{Path, PathBuf};

use crate::client::Client;

const EXTENSIONS: &str = "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n";
const KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// Certificates in a folder that somebody else removes.
pub struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    /// Makes the authority and a certificate for 127.0.0.1 and localhost.
    pub fn make(folder: &Path) -> Certificates {
        std::fs::create_dir_all(folder.join("trusted")).unwrap();
        std::fs::write(folder.join("extensions"), EXTENSIONS).unwrap();
        let openssl = |words: &[&str], more: &[&str]| {
            Client::new("openssl", folder).args(words).args(more).succeeds();
        };
        let authority =
            ["-keyout", "authority.key", "-out", "trusted/ca.crt", "-subj", "/CN=acceptance", "-days", "2"];
        openssl(&["req", "-x509"], &[&KEY[..], &authority].concat());
        let request = ["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"];
        openssl(&["req"], &[&KEY[..], &request].concat());
        let issue =
            ["-in", "server.csr", "-CA", "trusted/ca.crt", "-CAkey", "authority.key", "-CAcreateserial"];
        openssl(&["x509", "-req", "-days", "2", "-extfile", "extensions", "-out", "server.crt"], &issue);
        Certificates { folder: folder.to_path_buf() }
    }

    /// What was made here before.
    pub fn at(folder: &Path) -> Certificates {
        Certificates { folder: folder.to_path_buf() }
    }

    /// The folder with `ca.crt`, as skopeo's `--cert-dir` and docker's `certs.d` take it.
    pub fn trusted(&self) -> PathBuf {
        self.folder.join("trusted")
    }

    /// The server's certificate.
    pub fn server_certificate(&self) -> PathBuf {
        self.folder.join("server.crt")
    }

    /// The server's private key.
    pub fn server_key(&self) -> PathBuf {
        self.folder.join("server.key")
    }
}
