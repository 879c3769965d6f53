//! Writing the journal: changes first, then another page of the beginning, then what follows from both.

use bytes::Bytes;
use hythe_blobs::Shelf;
use hythe_metadata::journal::{self, Change, Key, Kind};
use hythe_metadata::lease;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::record::{self, Record};
use super::{COMPLETE, EVERY, FOLDER};
use crate::Registry;
use crate::clock;
use crate::error::{Error, Result};

const LEASE: &str = "journal";
const LEASE_FOR: std::time::Duration = std::time::Duration::from_secs(60);

/// Keys in one segment at most.
const KEYS: u32 = 2000;
/// A segment is closed when it has so many bytes of manifests.
const SEGMENT: usize = 8 << 20;
/// While anybody asks for anything, the writer rests so many times as long as it worked: a quarter of a core keeps up with
/// any pushes, and after a collection there is more to write than may be written at once.
const REST: u32 = 3;
/// Segments of changes after which a new journal is begun, which tells everything once and is shorter; not before there
/// are as many of them as of what it began with, or the journal of a large registry would never come to rest.
const LONG: u64 = 10_000;
/// Notes of older journals that are removed before the lease is renewed.
const REMOVED_AT_ONCE: usize = 500;

/// What the registry remembers of the journal that it writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    /// The name of its folder.
    journal: String,
    /// Up to where everything has been told; nothing when all of it has.
    beginning: Option<At>,
    /// Segments of changes so far.
    segments: u64,
    /// Segments of what there was when it was begun.
    #[serde(default)]
    first: u64,
    /// The note that says it tells everything is there, and no older journal.
    complete: bool,
}

/// A place in the order of all keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    /// The kind's number among all.
    kind: usize,
    parent: i64,
    name: String,
}

impl Kept {
    fn new() -> Kept {
        let (now, random) = (clock::now().unsigned_abs(), uuid::Uuid::new_v4().as_u64_pair().0);
        let beginning = Some(At { kind: 0, parent: 0, name: String::new() });
        Kept {
            journal: format!("{now:016x}-{random:016x}"),
            beginning,
            segments: 0,
            first: 0,
            complete: false,
        }
    }

    fn of(text: Option<String>) -> Kept {
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_else(Kept::new)
    }

    fn is_long(&self) -> bool {
        self.complete && self.segments >= LONG.max(self.first)
    }

    fn text(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::internal("the journal cannot be written", error))
    }
}

/// One node at it.
struct Writer<'r> {
    registry: &'r Registry,
    fence: i64,
    /// Segments that this holder has written.
    number: u64,
    kept: Kept,
}

impl Registry {
    /// Writes the journal for as long as the node runs.
    pub async fn write_journal_regularly(&self) {
        loop {
            if let Err(error) = self.write_journal().await {
                tracing::warn!(%error, "the journal beside the blobs could not be written; it will be tried again");
            }
            tokio::time::sleep(EVERY).await;
        }
    }

    /// Writes what has changed, unless another node is at it; true if everything has been told.
    pub async fn write_journal(&self) -> Result<bool> {
        let mut c = self.database.connect().await?;
        let (kept, waiting) = (journal::find(&mut c).await?, !journal::pending(&mut c, 1).await?.is_empty());
        drop(c);
        let kept = kept.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
        if kept.as_ref().is_some_and(|kept| kept.complete && !kept.is_long()) && !waiting {
            return Ok(true);
        }
        let Some(fence) = self.take_journal().await? else { return Ok(false) };
        let done = self.write_journal_as(fence).await;
        self.database
            .transaction(move |c| Box::pin(async move { lease::release(c, LEASE, fence).await }))
            .await?;
        done
    }

    async fn take_journal(&self) -> Result<Option<i64>> {
        let node = self.options.node.clone();
        let taken = self.database.transaction(move |c| {
            let node = node.clone();
            Box::pin(async move {
                let now = c.now().await?;
                lease::take(c, LEASE, &node, now.saturating_add(clock::micros(LEASE_FOR)), now).await
            })
        });
        Ok(taken.await?)
    }

    async fn write_journal_as(&self, fence: i64) -> Result<bool> {
        let kept = Kept::of(journal::find(&mut self.database.connect().await?).await?);
        let kept = if kept.is_long() { Kept::new() } else { kept };
        let mut writer = Writer { registry: self, fence, number: 0, kept };
        loop {
            let begun = Instant::now();
            let (all, more) = (writer.changes().await?, writer.beginning().await?);
            if all && !more {
                return writer.complete().await.map(|()| true);
            }
            self.rest_after(begun.elapsed(), REST).await;
        }
    }
}

