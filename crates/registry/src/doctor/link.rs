//! A signed link to a small object of the doctor's own: what a client that is sent to the storage has to reach.

use std::time::Duration;

use bytes::Bytes;

use super::{Finding, PATIENCE, words};
use crate::Registry;
use crate::access::system_rights::node as right;
use crate::access::{Everywhere, Permit};

/// One object for all nodes and all times, so that nothing gathers.
const NOTE: &str = "doctor/link";
const CONTENT: &str = "hythe doctor: this link works\n";

/// Whoever asked follows it at once.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// A link, and what is to be found there.
#[derive(Clone, Debug)]
pub struct Link {
    /// Signed; whoever has it may read that one object.
    pub url: String,
    /// The whole of the object.
    pub content: &'static str,
}

impl Registry {
    /// Makes a link as clients are given one for a blob; nothing where the storage signs none.
    ///
    /// # Errors
    /// With the finding, where the storage does not take the object or does not answer.
    pub async fn make_link(
        &self,
        _permit: &Permit<right::List, Everywhere>,
    ) -> Result<Option<Link>, Finding> {
        match tokio::time::timeout(PATIENCE, self.write_and_sign()).await {
            Ok(made) => made.map_err(words::link_failed),
            Err(_) => Err(words::link_silent(PATIENCE.as_secs())),
        }
    }

    async fn write_and_sign(&self) -> Result<Option<Link>, hythe_blobs::Error> {
        let Some(url) = self.blobs.sign_note(NOTE, LIFETIME).await? else { return Ok(None) };
        self.blobs.write_note(NOTE, Bytes::from_static(CONTENT.as_bytes())).await?;
        Ok(Some(Link { url, content: CONTENT }))
    }
}
