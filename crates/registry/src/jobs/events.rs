//! Events into jobs. What happened is told in the transaction in which it did; the jobs that follow from it are made a
//! moment later, by whichever node comes first, so that a push does not wait for all that somebody wants to know of it.

use std::str::FromStr;

use hythe_metadata::{Connection, event};
use serde::Serialize;
use serde_json::Value;

use super::kinds::FOLLOWERS;
use super::{Kind, NewJob};
use crate::Registry;
use crate::clock;
use crate::error::Result;

/// Events that are taken in one transaction.
const BATCH: u32 = 100;

/// What happened, in a word: `artifact.pushed`.
pub type Happening = &'static str;

/// Says that something happened, within the transaction in which it did. Nothing is written of what no kind of job
/// follows from.
pub async fn tell(
    c: &mut Connection,
    happening: Happening,
    about: &impl Serialize,
) -> Result<(), hythe_metadata::Error> {
    if followers(happening, FOLLOWERS).next().is_none() {
        return Ok(());
    }
    let payload = serde_json::to_value(about).unwrap_or_default().to_string();
    event::create(c, happening, &payload, clock::now()).await
}

impl Registry {
    /// Makes the jobs that follow from events, in the transaction in which the events go.
    pub(super) async fn make_jobs_of_events(&self) -> Result<()> {
        while self.database.transaction(|c| Box::pin(make_jobs(c))).await? {}
        Ok(())
    }
}

/// False if there was no event.
async fn make_jobs(c: &mut Connection) -> Result<bool, hythe_metadata::Error> {
    let events = event::take(c, BATCH).await?;
    for event in &events {
        let about = Value::from_str(&event.payload).unwrap_or_default();
        for kind in followers(&event.kind, FOLLOWERS) {
            NewJob::new(kind, &about).enqueue(c).await?;
        }
    }
    Ok(!events.is_empty())
}

fn followers(happening: &str, all: &[(Happening, Kind)]) -> impl Iterator<Item = Kind> {
    all.iter().filter(move |(followed, _)| *followed == happening).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_is_made_for_every_kind_that_follows() {
        let all = [
            ("artifact.pushed", Kind::AuditPurge),
            ("artifact.deleted", Kind::Retention),
            ("artifact.pushed", Kind::StorageAudit),
        ];
        let of = |happening| followers(happening, &all).collect::<Vec<_>>();
        assert_eq!(of("artifact.pushed"), [Kind::AuditPurge, Kind::StorageAudit]);
        assert_eq!(of("artifact.pulled"), []);
    }
}