impl Writer<'_> {
    /// A segment of what has changed; true if that was all.
    async fn changes(&mut self) -> Result<bool> {
        let mut c = self.registry.database.connect().await?;
        let changes = journal::pending(&mut c, KEYS).await?;
        drop(c);
        if changes.is_empty() {
            return Ok(true);
        }
        let keys: Vec<Key> = changes.iter().map(|change| change.key.clone()).collect();
        let told = self.tell(&keys).await?;
        self.kept.segments += 1;
        self.save(changes[..told].to_vec()).await?;
        Ok(changes.len() < KEYS as usize && told == changes.len())
    }

    /// A segment of what there is; whether there is more.
    async fn beginning(&mut self) -> Result<bool> {
        let Some(at) = self.kept.beginning.clone() else { return Ok(false) };
        let Some(kind) = Kind::ALL.get(at.kind).copied() else {
            self.kept.beginning = None;
            return self.save(Vec::new()).await.map(|()| false);
        };
        let after = Key { kind, parent: at.parent, name: at.name };
        let mut c = self.registry.database.connect().await?;
        let keys = journal::all(&mut c, kind, &after, KEYS).await?;
        drop(c);
        let told = self.tell(&keys).await?;
        self.kept.first += u64::from(told > 0);
        self.kept.beginning = Some(match keys[..told].last() {
            Some(last) => At { kind: at.kind, parent: last.parent, name: last.name.clone() },
            None => At { kind: at.kind + 1, parent: 0, name: String::new() },
        });
        self.save(Vec::new()).await.map(|()| true)
    }

    /// Writes what stands under the keys into one segment; how many of them fitted.
    async fn tell(&mut self, keys: &[Key]) -> Result<usize> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut c = self.registry.database.connect().await?;
        let states = journal::read(&mut c, keys, SEGMENT).await?;
        drop(c);
        let told = states.len();
        let records: Vec<Record> =
            keys.iter().zip(states).map(|(key, state)| Record::new(key, state)).collect();
        let segment = tokio::task::spawn_blocking(move || record::segment(&records)).await;
        let segment = segment.map_err(|error| Error::internal("the journal cannot be packed", error))??;
        let name = format!("{FOLDER}/{}/{:016x}-{:016x}", self.kept.journal, self.fence, self.number);
        self.registry.blobs.write_note(&name, Bytes::from(segment)).await?;
        self.number += 1;
        Ok(told)
    }

    /// Writes down how far it is, if no other node has taken over.
    async fn save(&self, written: Vec<Change>) -> Result<()> {
        let (text, fence) = (self.kept.text()?, self.fence);
        let saved = self.registry.database.transaction(move |c| {
            let (text, written) = (text.clone(), written.clone());
            Box::pin(async move {
                let until = c.now().await?.saturating_add(clock::micros(LEASE_FOR));
                if !lease::renew(c, LEASE, fence, until).await? {
                    return Ok(false);
                }
                journal::keep(c, &text).await?;
                journal::written(c, &written).await?;
                Ok(true)
            })
        });
        if saved.await? { Ok(()) } else { Err(taken_over()) }
    }

    /// Says once that the journal tells everything, and removes those before it.
    async fn complete(&mut self) -> Result<()> {
        if self.kept.complete {
            return Ok(());
        }
        let blobs = &self.registry.blobs;
        blobs.write_note(&format!("{FOLDER}/{}/{COMPLETE}", self.kept.journal), Bytes::new()).await?;
        let own = format!("notes/{FOLDER}/{}/", self.kept.journal);
        let mut after = format!("notes/{FOLDER}/");
        loop {
            let page = blobs.list(Shelf::Notes, &after, REMOVED_AT_ONCE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.name);
            let older = page.iter().filter(|note| note.name.as_str() < own.as_str());
            for note in older
                .filter_map(|note| note.name.strip_prefix("notes/"))
                .filter(|name| name.starts_with(FOLDER))
            {
                blobs.remove_note(note).await?;
            }
            if after > own {
                break;
            }
            self.save(Vec::new()).await?;
        }
        self.kept.complete = true;
        self.save(Vec::new()).await
    }
}

fn taken_over() -> Error {
    Error::internal("the journal is being written by another node", "its lease has another holder")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_begun_anew_for_its_changes_and_never_for_what_it_began_with() {
        let kept = |first, segments, complete| Kept { first, segments, complete, ..Kept::new() };
        assert!(kept(1, LONG, true).is_long());
        assert!(!kept(1, LONG, false).is_long(), "it has yet to tell what it began with");
        assert!(!kept(1, LONG - 1, true).is_long());
        assert!(!kept(5 * LONG, 4 * LONG, true).is_long());
        assert!(kept(5 * LONG, 5 * LONG, true).is_long());
    }
}
