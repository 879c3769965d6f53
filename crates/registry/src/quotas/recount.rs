//! The recount: what projects hold, counted anew while pushes go on; of one project at once, of all as a daily job.

use hythe_metadata::project::{self, Filter, Order, Project};
use hythe_metadata::{Connection, Window, Work, charge, usage};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Registry;
use crate::access::system_rights::quota as right;
use crate::access::{Everywhere, Permit};
use crate::audit::Entry;
use crate::error::{Error, Result};
use crate::jobs::{Halt, Kind, Run};

/// Charges that are looked at in one transaction, and projects that are read at once.
const TOGETHER: u32 = 500;

/// Behind the nightly collection, UTC.
const DAILY: &str = "30 3 * * *";

/// The setting that says that this was arranged.
const SCHEDULED: &str = "quota_recount.scheduled";

/// What a recount of a project found and put right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recount {
    /// Blobs and manifests that were not counted.
    pub missing: usize,
    /// Blobs and manifests that were counted and are not there.
    pub stale: usize,
    /// Bytes that the sum was too small by; negative where it was too large.
    pub difference: i64,
}

/// How far the job is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Position {
    /// The project that was counted last.
    after: String,
    projects: u64,
    /// Those of them that were counted wrongly.
    wrong: u64,
    /// Those of them that could not be counted.
    failed: u64,
}

impl Registry {
    /// Counts anew what a project holds, while pushes go on, and puts right what was counted wrongly: nodes of a version
    /// without quotas do not count.
    pub async fn recount_quota(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        id: i64,
    ) -> Result<Recount> {
        let project = self.project_of(id).await?;
        let recount = self.recount(id).await?;
        let after =
            json!({ "missing": recount.missing, "stale": recount.stale, "bytes": recount.difference });
        let entry =
            Entry::new(permit.caller(), "recount", "quota", &project.name).in_project(id).after(after);
        self.database
            .transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move { entry.write(c).await })
            })
            .await?;
        Ok(recount)
    }

    /// The first node of a registry has its projects counted anew every day.
    pub(crate) async fn schedule_recounts_once(&self) -> Result<()> {
        self.schedule_once(SCHEDULED, Kind::QuotaRecount, DAILY, json!({})).await
    }

    /// Counts all projects. Transactions are not the job's: each puts right what it finds, whoever runs it.
    pub(crate) async fn run_quota_recount(&self, run: &Run) -> Result<(), Halt> {
        let kept = run.job().progress.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let mut position: Position = kept.unwrap_or_default();
        loop {
            let page = self.projects_behind(&position.after).await?;
            if page.is_empty() {
                break;
            }
            for project in page {
                run.check().await?;
                match self.recount(project.id).await {
                    Ok(recount) => position.note(run, &project, recount),
                    Err(error) => position.note_failure(run, &project, &error),
                }
                run.progress(&position);
            }
        }
        position.conclude(run)
    }

    async fn projects_behind(&self, after: &str) -> Result<Vec<Project>> {
        let window = Window { after, skip: 0, limit: TOGETHER };
        let mut c = self.database.connect().await?;
        Ok(project::list(&mut c, &Filter::default(), Order::Name, window).await?)
    }

    async fn recount(&self, id: i64) -> Result<Recount> {
        let missing = self.until_none(move |c| Box::pin(charge_missing(c, id))).await?;
        let stale = self.until_none(move |c| Box::pin(charge::release_stale(c, id, TOGETHER))).await?;
        let difference = self.database.transaction(move |c| Box::pin(usage::correct(c, id))).await?;
        Ok(Recount { missing, stale, difference })
    }

    /// Runs one transaction after the other until one finds nothing to do; how much there was in all.
    async fn until_none<F>(&self, work: F) -> Result<usize>
    where
        F: for<'c> Fn(&'c mut Connection) -> Work<'c, usize> + Copy + Send + Sync + 'static,
    {
        let mut all = 0;
        loop {
            let found = self.database.transaction(work).await?;
            if found == 0 {
                return Ok(all);
            }
            all += found;
        }
    }
}

impl Position {
    fn note(&mut self, run: &Run, project: &Project, recount: Recount) {
        self.after = project.name.to_string();
        self.projects += 1;
        if recount != Recount::default() {
            self.wrong += 1;
            let Recount { missing, stale, difference } = recount;
            run.log(format!(
                "project {}: {missing} not counted before, {stale} counted and not there, the sum was wrong by {difference} bytes",
                project.name
            ));
        }
    }

    /// Those behind it are counted all the same.
    fn note_failure(&mut self, run: &Run, project: &Project, error: &Error) {
        self.after = project.name.to_string();
        self.failed += 1;
        run.log(format!("project {} could not be counted: {error}", project.name));
    }

    fn conclude(self, run: &Run) -> Result<(), Halt> {
        let Position { projects, wrong, failed, .. } = self;
        run.log(format!(
            "counted {projects} projects, of which {wrong} were counted wrongly and are right now"
        ));
        match failed {
            0 => Ok(()),
            _ => Err(Halt::Failed(Error::internal(
                format!("{failed} projects could not be counted"),
                "the log of the job says why",
            ))),
        }
    }
}

/// How many charges were missing, some hundred at a time.
async fn charge_missing(c: &mut Connection, id: i64) -> hythe_metadata::Result<usize> {
    let missing = charge::missing(c, id, TOGETHER).await?;
    for (repository, digest) in &missing {
        charge::create(c, *repository, digest).await?;
    }
    Ok(missing.len())
}
