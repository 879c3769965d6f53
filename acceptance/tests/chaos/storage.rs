//! What a run's bytes lie on, and how it fails.

use std::path::Path;
use std::time::Duration;

use hythe_acceptance::disk::Disk;
use hythe_acceptance::mount::Mount;
use hythe_acceptance::relay::{Relay, Trouble};
use hythe_acceptance::stores;

/// Room for the blobs of a run of an hour, which are some 3 GiB, in memory and only as far as it is used.
const DISK_MIB: u32 = 8192;
const ENDPOINT: &str = "HYTHE_STORAGE_S3_ENDPOINT";

/// Where the bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Footing {
    /// A small disk of the run's own, which can be filled.
    Disk,
    S3,
    SecondS3,
    /// One file system, mounted twice.
    SharedFolder,
}

/// What nodes are told of their storage.
pub(crate) type Settings = Vec<(&'static str, String)>;

/// The storage of one run, and hands to break it.
pub(crate) enum Storage {
    /// Nothing where this user may not mount a disk: then no storage fails.
    Disk(Option<Disk>),
    Bucket(Relay),
    Folder([Mount; 2]),
}

impl Storage {
    /// The storage and the settings of each of so many nodes, or nothing where the tests were given no such storage. A disk
    /// that cannot be had is replaced by `folder`.
    pub(crate) fn start(footing: Footing, folder: &Path, nodes: usize) -> Option<(Storage, Vec<Settings>)> {
        let in_folder = |folder: &Path| vec![("HYTHE_STORAGE_URL", folder.to_str().unwrap().to_owned())];
        let bucket = |settings: Settings| {
            let (relay, settings) = relayed(settings);
            (Storage::Bucket(relay), vec![settings; nodes])
        };
        match footing {
            Footing::Disk => {
                let disk = Disk::of(DISK_MIB);
                let blobs = disk.as_ref().map_or(folder, Disk::path).join("blobs");
                Some((Storage::Disk(disk), vec![in_folder(&blobs); nodes]))
            }
            Footing::S3 => stores::s3().map(bucket),
            Footing::SecondS3 => stores::second_s3().map(bucket),
            Footing::SharedFolder => {
                let folders = stores::shared_folder()?;
                let folders = folders.each_ref().map(Path::new);
                let settings = (0..nodes).map(|node| in_folder(folders[node.min(1)])).collect();
                Some((Storage::Folder(folders.map(Mount::of)), settings))
            }
        }
    }

    pub(crate) fn is_bucket(&self) -> bool {
        matches!(self, Storage::Bucket(_))
    }

    /// No write, or nothing at all, comes to an end for so long.
    pub(crate) fn stall(&self, moment: Duration) {
        match self {
            // A tmpfs cannot be frozen: it is made read-only, which to a node that has files open is the same refusal of
            // writes.
            Storage::Disk(Some(disk)) if disk.try_read_only() => {
                std::thread::sleep(moment);
                disk.make_writable();
            }
            Storage::Disk(_) => {}
            Storage::Bucket(relay) => relay.suffer(Trouble::Stall, moment),
            // One after the other, so that some nodes stand still and others do not.
            Storage::Folder(mounts) => mounts.iter().for_each(|mount| mount.stall(moment)),
        }
    }

    /// Nothing more is taken for so long. A bucket is never full: requests to it break off, and then are refused.
    pub(crate) fn fill(&self, moment: Duration) {
        match self {
            Storage::Disk(Some(disk)) => {
                disk.fill();
                std::thread::sleep(moment);
                disk.make_room();
            }
            Storage::Disk(None) => {}
            Storage::Bucket(relay) => {
                relay.suffer(Trouble::Break, moment / 2);
                relay.suffer(Trouble::Refuse, moment / 2);
            }
            Storage::Folder([mount, _]) => mount.fill(moment),
        }
    }
}

/// The same bucket through a relay. Signatures are over the address that a client was told, and hold through it.
fn relayed(mut settings: Settings) -> (Relay, Settings) {
    let endpoint = settings.iter_mut().find(|(name, _)| *name == ENDPOINT).map(|(_, value)| value).unwrap();
    let relay = Relay::before(endpoint);
    *endpoint = relay.url();
    (relay, settings)
}
