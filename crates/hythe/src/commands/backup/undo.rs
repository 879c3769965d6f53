//! What opening a database makes, to be removed again where nothing came into it.

use std::path::PathBuf;

use crate::config::Config;

/// Files that were not there, and the data folder if it was not. Dropped, it removes them.
pub(super) struct Undo {
    absent: Vec<PathBuf>,
}

/// What is not there yet of a SQLite database: the file, those beside it, and last the data folder.
pub(super) fn absent(config: &Config) -> Vec<PathBuf> {
    let Some(path) = config.database.url.sqlite_path().filter(|path| !path.exists()) else {
        return Vec::new();
    };
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let files = ["", "-wal", "-shm", ".lock"].map(beside);
    files.into_iter().chain([config.root.data.clone()]).filter(|path| !path.exists()).collect()
}

impl Undo {
    pub(super) fn new(absent: Vec<PathBuf>) -> Self {
        Self { absent }
    }

    /// They stay.
    pub(super) fn keep(mut self) {
        self.absent.clear();
    }
}

impl Drop for Undo {
    fn drop(&mut self) {
        for path in &self.absent {
            // A folder that has got something else meanwhile is not empty and stays.
            let _ = if path.is_dir() { std::fs::remove_dir(path) } else { std::fs::remove_file(path) };
        }
    }
}
