//! Logins that are kept: a file that only its owner may read, with a personal token and never a password.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::failure::{Code, Failure};

const ANOTHER_PLACE: &str = "name a folder that this user may write by XDG_CONFIG_HOME";

/// One registry and who one is there.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    /// `https://hub.example.com`
    pub(crate) server: String,
    /// The name.
    pub(crate) username: String,
    /// A personal token.
    pub(crate) secret: String,
    /// The token's id, to delete it by.
    pub(crate) token_id: i64,
    /// A certificate authority that is trusted too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<String>,
}

/// All that are kept, the last one used last.
#[derive(Default, Serialize, Deserialize)]
struct Logins {
    logins: Vec<Login>,
}

impl Login {
    /// The login at `server`, or the last one.
    pub(crate) fn read(server: Option<&str>) -> Result<Login, Failure> {
        let all = Logins::read()?;
        let wanted = server.map(normal);
        let found = match &wanted {
            Some(server) => all.logins.into_iter().find(|login| login.server == *server),
            None => all.logins.into_iter().last(),
        };
        found.ok_or_else(|| not_signed_in(wanted.as_deref()))
    }

    /// The login at `server`, if there is one.
    pub(crate) fn find(server: &str) -> Result<Option<Login>, Failure> {
        let server = normal(server);
        Ok(Logins::read()?.logins.into_iter().find(|login| login.server == server))
    }

    /// Fails where a login could not be kept: a token that is made after this need not stay behind.
    pub(crate) fn can_be_kept() -> Result<(), Failure> {
        Logins::read()?;
        let (beside, _) = beside(&file()?)?;
        let _ = fs::remove_file(beside);
        Ok(())
    }

    /// Keeps it, in place of another one at the same registry.
    pub(crate) fn keep(self) -> Result<(), Failure> {
        let mut all = Logins::read()?;
        all.logins.retain(|login| login.server != self.server);
        all.logins.push(self);
        all.write()
    }

    /// Forgets it.
    pub(crate) fn forget(&self) -> Result<(), Failure> {
        let mut all = Logins::read()?;
        all.logins.retain(|login| login.server != self.server);
        all.write()
    }
}

impl Logins {
    fn read() -> Result<Logins, Failure> {
        let file = file()?;
        let text = match fs::read_to_string(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Logins::default()),
            Err(error) => {
                let failure = Failure::because(format!("cannot read {}", file.display()), &error);
                return Err(failure.hint(ANOTHER_PLACE));
            }
        };
        serde_json::from_str(&text)
            .map_err(|error| Failure::because(format!("{} cannot be understood", file.display()), &error))
            .map_err(|failure| failure.hint("delete the file and sign in again"))
    }

    /// Written beside and put in place, so that no other command ever reads half of it.
    fn write(&self) -> Result<(), Failure> {
        let file = file()?;
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::because("the logins cannot be written", &error))?;
        let (beside, mut out) = beside(&file)?;
        out.write_all(text.as_bytes())
            .and_then(|()| out.sync_all())
            .and_then(|()| fs::rename(&beside, &file))
            .map_err(|error| unwritten(&file, &error))
    }
}

/// A new file that only its owner may read, in the folder of `file`; the folder is made.
fn beside(file: &Path) -> Result<(PathBuf, File), Failure> {
    let beside = file.with_extension(format!("{}.tmp", std::process::id()));
    let open = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)
    };
    let out = open().map_err(|error| unwritten(file, &error))?;
    Ok((beside, out))
}

fn unwritten(file: &Path, error: &std::io::Error) -> Failure {
    Failure::because(format!("cannot keep the login in {}", file.display()), error).hint(ANOTHER_PLACE)
}

fn not_signed_in(server: Option<&str>) -> Failure {
    let (place, address) = (server.unwrap_or("any registry"), server.unwrap_or("https://hub.example.com"));
    Failure::new(format!("you are not signed in to {place}"))
        .with_code(Code::Refused)
        .hint(format!("hythe login {address} --username NAME"))
}

/// `https://` where no scheme is given, and no slash at the end.
pub(crate) fn normal(server: &str) -> String {
    let with_scheme = if server.contains("://") { server.to_owned() } else { format!("https://{server}") };
    with_scheme.trim_end_matches('/').to_owned()
}

/// `$XDG_CONFIG_HOME/hythe/logins.json`, else `~/.config/hythe/logins.json`.
fn file() -> Result<PathBuf, Failure> {
    let folder = std::env::var_os("XDG_CONFIG_HOME").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
    let folder = folder.or_else(home).ok_or_else(|| {
        Failure::new("there is no place for the login, neither HOME nor XDG_CONFIG_HOME is set")
    })?;
    Ok(folder.join("hythe/logins.json"))
}
