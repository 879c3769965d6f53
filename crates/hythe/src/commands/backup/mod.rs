//! `hythe backup`, `hythe restore`, `hythe move`: every row of the database in one file, and back, on either engine.

mod file;
mod meter;
mod undo;

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use hythe_metadata::portable::Moved;
use hythe_metadata::{Database, Engine, data_key, node};
use hythe_registry::clock;
use jiff::Timestamp;

use crate::config::{Config, DatabaseUrl, Inputs};
use crate::failure::Failure;
use crate::output;
use crate::secrets_key;
use crate::stores::{self, Beside};
use file::NewFile;
use meter::Meter;
use undo::Undo;

/// More than anybody runs.
const NODES: u32 = 1000;

/// `hythe backup FILE`
pub(crate) async fn save(path: &Path, inputs: &Inputs) -> Result<(), Failure> {
    let (config, _) = stores::load_config(inputs)?;
    let database = open_source(&config, Beside::AServer)?;
    let mut file = NewFile::create(path)?;
    let moved = read_rows(&database, &mut file).await?;
    let bytes = file.keep()?;
    output::print(&format!(
        "Wrote {}: {}, {bytes} bytes. Sealed secrets are in it, the key to them and the blobs are not: keep a copy of {}, \
         and copy {} after it.\n",
        path.display(),
        contents(&moved),
        config.secrets.key_file.display(),
        config.storage.url
    ));
    Ok(())
}

/// `hythe restore FILE`
pub(crate) async fn load(path: &Path, inputs: &Inputs) -> Result<(), Failure> {
    let (config, _) = stores::load_config(inputs)?;
    file::open(path).map_err(|error| Failure::of_file("cannot open", path, &error))?;
    let absent = undo::absent(&config);
    let database = stores::open_database(&config, Beside::Nobody)?;
    // Behind the database, so that what is removed is removed while nobody else can open it.
    let undo = Undo::new(absent);
    let moved = write_rows(&database, path).await?;
    undo.keep();
    output::print(&format!(
        "Read {}: {} as of {}. `hythe storage audit` compares them with the blobs in {}. {}\n",
        path.display(),
        contents(&moved),
        shown(moved.made_at),
        config.storage.url,
        key_needed(&config, &database).await?
    ));
    Ok(())
}

/// What `hythe serve` will want to open the secrets with.
async fn key_needed(config: &Config, database: &Database) -> Result<String, Failure> {
    let told = |error: hythe_metadata::Error| Failure::new(error.to_string());
    let mut connection = database.connect().await.map_err(told)?;
    let rows = data_key::list(&mut connection).await.map_err(told)?;
    let openers: Vec<&str> = rows.iter().map(|row| row.opener.as_str()).collect();
    let place = match &config.secrets.key {
        Some(_) => "secrets.key".to_owned(),
        None => config.secrets.key_file.display().to_string(),
    };
    let here = secrets_key::configured(config).ok().flatten();
    Ok(match here {
        _ if openers.is_empty() => "It holds no sealed secrets.".to_owned(),
        Some(key) if openers.contains(&key.id()) => {
            format!("Its secrets are sealed with key {}, which is in {place}.", key.id())
        }
        _ => format!(
            "Its secrets are sealed with key {}: before `hythe serve`, put that key into {place}.",
            openers.join(" or ")
        ),
    })
}

/// `hythe move --to URL`
pub(crate) async fn move_to(target: &str, inputs: &Inputs) -> Result<(), Failure> {
    let (config, _) = stores::load_config(inputs)?;
    let target = target_url(target)?;
    let source = open_source(&config, Beside::Nobody)?;
    refuse_in_use(&source).await?;
    let options = stores::database_options_for(&config, target.reveal(), Beside::Nobody);
    let there = Database::open(&options).map_err(|error| Failure::new(error.to_string()))?;
    there.ping().await.map_err(|error| Failure::new(error.to_string()))?;
    let between = file::beside(&config.root.data)?;
    let mut file = NewFile::create(&between)?;
    let moved = read_rows(&source, &mut file).await?;
    file.keep()?;
    let written = write_rows(&there, &between).await;
    // Whatever became of it, the rows are still where they were.
    let _ = std::fs::remove_file(&between);
    written?;
    output::print(&format!(
        "Moved {} from {} to {target}. Set database.url to it on every node before any starts; nothing reads the old one \
         any more, and nothing in it was changed.\n",
        contents(&moved),
        config.database.url
    ));
    Ok(())
}

/// The database whose rows are read: one that is there. Its schema may be older than this binary's.
fn open_source(config: &Config, beside: Beside) -> Result<Database, Failure> {
    let url = &config.database.url;
    if stores::is_absent(url)? {
        return Err(Failure::new(format!("there is no database at {url}"))
            .hint("say where it is by --data, --config or HYTHE_DATABASE_URL"));
    }
    stores::open_database(config, beside)
}

/// Nodes that serve from it would go on writing what nobody moves. A SQLite file is locked by the one that serves; before
/// the rows of nodes came, nobody could tell.
async fn refuse_in_use(source: &Database) -> Result<(), Failure> {
    let told = |error: hythe_metadata::Error| Failure::new(error.to_string());
    if source.engine() == Engine::Sqlite || source.schema().await.map_err(told)?.check().is_err() {
        return Ok(());
    }
    let mut connection = source.connect().await.map_err(told)?;
    let now = connection.now().await.map_err(told)?;
    let nodes = node::list(&mut connection, NODES).await.map_err(told)?;
    let live = nodes.iter().filter(|node| node.stopped_at == 0 && node.expected_at >= now);
    let names: Vec<&str> = live.map(|node| node.name.as_str()).collect();
    if names.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("nodes serve from this database: {}", names.join(", ")))
        .hint("stop them first; one that was killed counts as serving for another 20 seconds"))
}

/// A URL may hold a password, which every process could read from the command line.
fn target_url(text: &str) -> Result<DatabaseUrl, Failure> {
    let mut input = String::new();
    if text == "-" {
        let read = std::io::stdin().lock().take(4096).read_to_string(&mut input);
        read.map_err(|error| Failure::because("cannot read the URL from standard input", &error))?;
    }
    let text = if text == "-" { input.trim() } else { text };
    DatabaseUrl::of_argument(text).map_err(|reason| Failure::usage(format!("--to: {reason}")))
}

async fn read_rows(database: &Database, file: &mut NewFile) -> Result<Moved, Failure> {
    let meter = Meter::new("reading");
    let moved = database.save(file, clock::now(), &meter.tell()).await;
    meter.end();
    moved.map_err(|error| Failure::new(error.to_string()))
}

async fn write_rows(database: &Database, path: &Path) -> Result<Moved, Failure> {
    let meter = Meter::new("writing");
    let from = path.to_owned();
    let moved = database.load(Arc::new(move || file::open(&from)), meter.tell()).await;
    meter.end();
    moved.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

fn contents(moved: &Moved) -> String {
    format!("{} rows of {} tables, schema version {}", moved.rows, moved.tables, moved.schema)
}

fn shown(micros: i64) -> String {
    output::time(Timestamp::from_microsecond(micros).unwrap_or_default())
}
