//! The journal: repositories, manifests and tags told beside the blobs, so that the storage alone brings a registry back.
//!
//! ```text
//! notes/journal/<journal>/<fence>-<number>    gzip over lines of JSON: what stands under some keys, or that nothing does
//! notes/journal/<journal>/complete            everything has been told; older journals are removed
//! ```
//!
//! Every two seconds one node, by a lease, writes what has changed since ([`write`](self::write)). Names sort in the order
//! of writing: the fence of the lease first, so that a node that was only paused cannot write over what its successor
//! knows. The last word on a key counts. A journal begins with everything there is, told a page at a time between the
//! changes; a new one begins when the present one has become long, and when the rows are others than before: after a
//! restore or a rebuild.

mod read;
mod record;
mod write;

use std::time::Duration;

pub use read::{Rebuilt, Told};

/// How often a node looks whether there is something to write. What is lost with the database is younger than this and
/// the time of writing.
pub const EVERY: Duration = Duration::from_secs(2);

/// The folder of the journals among the notes.
const FOLDER: &str = "journal";
/// The note that says that a journal tells everything.
const COMPLETE: &str = "complete";
