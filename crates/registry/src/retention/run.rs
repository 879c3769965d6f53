//! Applying a policy: repository by repository, each artifact deleted in a transaction that looks once more whether what
//! was decided still holds.

use hythe_metadata::artifact::{self, Filter, Order, Place};
use hythe_metadata::job::Cause;
use hythe_metadata::project::{self, Project};
use hythe_metadata::repository::{self, Repository};
use hythe_metadata::retention::{self, NewExecution, NewTask};
use hythe_metadata::trash::{Deletion, Why};
use hythe_metadata::{Connection, Window, manifest, tag};
use serde_json::json;

use super::manage::read;
use super::reasons::{self, Told};
use super::rules::Candidate;
use super::{Decision, Payload, Plan, Policy, Verdict};
use crate::Registry;
use crate::access::Caller;
use crate::artifacts::delete_with_all;
use crate::audit::Entry;
use crate::clock;
use crate::configuration::items::READ_ONLY;
use crate::error::{Error, Kind, Result};
use crate::immutable_rules::Immutability;
use crate::jobs::{Halt, Run};

/// Rows that are read together.
const PAGE: u32 = 500;

/// Decisions of one repository that are written down, those about what goes first.
const WRITTEN: usize = 20_000;

/// Who deletes, in the audit log and in the history of tags.
const ACTOR: &str = "retention";

/// How far an execution is.
#[derive(Clone, Copy, Default, serde::Serialize)]
struct Progress {
    repositories: u64,
    artifacts: u64,
    deleted: u64,
    failed: u64,
}

impl Registry {
    pub(crate) async fn run_retention(&self, run: &Run) -> Result<(), Halt> {
        let wanted: Payload = run.payload()?;
        let Some((policy, project)) = self.find_policy(wanted.policy).await? else {
            run.log(format!("the retention policy {} is gone; there is nothing to do", wanted.policy));
            return Ok(());
        };
        self.refuse_to_delete(wanted.dry_run)?;
        write_down(run, &policy, wanted.dry_run).await?;
        let plan = Plan::compile(&policy.wanted.rules)?;
        let (mut after, mut progress) = (None::<String>, Progress::default());
        loop {
            let mut c = self.database.connect().await?;
            let page = repository::list(&mut c, project.id, after.as_deref(), PAGE).await?;
            drop(c);
            let Some(last) = page.last() else { break };
            after = Some(last.name.to_string());
            for repository in page.iter().filter(|repository| plan.covers(&repository.name)) {
                run.check().await?;
                self.apply(run, &plan, repository, wanted.dry_run, &mut progress).await?;
                run.progress(&progress);
            }
        }
        let (id, now) = (run.job().id, clock::now());
        run.transaction(move |c| Box::pin(async move { Ok(retention::finish_execution(c, id, now).await?) }))
            .await?;
        Ok(())
    }

    async fn find_policy(&self, id: i64) -> Result<Option<(Policy, Project)>> {
        let mut c = self.database.connect().await?;
        let Some(row) = retention::find(&mut c, id).await? else { return Ok(None) };
        let project = project::find_by_id(&mut c, row.project_id).await?;
        project.map(|project| Ok((read(row)?, project))).transpose()
    }

    fn refuse_to_delete(&self, dry_run: bool) -> Result<()> {
        if !dry_run && self.configuration().truth(&READ_ONLY) {
            return Err(Error::denied("the registry is read only now; nothing is deleted"));
        }
        Ok(())
    }

    /// One repository: what is to become of each artifact, and, unless it is a dry run, that it does.
    async fn apply(
        &self,
        run: &Run,
        plan: &Plan,
        repository: &Repository,
        dry_run: bool,
        progress: &mut Progress,
    ) -> Result<(), Halt> {
        let started_at = clock::now();
        let candidates = self.candidates(repository).await?;
        let mut c = self.database.connect().await?;
        let immutability = Immutability::of_project(&mut c, repository.project_id).await?;
        drop(c);
        let mut decisions = plan.decide(&repository.name, candidates, &immutability, started_at);
        if !dry_run {
            let deletion = self.deletion(ACTOR.to_owned(), Why::Retention);
            for decision in decisions.iter_mut().filter(|decision| decision.verdict == Verdict::Delete) {
                run.check().await?;
                put_away(run, repository, decision, &deletion).await?;
            }
        }
        let task = task(run, repository, started_at, decisions);
        run.log(told(&task, dry_run));
        progress.repositories += 1;
        progress.artifacts += task.total;
        progress.deleted += task.total - task.retained;
        progress.failed += task.failed;
        run.transaction(move |c| {
            let task = task.clone();
            Box::pin(async move { Ok(retention::put_task(c, &task).await?) })
        })
        .await
    }

