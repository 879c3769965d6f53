//! Numbers about the whole registry, as far as the caller may see it.

use hythe_metadata::project::{self, Filter};

use crate::Registry;
use crate::access::system_rights::system_volumes as volumes_right;
use crate::access::{Caller, Everywhere, Permit};
use crate::error::{Error, Result};
use crate::projects::visible;

/// How much there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Public projects, and repositories in them.
    pub public: (i64, i64),
    /// Other projects that the caller may see, and repositories in them.
    pub others: (i64, i64),
    /// Bytes of all blobs, for administrators.
    pub bytes: Option<i64>,
}

/// Room on the disk behind the storage, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub total: u64,
    /// What is left.
    pub free: u64,
}

impl Registry {
    /// Counts what the caller may see, who must have signed in.
    pub async fn statistics(&self, caller: &Caller) -> Result<Statistics> {
        if caller.is_anonymous() {
            return Err(Error::unauthenticated("sign in to see how much there is"));
        }
        let mut c = self.database.connect().await?;
        let mut counts = Vec::new();
        for public in [true, false] {
            let filter = Filter { public: Some(public), visible: visible(caller), ..Filter::default() };
            let projects = project::count(&mut c, &filter, i64::MAX).await?;
            counts.push((projects, project::count_repositories(&mut c, &filter).await?));
        }
        drop(c);
        let bytes = if caller.is_administrator() { Some(self.stored_bytes().await?) } else { None };
        Ok(Statistics { public: counts[0], others: counts[1], bytes })
    }

    /// The room behind the storage; none where it does not tell.
    pub async fn room(&self, _: &Permit<volumes_right::Read, Everywhere>) -> Result<Option<Room>> {
        let probe = self.blobs.probe().await?;
        Ok(probe.total_bytes.zip(probe.free_bytes).map(|(total, free)| Room { total, free }))
    }
}
