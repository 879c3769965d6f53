//! The audit as a job: any node does it, and goes on where another one stopped.

use std::sync::Arc;

use hythe_metadata::job::{Filter, Job, Line};
use hythe_metadata::schedule::Schedule;

use super::{Audit, Options, Position};
use crate::Registry;
use crate::access::system_rights::garbage_collection as right;
use crate::access::{Everywhere, Permit, SystemRight};
use crate::audit::Entry;
use crate::error::{Error, Result};
use crate::jobs::schedules::Wanted;
use crate::jobs::{Halt, Kind, NewJob, Priority, Run};

/// There is one storage: of all audits one is unfinished at most.
const KEY: &str = "storage";

/// The rights by which an audit is begun and the schedule set.
pub trait StorageAuditChange: SystemRight {}
impl StorageAuditChange for right::Create {}
impl StorageAuditChange for right::Update {}

impl Registry {
    /// Asks for an audit; the number of its job, which may be one that is under way already.
    pub async fn start_storage_audit(
        &self,
        permit: &Permit<right::Create, Everywhere>,
        options: Options,
    ) -> Result<i64> {
        let job = NewJob::new(Kind::StorageAudit, &options)
            .keyed(KEY)
            .asked_by(permit.caller())
            .priority(Priority::Low);
        let entry = Entry::new(permit.caller(), "create", "storage_audit", KEY)
            .after(serde_json::to_value(options).unwrap_or_default());
        let enqueued = self
            .database
            .transaction(move |c| {
                let (job, entry) = (job.clone(), entry.clone());
                Box::pin(async move {
                    let enqueued = job.enqueue(c).await?;
                    entry.write(c).await?;
                    Ok(enqueued)
                })
            })
            .await?;
        self.wake_jobs();
        Ok(enqueued.id())
    }

    /// Has an audit begin at once, sets when audits begin by themselves, or ends that; the number of the job that was made.
    pub async fn schedule_storage_audits(
        &self,
        permit: &Permit<impl StorageAuditChange, Everywhere>,
        wanted: Wanted,
        options: Options,
    ) -> Result<Option<i64>> {
        self.schedule_job(permit.caller(), Kind::StorageAudit, KEY, wanted, &options).await
    }

    /// When audits begin by themselves; none if they do not.
    pub async fn storage_audit_schedule(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
    ) -> Result<Option<Schedule>> {
        self.find_schedule(Kind::StorageAudit, KEY).await
    }

    /// A page of audits, the newest first, and how many there are.
    pub async fn list_storage_audits(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        let filter = Filter { kind: Some(Kind::StorageAudit.as_str().to_owned()), ..Filter::default() };
        self.search_jobs(&filter, skip, limit).await
    }

    /// One audit.
    pub async fn get_storage_audit(&self, _permit: &Permit<right::Read, Everywhere>, id: i64) -> Result<Job> {
        let job = self.find_job(id).await?;
        if job.kind == Kind::StorageAudit.as_str() { Ok(job) } else { Err(crate::jobs::unknown_job(id)) }
    }

    /// What an audit has found, line by line, behind the line `after`.
    pub async fn list_storage_audit_log(
        &self,
        permit: &Permit<right::Read, Everywhere>,
        id: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Line>> {
        self.get_storage_audit(permit, id).await?;
        self.read_job_log(id, after, limit).await
    }

    /// Repairs are no transactions of the job: each looks itself, in its own, whether it still has to be done.
    pub(crate) async fn run_storage_audit(self: &Arc<Self>, run: &Run) -> Result<(), Halt> {
        let options: Options = run.payload()?;
        let position = run.job().progress.as_deref().map(serde_json::from_str::<Position>);
        let position = position.and_then(std::result::Result::ok).filter(|position| !position.done);
        let mut audit = Audit::new(self.clone(), options, position.unwrap_or_default());
        while let Some(findings) = audit.step().await? {
            findings.iter().for_each(|finding| run.log(finding.to_string()));
            run.progress(audit.position());
            run.check().await?;
        }
        run.progress(audit.position());
        let counts = &audit.position().counts;
        run.log(format!(
            "{} objects, {} faults, {} repaired",
            counts.stored,
            counts.faults(),
            counts.repaired
        ));
        match counts.faults() - counts.repaired {
            0 => Ok(()),
            left => {
                Err(Error::bad_request(format!("{left} faults are left; the log of the job names them"))
                    .into())
            }
        }
    }
}