    /// The artifacts of a repository without the parts of indexes and without accessories, which go with the artifact
    /// that they belong to.
    async fn candidates(&self, repository: &Repository) -> Result<Vec<Candidate>> {
        let place = Place::Repository(repository.id);
        let (mut candidates, mut after) = (Vec::new(), None);
        loop {
            let mut c = self.database.connect().await?;
            let window = Window { after, skip: 0, limit: PAGE };
            let rows = artifact::list(&mut c, place, &Filter::default(), Order::Newest, window).await?;
            let Some(last) = rows.last() else { return Ok(candidates) };
            after = Some((last.pushed_at, last.id));
            let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
            let tags = artifact::tags_of(&mut c, &ids).await?;
            for row in rows {
                let own = || tags.iter().filter(|tag| tag.artifact_id == row.id);
                candidates.push(Candidate {
                    digest: row.digest,
                    kind: row.about.kind,
                    tags: own().map(|tag| tag.name.clone()).collect(),
                    pushed_at: own().map(|tag| tag.pushed_at).chain([row.pushed_at]).max().unwrap_or(0),
                    pulled_at: own().map(|tag| tag.pulled_at).chain([row.pulled_at]).max().unwrap_or(0),
                });
            }
        }
    }
}

/// Deletes one artifact; what keeps it from being deleted becomes its verdict.
async fn put_away(
    run: &Run,
    repository: &Repository,
    decision: &mut Decision,
    deletion: &Deletion,
) -> Result<(), Halt> {
    let (place, wanted, act) = (repository.clone(), decision.clone(), deletion.clone());
    let deleted = run
        .transaction(move |c| {
            let (repository, decision, deletion) = (place.clone(), wanted.clone(), act.clone());
            Box::pin(async move { Ok(delete(c, &repository, &decision, &deletion).await?) })
        })
        .await;
    let why_not = match deleted {
        Ok(None) => return Ok(()),
        Ok(Some(why)) => why,
        Err(Halt::Failed(error)) if is_its_own_fault(&error) => reasons::refused(error.message()),
        Err(other) => return Err(other),
    };
    decision.verdict = Verdict::Error;
    (decision.why, decision.reason) = (why_not.words, Some(why_not.reason));
    Ok(())
}

/// A refusal is about one artifact; what is out of reach is out of reach for all.
fn is_its_own_fault(error: &Error) -> bool {
    matches!(error.kind(), Kind::Conflict | Kind::Precondition | Kind::Unknown)
}

/// None if it is deleted, else why not.
async fn delete(
    c: &mut Connection,
    repository: &Repository,
    decision: &Decision,
    deletion: &Deletion,
) -> Result<Option<Told>> {
    let digest = &decision.digest;
    if !manifest::lock(c, repository.id, digest).await? {
        return Ok(Some(reasons::gone()));
    }
    if tag::list_by_digest(c, repository.id, digest, u32::MAX).await? != decision.tags {
        return Ok(Some(reasons::retagged()));
    }
    if let Some(parent) = manifest::list_parents(c, repository.id, digest, 1).await?.first() {
        return Ok(Some(reasons::part_of_index(parent)));
    }
    let immutability = Immutability::of_project(c, repository.project_id).await?;
    decision.tags.iter().try_for_each(|tag| immutability.check(&repository.name, tag, "deleted"))?;
    let Some(root) = artifact::find(c, repository.id, digest).await? else {
        return Ok(Some(reasons::gone()));
    };
    let manifests = delete_with_all(c, &root, deletion).await?;
    let resource = format!("{}@{digest}", repository.name);
    Entry::new(&Caller::operator(), "delete", "artifact", resource)
        .by(ACTOR, "system")
        .before(json!({ "tags": decision.tags, "manifests": manifests }))
        .in_project(repository.project_id)
        .write(c)
        .await?;
    Ok(None)
}

/// One that its schedule has made is written down only now.
async fn write_down(run: &Run, policy: &Policy, dry_run: bool) -> Result<(), Halt> {
    let cause = match run.job().cause {
        Cause::Schedule => Cause::Schedule,
        Cause::Manual | Cause::Event => Cause::Manual,
    };
    let new = NewExecution {
        id: run.job().id,
        policy_id: policy.id,
        dry_run,
        cause: cause.as_str().to_owned(),
        created_at: run.job().created_at,
    };
    run.transaction(move |c| {
        let new = new.clone();
        Box::pin(async move { Ok(retention::create_execution(c, &new).await?) })
    })
    .await
}

fn task(run: &Run, repository: &Repository, started_at: i64, mut decisions: Vec<Decision>) -> NewTask {
    let count = |verdict| decisions.iter().filter(|decision| decision.verdict == verdict).count() as u64;
    let (total, deleted, failed) = (decisions.len() as u64, count(Verdict::Delete), count(Verdict::Error));
    decisions.sort_by_key(|decision| match decision.verdict {
        Verdict::Error => 0,
        Verdict::Delete => 1,
        Verdict::Immutable => 2,
        Verdict::Retain => 3,
    });
    decisions.truncate(WRITTEN);
    NewTask {
        execution_id: run.job().id,
        repository: repository.name.clone(),
        total,
        retained: total - deleted,
        failed,
        started_at,
        finished_at: clock::now(),
        decisions: json!(decisions).to_string(),
    }
}

fn told(task: &NewTask, dry_run: bool) -> String {
    let (verb, deleted) = (if dry_run { "would delete" } else { "deleted" }, task.total - task.retained);
    format!("{}: {verb} {deleted} of {} artifacts, {} failed", task.repository, task.total, task.failed)
}
