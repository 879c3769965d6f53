//! The storage: whether it takes a blob, keeps it through a power cut, and gives it back.

use std::path::Path;

use hythe_blobs::mount::Mount;
use hythe_registry::doctor::{Finding, Status, describe_probe};

use super::folder;
use crate::config::{Config, StorageUrl};
use crate::stores;

const CHECK: &str = "storage";

pub(super) async fn check(config: &Config) -> Vec<Finding> {
    match &config.storage.url {
        StorageUrl::Memory => vec![Finding::warn(
            CHECK,
            "blobs are kept in memory and are gone when the server ends",
            "name a folder or a bucket as storage.url",
        )],
        StorageUrl::Folder(path) if !path.exists() => vec![folder::missing(CHECK, path, "storage.url")],
        StorageUrl::Folder(path) => judge_folder(path).into_iter().chain(probe(config).await).collect(),
        StorageUrl::Bucket(_) => probe(config).await,
    }
}

/// What is amiss with its file system the probe says too.
fn judge_folder(path: &Path) -> Option<Finding> {
    match Mount::of(path) {
        Ok(mount) => {
            let found = folder::describe(CHECK, path, &mount);
            (found.status != Status::Warn).then_some(found)
        }
        Err(error) => Some(Finding::fail(
            CHECK,
            format!("{} cannot be looked at, {error}", path.display()),
            "check the disk",
        )),
    }
}

async fn probe(config: &Config) -> Vec<Finding> {
    let url = &config.storage.url;
    let store = match stores::open_blobs(config) {
        Ok(store) => store,
        Err(failure) => return vec![Finding::fail(CHECK, failure.to_string(), remedy(url))],
    };
    match store.probe().await {
        Ok(probe) => describe_probe(&url.to_string(), &probe),
        Err(error) => vec![Finding::fail(CHECK, error.to_string(), remedy(url))],
    }
}

fn remedy(url: &StorageUrl) -> &'static str {
    match url {
        StorageUrl::Bucket(_) => {
            "check storage.url and storage.s3, and that the bucket exists and the key may write to it"
        }
        _ => "check the disk and its rights, or name another folder as storage.url",
    }
}
