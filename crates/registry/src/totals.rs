//! How long lists are, for `X-Total-Count`, and how much is stored: exact while there is little, and where counting would
//! cost more than the page does, as of some seconds ago.

use std::time::Duration;

use hythe_metadata::usage::{self, Stored};
use moka::sync::Cache;

use crate::Registry;
use crate::error::Result;

/// Rows that are counted anew for every page.
const SHORT: i64 = 1000;

/// How old the count of a long list may be.
const KEPT: Duration = Duration::from_secs(10);

/// What the bytes of all blobs are kept as.
const STORED: &str = "bytes of all blobs";

/// Lists whose counts are kept.
const LISTS: u64 = 10_000;

/// Counts of long lists, by what was counted.
pub(crate) struct Totals(Cache<String, i64>);

impl Default for Totals {
    fn default() -> Self {
        Totals(Cache::builder().max_capacity(LISTS).time_to_live(KEPT).build())
    }
}

impl Registry {
    /// The length of the list called `list`. `count` counts up to the number it is given.
    pub(crate) async fn total<F>(&self, list: String, count: impl Fn(i64) -> F + Send + Sync) -> Result<i64>
    where
        F: Future<Output = Result<i64>> + Send,
    {
        if let Some(total) = self.totals.0.get(&list) {
            return Ok(total);
        }
        let short = count(SHORT + 1).await?;
        if short <= SHORT {
            return Ok(short);
        }
        let total = count(i64::MAX).await?;
        self.totals.0.insert(list, total);
        Ok(total)
    }

    /// Bytes of all blobs, each once.
    pub(crate) async fn stored_bytes(&self) -> Result<i64> {
        if let Some(bytes) = self.totals.0.get(STORED) {
            return Ok(bytes);
        }
        let mut c = self.database.connect().await?;
        let Stored { blobs, bytes } = usage::of_all(&mut c).await?;
        if blobs > SHORT {
            self.totals.0.insert(STORED.to_owned(), bytes);
        }
        Ok(bytes)
    }
}
