//! `hythe storage rebuild`

use hythe_registry::Registry;
use hythe_registry::access::Caller;
use hythe_registry::access::system_rights::garbage_collection::Create;
use hythe_registry::journal::{Rebuilt, Told};

use super::refused;
use crate::config::Inputs;
use crate::failure::Failure;
use crate::output;
use crate::stores::{self, Beside};

pub(super) async fn run(inputs: &Inputs) -> Result<(), Failure> {
    let (config, _) = stores::load_config(inputs)?;
    let blobs = stores::open_blobs(&config)?;
    let database = stores::open_database(&config, Beside::Nobody)?;
    database.migrate().await.map_err(|error| Failure::new(error.to_string()))?;
    let registry = Registry::new(database, blobs, stores::registry_options(&config));
    let permit = registry.permit_everywhere::<Create>(&Caller::operator()).await.map_err(refused)?;
    let mut lost = 0_u64;
    let mut tell = |told| match told {
        Told::Step(text) => eprintln!("{text}"),
        Told::Lost(what) => {
            lost += 1;
            output::print(&format!("lost: {what}\n"));
        }
    };
    let rebuilt = registry.rebuild(&permit, &mut tell).await.map_err(refused)?;
    output::print(&summary(&rebuilt, lost));
    if lost == 0 { Ok(()) } else { Err(Failure::found()) }
}

fn summary(rebuilt: &Rebuilt, lost: u64) -> String {
    let Rebuilt { projects, repositories, blobs, manifests, tags } = rebuilt;
    format!(
        "Brought back {projects} projects, {repositories} repositories, {blobs} blobs, {manifests} manifests and {tags} tags; \
         {lost} things are lost. Users, members, robots, keys and settings are in backups alone: `hythe serve` makes an \
         administrator, `hythe storage audit` tells which blobs are really there.\n"
    )
}
