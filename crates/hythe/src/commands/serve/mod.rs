//! `hythe serve`: starts a node, step by step, and stops it in reverse.

mod certificate;
mod first_start;
mod options;
mod signals;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hythe_metadata::{Database, Engine};
use hythe_registry::Registry;
use hythe_registry::setup::SetUp;
use hythe_server::Node;
use hythe_server::listener::{Drained, Listener};
use hythe_server::telemetry::{self, metrics::Metrics, runtime};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{Config, Inputs, Loaded, Secret};
use crate::failure::Failure;
use crate::memory;
use crate::output;
use crate::secrets_key;
use crate::stores::{self, Beside};
use crate::version::VERSION;
use signals::Signals;

/// How long blocking calls may hold the end up once everything else has ended.
const LAST_MOMENT: Duration = Duration::from_secs(2);

pub(crate) fn run(inputs: &Inputs) -> Result<(), Failure> {
    let began = Instant::now();
    let (config, loaded) = stores::load_config(inputs)?;
    raise_open_files();
    let runtime = runtime::build(&options::runtime(&config))
        .map_err(|error| Failure::because("cannot start the runtime", &error))?;
    let telemetry = telemetry::init(&options::telemetry(&config, inputs.colour), runtime.handle())
        .map_err(|error| Failure::new(error.to_string()))?;
    let metrics = telemetry.metrics.clone();
    let served = runtime.block_on(async {
        let start = Start { config: &config, loaded: &loaded, began };
        start.serve(metrics).await
    });
    telemetry.shutdown();
    runtime.shutdown_timeout(LAST_MOMENT);
    served
}

/// Connections and blobs are open files, and the usual soft limit of 1024 is soon reached. A refusal is no failure: the
/// listener serves as many as there is room for.
fn raise_open_files() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// What a start knows.
struct Start<'a> {
    config: &'a Config,
    loaded: &'a Loaded,
    began: Instant,
}

impl Start<'_> {
    async fn serve(&self, metrics: Metrics) -> Result<(), Failure> {
        let signals =
            Signals::listen().map_err(|error| Failure::because("cannot listen for signals", &error))?;
        let (version, commit) = (VERSION.version, VERSION.commit);
        hythe_server::telemetry::metrics::set_build_info(version, commit);
        tracing::info!(version, commit, "starting");
        let listener = self.take_port()?;
        let registry = self.open_registry().await?;
        self.set_up(&registry, &listener).await?;
        let node = Node {
            tls: certificate::load(self.config, &registry, listener.local_addrs()).await?,
            registry,
            connections: options::connections(self.config),
            options: hythe_server::Options {
                settings: options::settings(self.loaded),
                ..options::http(self.config)
            },
            metrics: Some(metrics),
            identity: options::identity(VERSION.version, listener.local_addrs()),
            listener,
        };
        self.announce(&node.listener);
        tokio::spawn(memory::keep_giving_back());
        let Drained { finished, cut } = node.serve(signals.stop(), signals.stop_now()).await;
        tracing::info!(finished, cut, "stopped");
        Ok(())
    }

    /// The port comes first: if it is held, nothing has been touched yet.
    fn take_port(&self) -> Result<Listener, Failure> {
        let addresses = options::addresses(self.config);
        Listener::bind(&addresses).map_err(|error| Failure::new(error.to_string()))
    }

    async fn open_registry(&self) -> Result<Arc<Registry>, Failure> {
        let database = stores::open_database(self.config, Beside::Nobody)?;
        migrate(&database).await?;
        tracing::info!(database = %self.config.database.url, "opened the database");
        let key = secrets_key::of_server(self.config, &database).await?;
        let blobs = stores::open_blobs(self.config)?;
        tracing::info!(storage = %self.config.storage.url, "opened the storage");
        let options =
            hythe_registry::Options { secrets_key: Some(key), ..stores::registry_options(self.config) };
        Ok(Registry::new(database, blobs, options))
    }

    async fn set_up(&self, registry: &Registry, listener: &Listener) -> Result<(), Failure> {
        let given = self.loaded.admin_password.as_ref().map(Secret::reveal);
        match registry.set_up(given).await.map_err(|error| Failure::new(error.to_string()))? {
            SetUp::Nothing => {}
            SetUp::AdministratorWithGivenPassword => {
                tracing::info!("made the administrator admin with the password that was given");
            }
            SetUp::AdministratorWithRandomPassword(password) => {
                let host = first_start::host(self.config, listener.local_addr());
                output::print(&first_start::welcome(&password, &host, hythe_server::has_console()));
            }
        }
        Ok(())
    }

    fn announce(&self, listener: &Listener) {
        let start_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        for address in listener.local_addrs() {
            tracing::info!(start_ms, "listening on http://{address} and https://{address}");
        }
    }
}

/// An empty database is made, and a SQLite file, which has no other node, is brought up to date. When several nodes share
/// a database an operator chooses the moment: `hythe migrate` (docs/adr/0014-who-migrates.md).
async fn migrate(database: &Database) -> Result<(), Failure> {
    let failed = |error: hythe_metadata::Error| Failure::new(error.to_string());
    let schema = database.schema().await.map_err(failed)?;
    let behind = schema.version < schema.expected;
    if schema.version == 0 || (behind && database.engine() == Engine::Sqlite) {
        let done = database.migrate().await.map_err(failed)?;
        match (schema.version, done.steps.len()) {
            (0, 1..) => tracing::info!(schema = schema.expected, "made the database of a new registry"),
            _ => done.steps.iter().for_each(|step| tracing::info!(step = step.name, "migrated the database")),
        }
    }
    database.schema().await.and_then(hythe_metadata::Schema::check).map_err(failed)
}
