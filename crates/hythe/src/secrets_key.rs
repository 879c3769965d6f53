//! The key-encryption key of this node: from the configuration, from its file, or made at the first start on one machine.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use hythe_metadata::{Database, Engine};
use hythe_registry::secrets::{self, KeyEncryptionKey};

use crate::config::Config;
use crate::failure::Failure;

/// The key that is configured; none if its file is not there.
pub(crate) fn configured(config: &Config) -> Result<Option<KeyEncryptionKey>, Failure> {
    match &config.secrets.key {
        Some(key) => parse(key.reveal(), "secrets.key").map(Some),
        None => read(&config.secrets.key_file),
    }
}

/// The key in a file; none if there is no such file.
pub(crate) fn read(file: &Path) -> Result<Option<KeyEncryptionKey>, Failure> {
    match fs::read_to_string(file) {
        Ok(text) => parse(&text, &file.display().to_string()).map(Some),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::of_file("cannot read the key in", file, &error)),
    }
}

fn parse(text: &str, whence: &str) -> Result<KeyEncryptionKey, Failure> {
    KeyEncryptionKey::parse(text).map_err(|error| Failure::new(format!("{whence} cannot be used: {error}")))
}

/// Writes a new key into a file that only this user can read, in a folder that is there. A key is never overwritten.
pub(crate) fn make(file: &Path) -> Result<KeyEncryptionKey, Failure> {
    let key = KeyEncryptionKey::generate().map_err(|error| Failure::new(error.to_string()))?;
    let made = write(file, &key.reveal());
    made.map(|()| key).map_err(|error| Failure::of_file("cannot write a key to", file, &error))
}

/// On disk before anything is sealed with it: file and folder.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let folder = folder_of(file);
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    made.write_all(format!("{text}\n").as_bytes())?;
    made.sync_all()?;
    File::open(folder)?.sync_all()
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The folder of a server's key may not be there yet, where rows and blobs lie elsewhere.
fn make_with_folder(file: &Path) -> Result<KeyEncryptionKey, Failure> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder_of(file));
    made.map_err(|error| Failure::of_file("cannot make a folder for", file, &error))?;
    make(file)
}

/// The key that a server goes on with. On a SQLite file that has none yet it is made beside it. Nodes that share a
/// database must share the key, and a container's own disk does not outlive it, so there an operator has to give it.
pub(crate) async fn of_server(config: &Config, database: &Database) -> Result<KeyEncryptionKey, Failure> {
    if let Some(key) = configured(config)? {
        return Ok(key);
    }
    let file = &config.secrets.key_file;
    let sealed = secrets::are_sealed(database).await.map_err(|error| Failure::new(error.to_string()))?;
    if sealed {
        return Err(Failure::new(format!(
            "the secrets in the database are sealed, and the key to them is not in {}",
            file.display()
        ))
        .hint("put the key back, or name the file that the other nodes have by secrets.key_file"));
    }
    if database.engine() == Engine::Postgres {
        return Err(Failure::new(format!(
            "there is no key to seal secrets with in {}, and nodes that share a database share the key",
            file.display()
        ))
        .hint(
            "make one by `hythe admin secrets new-key FILE` and give it to every node as secrets.key_file",
        ));
    }
    let key = make_with_folder(file)?;
    tracing::info!(key = key.id(), file = %file.display(), "made a key to seal secrets with; keep a copy of it");
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets.key");
        assert!(read(&file).unwrap().is_none());
        let key = make(&file).unwrap();
        assert_eq!(read(&file).unwrap(), Some(key));
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let refused = make(&file).unwrap_err().to_string();
        assert!(refused.ends_with("; hint: what is there is left as it is; name a new file"), "{refused}");
        let nowhere = folder.path().join("nope/secrets.key");
        let refused = make(&nowhere).unwrap_err().to_string();
        assert!(
            refused.contains("; hint: make the folder ") && !folder.path().join("nope").exists(),
            "{refused}"
        );
        make_with_folder(&nowhere).unwrap();
        fs::write(&file, "not a key").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("secrets.key cannot be used: it is not a key"));
    }
}
