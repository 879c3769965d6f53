//! `hythe admin`: users, projects, members, keys and the audit log, worked on in the database itself.

mod audit;
mod certificate;
mod explain;
mod key;
mod member;
mod project;
mod secrets;
mod user;

use std::sync::Arc;

use hythe_registry::Registry;
use hythe_registry::access::{Caller, Everywhere, Permit, SystemRight};
use hythe_registry::error::Kind;
use jiff::Timestamp;

use crate::cli::admin::{AdminCommand, SecretsCommand};
use crate::config::Inputs;
use crate::failure::{Code, Failure};
use crate::output;
use crate::stores;

/// Rows that are asked for at once.
const PAGE: u32 = 500;

/// What every command here works with.
struct Desk {
    registry: Arc<Registry>,
    caller: Caller,
}

pub(crate) async fn run(command: &AdminCommand, inputs: &Inputs) -> Result<(), Failure> {
    if let AdminCommand::Secrets(SecretsCommand::NewKey { file }) = command {
        return secrets::new_key(file);
    }
    let desk = Desk::open(inputs).await?;
    match command {
        AdminCommand::User(command) => user::run(command, &desk).await,
        AdminCommand::Project(command) => project::run(command, &desk).await,
        AdminCommand::Member(command) => member::run(command, &desk).await,
        AdminCommand::Key(command) => key::run(command, &desk).await,
        AdminCommand::Secrets(command) => secrets::run(command, &desk).await,
        AdminCommand::Audit(command) => audit::run(command, &desk).await,
        AdminCommand::Certificate => certificate::run(&desk).await,
        AdminCommand::Explain { who, permission, place, tag } => {
            explain::run(who, permission, place.as_deref(), tag.as_deref(), &desk).await
        }
    }
}

impl Desk {
    async fn open(inputs: &Inputs) -> Result<Self, Failure> {
        let (config, _) = stores::load_config(inputs)?;
        let database = stores::open_served_database(&config).await?;
        // No command here touches bytes, so none shall fail because the storage is away.
        let blobs = hythe_blobs::open("memory:", &hythe_blobs::Options::default())
            .map_err(|error| Failure::because("cannot prepare the storage", &error))?;
        let registry = Registry::new(database, blobs, stores::registry_options(&config));
        Ok(Self { registry, caller: Caller::operator() })
    }
}

impl Desk {
    /// Whoever may write the database has every right over the system.
    async fn permit<R: SystemRight>(&self) -> Result<Permit<R, Everywhere>, Failure> {
        self.registry.permit_everywhere(&self.caller).await.map_err(refused)
    }
}

/// The registry's words are for people already.
fn refused(error: hythe_registry::Error) -> Failure {
    let code = if error.kind() == Kind::Unknown { Code::Missing } else { Code::Failed };
    Failure::new(error.to_string()).with_code(code)
}

/// A row's time.
fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

/// A row's time for a person.
fn shown(micros: i64) -> String {
    output::time(timestamp(micros))
}
