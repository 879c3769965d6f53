//! `hythe storage`: what an operator does about the bytes, with the database and the storage at hand.

mod audit;
mod rebuild;

use std::sync::Arc;

use hythe_registry::Registry;
use hythe_registry::access::Caller;

use crate::cli::StorageCommand;
use crate::config::Inputs;
use crate::failure::Failure;
use crate::stores;

pub(crate) async fn run(command: &StorageCommand, inputs: &Inputs) -> Result<(), Failure> {
    match command {
        StorageCommand::Audit(arguments) => audit::run(arguments, &Desk::open(inputs).await?).await,
        StorageCommand::Rebuild => rebuild::run(inputs).await,
    }
}

/// What the commands here work with.
struct Desk {
    registry: Arc<Registry>,
    caller: Caller,
}

impl Desk {
    async fn open(inputs: &Inputs) -> Result<Desk, Failure> {
        let (config, _) = stores::load_config(inputs)?;
        let database = stores::open_served_database(&config).await?;
        let registry =
            Registry::new(database, stores::open_blobs(&config)?, stores::registry_options(&config));
        Ok(Desk { registry, caller: Caller::operator() })
    }
}

fn refused(error: hythe_registry::Error) -> Failure {
    Failure::because("the storage cannot be worked on", &error)
}
