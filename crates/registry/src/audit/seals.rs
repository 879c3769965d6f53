//! Seals: a chain of hashes over the audit log, so that a row that is missing, altered or added shows.
//!
//! A seal hashes its number, the seal before and its rows in the order of their ids. Rows are sealed some moments after
//! they were written, by one node at a time. Whoever can write the database can also make a whole new chain; the hash
//! of the newest seal, kept elsewhere or seen by a syslog server, tells that apart.

use std::time::Duration;

use aws_lc_rs::digest::{self, Context};
use hythe_metadata::audit::{self, Event, Seal};
use hythe_metadata::{Connection, lease};

use crate::Registry;
use crate::clock;
use crate::error::Result;

const SEALED_EVERY: Duration = Duration::from_secs(1);
/// Rounds after which all events are looked at, and not only the newest: the way to these is not littered with those that
/// were sealed since the database last cleaned up.
const ALL_EVERY: u64 = 300;
/// Events may be committed in another order than that of their ids; by how many of these is a guess, and a round in
/// [`ALL_EVERY`] finds what is later still.
const LATE: i64 = 100_000;
const LEASE: &str = "audit-seal";
const LEASE_FOR: Duration = Duration::from_secs(30);
/// Rows under one seal.
const BATCH: u32 = 1000;
const PAGE: u32 = 500;
/// The chain begins with this in place of a seal before.
const BEGINNING: [u8; 32] = [0; 32];

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Seals that were looked at.
    pub seals: i64,
    /// Events that were looked at.
    pub events: i64,
    /// Events whose age had them removed; their seals are there.
    pub purged: i64,
    /// The newest seal's hash, to be kept elsewhere.
    pub newest: String,
    /// The first thing that is wrong, if anything is.
    pub flaw: Option<Flaw>,
}

/// What is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// A number in the chain is not there.
    #[error("seal {0} is missing")]
    Missing(i64),
    /// A seal does not name the one before it.
    #[error("seal {0} does not follow the one before it: one of the two was altered")]
    Broken(i64),
    /// A seal has more or fewer events than it says.
    #[error(
        "seal {seal} is over {sealed} events, {first} to {last}, and {found} are there: some were removed or added"
    )]
    Events {
        /// The seal.
        seal: i64,
        /// How many it is over.
        sealed: i64,
        /// How many there are.
        found: i64,
        /// The first of them.
        first: i64,
        /// The last of them.
        last: i64,
    },
    /// The hash does not fit.
    #[error("seal {seal} does not fit its events, {first} to {last}: one of them, or the seal, was altered")]
    Altered {
        /// The seal.
        seal: i64,
        /// The first of its events.
        first: i64,
        /// The last of its events.
        last: i64,
    },
}

impl Registry {
    /// Seals what is new, for as long as the node runs.
    pub async fn seal_audit_regularly(&self) {
        for round in 0_u64.. {
            tokio::time::sleep(SEALED_EVERY).await;
            if let Err(error) = self.seal_all(round % ALL_EVERY == 0).await {
                tracing::warn!(%error, "the audit log could not be sealed; it will be tried again");
            }
        }
    }

    /// Batch by batch, until nothing is left or another node is at it.
    async fn seal_all(&self, all: bool) -> Result<()> {
        let mut c = self.database.connect().await?;
        let after = match audit::last_seal(&mut c).await? {
            Some(seal) if !all => seal.last_event.saturating_sub(LATE),
            _ => 0,
        };
        drop(c);
        while self.seal_behind(after).await? == BATCH as usize {}
        Ok(())
    }

    /// Seals what is new, a batch at most and unless another node is at it; how many events.
    pub async fn seal_audit(&self) -> Result<usize> {
        self.seal_behind(0).await
    }

