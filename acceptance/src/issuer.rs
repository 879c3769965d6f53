//! An issuer of the test's own that signs tokens for jobs: files over HTTPS, with a key that is made for each test.

use std::process::{Child, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::directory::{await_port, free_port};

/// Whom its tokens are made for.
pub const AUDIENCE: &str = "https://hub.example.com";
/// Whom its tokens speak of.
pub const SUBJECT: &str = "repo:team/app:ref:refs/heads/main";

/// Serves the files of its working folder over TLS.
const SCRIPT: &str = "
import http.server, ssl, sys
server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), http.server.SimpleHTTPRequestHandler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[3])
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
";

/// Who signs. Dropped, it ends.
pub struct Issuer {
    /// The `iss` claim.
    pub url: String,
    key: EncodingKey,
    authority: String,
    child: Child,
    _folder: TempDir,
}

impl Issuer {
    /// An issuer at a port of its own.
    pub fn start() -> Issuer {
        let folder = TempDir::with_prefix("hythe-issuer-").unwrap();
        let certificates = Certificates::make(&folder.path().join("tls"));
        let key = EncodingKey::from_ec_pem(&std::fs::read(certificates.server_key()).unwrap()).unwrap();
        let port = free_port();
        let url = format!("https://127.0.0.1:{port}");
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap();
        public.common.key_id = Some("one".to_owned());
        let www = folder.path().join("www");
        let write = |name: &str, content: Value| {
            let path = www.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content.to_string()).unwrap();
        };
        write(
            ".well-known/openid-configuration",
            json!({ "issuer": url, "jwks_uri": format!("{url}/keys") }),
        );
        write("keys", json!({ "keys": [public] }));
        let child = std::process::Command::new("python3")
            .args(["-c", SCRIPT, &port.to_string()])
            .args([certificates.server_certificate(), certificates.server_key()])
            .current_dir(&www)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        await_port(port);
        let authority = std::fs::read_to_string(certificates.trusted().join("ca.crt")).unwrap();
        Issuer { url, key, authority, child, _folder: folder }
    }

    /// The token of a job on this branch.
    pub fn token(&self, branch: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({
            "iss": self.url, "aud": AUDIENCE, "sub": SUBJECT, "iat": now, "exp": now + 300,
            "repository": "team/app", "ref": format!("refs/heads/{branch}"),
        });
        let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::ES256) };
        encode(&header, &claims, &self.key).unwrap()
    }

    /// A trust rule, as the API takes it, that lets in jobs on `main`.
    pub fn rule(&self) -> Value {
        json!({
            "name": "main", "issuer": self.url, "audience": AUDIENCE, "ca_certificate": self.authority,
            "claims": { "repository": "team/*", "ref": "refs/heads/main" },
        })
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
