//! An OpenID provider of the test's own: npm's oidc-provider with people, groups and a sign-in form.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::directory::{await_port, free_port};
use crate::places;

/// The name by which the provider knows a registry.
pub const CLIENT_ID: &str = "hythe";
/// The secret they share.
pub const CLIENT_SECRET: &str = "a-secret-that-they-share";

/// The provider, in the language it is written in. Its people come as the third argument; whoever they say they are, it
/// believes them.
const SCRIPT: &str = r"
import Provider from 'oidc-provider';
const [port, redirect, people, inToken] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4]), process.argv[5] === 'token'];
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id: 'hythe', client_secret: 'a-secret-that-they-share', redirect_uris: [redirect],
    grant_types: ['authorization_code'], response_types: ['code'] }],
  pkce: { required: () => true },
  claims: { openid: ['sub'], email: ['email'], profile: ['name', 'preferred_username'], groups: ['groups'] },
  scopes: ['openid', 'email', 'profile', 'groups'],
  conformIdTokenClaims: !inToken,
  cookies: { keys: ['a key of the test'] },
  features: { devInteractions: { enabled: true } },
  findAccount: async (context, id) => people[id] && ({ accountId: id, claims: async () => ({ sub: id, ...people[id] }) }),
});
provider.listen(Number(port), '127.0.0.1');
";

/// Where it says what it knows of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claims {
    /// In the ID token.
    InToken,
    /// At the userinfo endpoint only.
    InUserinfo,
}

/// A running provider. Dropped, it ends.
pub struct Provider {
    port: u16,
    child: Child,
    _folder: TempDir,
}

impl Provider {
    /// A provider that knows these people and sends browsers back to `redirect`.
    pub fn start(redirect: &str, people: &Value, claims: Claims) -> Provider {
        let folder = TempDir::with_prefix("hythe-provider-").unwrap();
        let script = folder.path().join("provider.mjs");
        std::fs::write(&script, SCRIPT).unwrap();
        // An import is looked for beside the script, whatever the working folder.
        std::os::unix::fs::symlink(packages(), folder.path().join("node_modules")).unwrap();
        let log = std::fs::File::create(folder.path().join("provider.log")).unwrap();
        let port = free_port();
        let child = Command::new("node")
            .arg(script)
            .args([&port.to_string(), redirect, &people.to_string()])
            .arg(if claims == Claims::InToken { "token" } else { "userinfo" })
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        await_port(port);
        Provider { port, child, _folder: folder }
    }

    /// The issuer's address.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Settings of a source that asks this provider.
    pub fn settings(&self) -> Value {
        json!({
            "endpoint": self.url(),
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": "openid,profile,email,groups",
            "groups_claim": "groups",
        })
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn packages() -> PathBuf {
    let folder = places::cache().join("npm/node_modules");
    assert!(folder.join("oidc-provider").is_dir(), "no oidc-provider: cargo xtask tools installs it");
    folder
}