    async fn seal_behind(&self, after: i64) -> Result<usize> {
        let mut c = self.database.connect().await?;
        let waiting = !audit::list_unsealed(&mut c, after, 1).await?.is_empty();
        drop(c);
        if !waiting {
            return Ok(0);
        }
        let (node, now) = (self.options.node.clone(), clock::now());
        let until = now.saturating_add(clock::micros(LEASE_FOR));
        let sealed = self
            .database
            .transaction(move |c| {
                let node = node.clone();
                Box::pin(async move {
                    let Some(fence) = lease::take(c, LEASE, &node, until, now).await? else { return Ok(0) };
                    let sealed = seal_batch(c, after, now).await?;
                    lease::release(c, LEASE, fence).await?;
                    Ok(sealed)
                })
            })
            .await?;
        Ok(sealed)
    }

    /// Recomputes the whole chain.
    pub async fn verify_audit(&self) -> Result<Verified> {
        let mut verified = Verified { seals: 0, events: 0, purged: 0, newest: String::new(), flaw: None };
        let mut previous = BEGINNING.to_vec();
        loop {
            let mut c = self.database.connect().await?;
            let page = audit::list_seals(&mut c, verified.seals, PAGE).await?;
            if page.is_empty() {
                verified.newest = hex(&previous);
                return Ok(verified);
            }
            for seal in page {
                if let Some(flaw) = check(&mut c, &seal, &previous, &mut verified).await? {
                    verified.flaw = Some(flaw);
                    return Ok(verified);
                }
                previous = seal.hash;
            }
        }
    }
}

async fn seal_batch(
    c: &mut Connection,
    after: i64,
    now: clock::Micros,
) -> std::result::Result<usize, hythe_metadata::Error> {
    let events = audit::list_unsealed(c, after, BATCH).await?;
    let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(0) };
    let before = audit::last_seal(c).await?;
    let number = before.as_ref().map_or(1, |seal| seal.number + 1);
    let previous = before.map_or_else(|| BEGINNING.to_vec(), |seal| seal.hash);
    let seal = Seal {
        number,
        at: now,
        events: i64::try_from(events.len()).unwrap_or(i64::MAX),
        first_event: first.id,
        last_event: last.id,
        hash: hash(number, &previous, &events),
        previous,
        purged_at: None,
    };
    let ids: Vec<i64> = events.iter().map(|event| event.id).collect();
    if audit::create_seal(c, &seal).await? {
        audit::seal(c, number, &ids).await?;
        return Ok(ids.len());
    }
    Ok(0)
}

async fn check(
    c: &mut Connection,
    seal: &Seal,
    previous: &[u8],
    verified: &mut Verified,
) -> Result<Option<Flaw>> {
    let expected = verified.seals + 1;
    if seal.number != expected {
        return Ok(Some(Flaw::Missing(expected)));
    }
    verified.seals = seal.number;
    if seal.previous != previous {
        return Ok(Some(Flaw::Broken(seal.number)));
    }
    if seal.purged_at.is_some() {
        verified.purged += seal.events;
        return Ok(None);
    }
    let events = audit::list_of_seal(c, seal.number).await?;
    let found = i64::try_from(events.len()).unwrap_or(i64::MAX);
    let (first, last) = (seal.first_event, seal.last_event);
    if found != seal.events {
        return Ok(Some(Flaw::Events { seal: seal.number, sealed: seal.events, found, first, last }));
    }
    verified.events += found;
    let fits = hash(seal.number, previous, &events) == seal.hash;
    Ok((!fits).then_some(Flaw::Altered { seal: seal.number, first, last }))
}

/// SHA-256 over the number and the hash before, then each event as one line of JSON, its fields in a fixed order.
fn hash(number: i64, previous: &[u8], events: &[Event]) -> Vec<u8> {
    let mut context = Context::new(&digest::SHA256);
    context.update(&number.to_be_bytes());
    context.update(previous);
    for event in events {
        context.update(line(event).as_bytes());
        context.update(b"\n");
    }
    context.finish().as_ref().to_vec()
}

fn line(row: &Event) -> String {
    let event = &row.event;
    serde_json::json!([
        row.id,
        event.at,
        event.actor,
        event.actor_kind,
        event.through,
        event.address,
        event.user_agent,
        event.request_id,
        event.project_id,
        event.resource_type,
        event.resource,
        event.operation,
        event.description,
        event.before,
        event.after,
        event.succeeded,
    ])
    .to_string()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
