//! What people see of jobs and do about them.

use hythe_metadata::job::{self, Filter, Job, Line, State};
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::access::system_rights::job_service_monitor as right;
use crate::access::{Caller, Everywhere, Permit};
use crate::audit::Entry;
use crate::error::{Error, Result};

impl Registry {
    /// A page of jobs, the newest first, and how many there are.
    pub async fn list_jobs(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        filter: &Filter,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        self.search_jobs(filter, skip, limit).await
    }

    /// The job of this number.
    pub async fn get_job(&self, _permit: &Permit<right::List, Everywhere>, id: i64) -> Result<Job> {
        self.find_job(id).await
    }

    /// A page of a job's log, behind the line `after`.
    pub async fn list_job_log(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        id: i64,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Line>> {
        self.find_job(id).await?;
        self.read_job_log(id, after, limit).await
    }

    /// Stops a job, or asks the node that is at it to end; where it stands now.
    pub async fn stop_job(&self, permit: &Permit<right::Stop, Everywhere>, id: i64) -> Result<State> {
        self.stop(permit.caller(), id).await
    }

    pub(crate) async fn stop(&self, caller: &Caller, id: i64) -> Result<State> {
        let message = format!("stopped by {}", caller.name().unwrap_or("anonymous"));
        let entry = Entry::new(caller, "stop", "job", id);
        self.database
            .try_transaction(move |c| {
                let (message, entry) = (message.clone(), entry.clone());
                Box::pin(async move {
                    let state = job::stop(c, id, &message).await?.ok_or_else(|| unknown_job(id))?;
                    entry.write(c).await?;
                    Ok(state)
                })
            })
            .await
    }

    pub(crate) async fn search_jobs(
        &self,
        filter: &Filter,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Job>, i64)> {
        let mut c = self.database.connect().await?;
        let jobs = job::list(&mut c, filter, i64::MAX, skip, limit).await?;
        drop(c);
        let count = |most| async move {
            let mut c = self.database.connect().await?;
            Ok(job::count(&mut c, filter, most).await?)
        };
        Ok((jobs, self.total(format!("jobs {filter:?}"), count).await?))
    }

    pub(crate) async fn find_job(&self, id: i64) -> Result<Job> {
        let found = job::find(&mut self.database.connect().await?, id).await?;
        found.ok_or_else(|| unknown_job(id))
    }

    pub(crate) async fn read_job_log(&self, id: i64, after: i64, limit: u32) -> Result<Vec<Line>> {
        Ok(job::list_log(&mut self.database.connect().await?, id, after, limit).await?)
    }
}

pub(crate) fn unknown_job(id: i64) -> Error {
    Error::unknown(
        ErrorCode::NameUnknown,
        format!("there is no job {id}; jobs that ended are kept for 30 days"),
    )
}
