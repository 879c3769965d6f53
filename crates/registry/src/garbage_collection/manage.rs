//! What administrators see of garbage collection and do about it.

use hythe_metadata::job::{Enqueued, Filter, Job, Line, State};
use hythe_metadata::schedule::Schedule;

use super::Collection;
use crate::Registry;
use crate::access::system_rights::garbage_collection as right;
use crate::access::{Caller, Everywhere, Permit, SystemRight};
use crate::audit::Entry;
use crate::error::Result;
use crate::jobs::schedules::When;
use crate::jobs::{Kind, Priority, unknown_job};

/// When collections begin by themselves in a new registry, UTC.
const NIGHTLY: &str = "0 2 * * *";

/// The setting that says that this was arranged.
const SCHEDULED: &str = "garbage_collection.scheduled";

/// The rights by which a collection is begun and the schedule set.
pub trait CollectionChange: SystemRight {}
impl CollectionChange for right::Create {}
impl CollectionChange for right::Update {}

/// Lines of a log that are read at once.
const LINES: u32 = 1000;

impl Registry {
    /// Has a collection begin as soon as a node is free; one that waits already is it.
    pub async fn start_collection(
        &self,
        permit: &Permit<impl CollectionChange, Everywhere>,
        collection: Collection,
    ) -> Result<Enqueued> {
        let new = collection.job().asked_by(permit.caller()).priority(Priority::High);
        let entry = entry(permit.caller(), "create", &collection);
        let enqueued = self
            .database
            .transaction(move |c| {
                let (new, entry) = (new.clone(), entry.clone());
                Box::pin(async move {
                    let enqueued = new.enqueue(c).await?;
                    entry.write(c).await?;
                    Ok(enqueued)
                })
            })
            .await?;
        self.wake_jobs();
        Ok(enqueued)
    }

    /// A page of collections, the newest first, and how many there are.
    pub async fn list_collections(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        let kind = Some(Kind::GarbageCollection.as_str().to_owned());
        self.search_jobs(&Filter { kind, ..Filter::default() }, skip, limit).await
    }

    /// The collection of this number.
    pub async fn get_collection(&self, _permit: &Permit<right::Read, Everywhere>, id: i64) -> Result<Job> {
        self.find_collection(id).await
    }

    /// The whole log of a collection, as far as it is kept.
    pub async fn collection_log(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
        id: i64,
    ) -> Result<Vec<Line>> {
        self.find_collection(id).await?;
        let mut lines: Vec<Line> = Vec::new();
        loop {
            let after = lines.last().map_or(0, |line| line.sequence);
            let page = self.read_job_log(id, after, LINES).await?;
            let is_last = page.len() < LINES as usize;
            lines.extend(page);
            if is_last {
                return Ok(lines);
            }
        }
    }

    /// Stops a collection. What it has done stays done.
    pub async fn stop_collection(&self, permit: &Permit<right::Stop, Everywhere>, id: i64) -> Result<State> {
        self.find_collection(id).await?;
        self.stop(permit.caller(), id).await
    }

    async fn find_collection(&self, id: i64) -> Result<Job> {
        let job = self.find_job(id).await?;
        if job.kind == Kind::GarbageCollection.as_str() { Ok(job) } else { Err(unknown_job(id)) }
    }

    /// When collections begin by themselves; none if they do not.
    pub async fn collection_schedule(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
    ) -> Result<Option<Schedule>> {
        self.find_schedule(Kind::GarbageCollection, "").await
    }

    /// Says when collections begin by themselves, and what they do; none for never.
    pub async fn schedule_collections(
        &self,
        permit: &Permit<impl CollectionChange, Everywhere>,
        when: Option<When>,
        collection: Collection,
    ) -> Result<()> {
        let payload = serde_json::json!(collection);
        let caller = permit.caller().clone();
        self.database
            .transaction(move |c| {
                let (when, caller, payload) = (when.clone(), caller.clone(), payload.clone());
                Box::pin(async move {
                    let kind = Kind::GarbageCollection;
                    match &when {
                        Some(when) => {
                            Registry::put_schedule(c, &caller, kind, "", when, &payload).await.map(|_| ())
                        }
                        None => Registry::delete_schedule(c, &caller, kind, "").await.map(|_| ()),
                    }
                })
            })
            .await?;
        Ok(())
    }

    /// The first node of a new registry has collections begin every night.
    pub(crate) async fn schedule_collections_once(&self) -> Result<()> {
        let payload = serde_json::json!(Collection::default());
        self.schedule_once(SCHEDULED, Kind::GarbageCollection, NIGHTLY, payload).await
    }
}

fn entry(caller: &Caller, operation: &str, collection: &Collection) -> Entry {
    Entry::new(caller, operation, "garbage-collection", if collection.dry_run { "dry run" } else { "run" })
        .after(serde_json::json!(collection))
}
