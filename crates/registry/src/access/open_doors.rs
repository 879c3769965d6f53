//! Public projects that somebody pulled from a moment ago: whoever pulls from one without signing in costs no read more
//! than the manifest's own. What is closed is closed on every node within a second, and at once on the node that closed it.

use std::time::Duration;

use hythe_oci::name::ProjectName;
use moka::sync::Cache;

const REMEMBERED_FOR: Duration = Duration::from_secs(1);
const REMEMBERED_AT_MOST: u64 = 10_000;

/// The public ones among the projects of the last second.
pub(crate) struct OpenDoors(Cache<ProjectName, ()>);

impl Default for OpenDoors {
    fn default() -> Self {
        OpenDoors(Cache::builder().max_capacity(REMEMBERED_AT_MOST).time_to_live(REMEMBERED_FOR).build())
    }
}

impl OpenDoors {
    pub(super) fn has(&self, project: &ProjectName) -> bool {
        self.0.contains_key(project)
    }

    /// One that was just read as public.
    pub(super) fn note(&self, project: ProjectName) {
        self.0.insert(project, ());
    }

    /// One that has changed.
    pub(crate) fn forget(&self, project: &ProjectName) {
        self.0.invalidate(project);
    }
}
