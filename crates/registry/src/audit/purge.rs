//! The purge: removes old events of the log, seal by seal, as a job with a schedule or at once.

use std::time::Duration;

use hythe_metadata::job::{Filter, Job, Line, State};
use hythe_metadata::schedule::Schedule;
use hythe_metadata::{Connection, audit};
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::access::system_rights::purge_audit as right;
use crate::access::{Everywhere, Permit};
use crate::clock::{self, Micros};
use crate::error::{Error, Result};
use crate::jobs::schedules::Wanted;
use crate::jobs::{Halt, Kind, Run};

/// Harbor's limit, some 27 years.
const LONGEST_RETENTION: u32 = 240_000;

/// More types of event than there are.
const MOST_TYPES: usize = 100;

/// Seals whose events are removed in one transaction.
const BATCH: u32 = 10;

/// What is to be removed, in Harbor's words (`src/controller/purge`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purge {
    /// Events older than so many hours.
    pub audit_retention_hour: u32,
    /// Of these types only, apart by commas: `create_artifact`, `delete`, …, `other`; all without.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub include_event_types: String,
    /// What Harbor before 2.13 calls types.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub include_operations: String,
    /// Count and remove nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl Purge {
    fn check(&self) -> Result<()> {
        if self.audit_retention_hour > LONGEST_RETENTION {
            return Err(Error::bad_request(format!("audit_retention_hour is {LONGEST_RETENTION} at most")));
        }
        if self.types().len() > MOST_TYPES {
            return Err(Error::bad_request(format!("include_event_types names {MOST_TYPES} types at most")));
        }
        Ok(())
    }

    fn types(&self) -> Vec<String> {
        let words = self.include_event_types.split(',').chain(self.include_operations.split(','));
        words.map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect()
    }

    fn before(&self) -> Micros {
        let age = Duration::from_secs(u64::from(self.audit_retention_hour) * 60 * 60);
        clock::now().saturating_sub(clock::micros(age))
    }
}

impl Registry {
    /// Puts a purge into the queue at once, sets its schedule, or ends it; the number of the job that was made.
    pub async fn schedule_purge(
        &self,
        permit: &Permit<impl PurgeChange, Everywhere>,
        wanted: Wanted,
        purge: &Purge,
    ) -> Result<Option<i64>> {
        purge.check()?;
        self.schedule_job(permit.caller(), Kind::AuditPurge, "", wanted, purge).await
    }

    /// The schedule of the purge.
    pub async fn purge_schedule(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
    ) -> Result<Option<Schedule>> {
        self.find_schedule(Kind::AuditPurge, "").await
    }

    /// A page of purges, the newest first, and how many there are.
    pub async fn list_purges(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        let filter = Filter { kind: Some(Kind::AuditPurge.as_str().to_owned()), ..Filter::default() };
        self.search_jobs(&filter, skip, limit).await
    }

    /// The purge of this number.
    pub async fn get_purge(&self, _permit: &Permit<right::Read, Everywhere>, id: i64) -> Result<Job> {
        self.find_job_of(Kind::AuditPurge, id).await
    }

    /// A page of a purge's log, behind the line `after`.
    pub async fn list_purge_log(
        &self,
        permit: &Permit<right::Read, Everywhere>,
        id: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Line>> {
        self.get_purge(permit, id).await?;
        self.read_job_log(id, after, limit).await
    }

    /// Stops a purge; where it stands now.
    pub async fn stop_purge(&self, permit: &Permit<right::Stop, Everywhere>, id: i64) -> Result<State> {
        self.find_job_of(Kind::AuditPurge, id).await?;
        self.stop(permit.caller(), id).await
    }

    /// Removes events that are older, seal by seal, and keeps the seals; how many events went.
    pub async fn purge_audit(&self, before: Micros) -> Result<u64> {
        let (mut purged, mut after) = (0, self.last_emptied_seal().await?);
        loop {
            let batch =
                self.database.transaction(move |c| Box::pin(purge_batch(c, before, after, &[]))).await?;
            let Some((last, removed)) = batch else { return Ok(purged) };
            purged += removed;
            after = last;
        }
    }

    async fn last_emptied_seal(&self) -> Result<i64> {
        Ok(audit::last_emptied(&mut self.database.connect().await?).await?)
    }

    pub(crate) async fn run_audit_purge(&self, run: &Run) -> Result<(), Halt> {
        let purge: Purge = run.payload()?;
        let (before, types, hours) = (purge.before(), purge.types(), purge.audit_retention_hour);
        if purge.dry_run {
            let count = audit::count_purgeable(&mut self.database.connect().await?, before, &types).await?;
            run.log(format!("would remove {count} events older than {hours} hours; this was a dry run"));
            return Ok(());
        }
        let (mut purged, mut after) = (0, self.last_emptied_seal().await?);
        loop {
            run.check().await?;
            let types = types.clone();
            let batch = run
                .transaction(move |c| {
                    let types = types.clone();
                    Box::pin(async move { Ok(purge_batch(c, before, after, &types).await?) })
                })
                .await?;
            let Some((last, removed)) = batch else { break };
            purged += removed;
            after = last;
            run.progress(&serde_json::json!({ "removed": purged }));
        }
        run.log(format!("removed {purged} events older than {hours} hours"));
        Ok(())
    }
}

/// The rights by which a purge is begun and its schedule set.
pub trait PurgeChange: crate::access::SystemRight {}
impl PurgeChange for right::Create {}
impl PurgeChange for right::Update {}

/// The last seal that was looked at and how many events went; none behind the last.
async fn purge_batch(
    c: &mut Connection,
    before: Micros,
    after: i64,
    types: &[String],
) -> Result<Option<(i64, u64)>, hythe_metadata::Error> {
    let now = clock::now();
    let seals = audit::list_purgeable(c, before, after, BATCH).await?;
    let Some(last) = seals.last().map(|seal| seal.number) else { return Ok(None) };
    let mut removed = 0;
    for seal in seals {
        removed += audit::purge(c, seal.number, types, now).await?;
    }
    Ok(Some((last, removed)))
}
