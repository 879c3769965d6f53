//! Policies and their executions, as people make and look at them.

use hythe_metadata::job::{self, Cause};
use hythe_metadata::project::Project;
use hythe_metadata::retention::{self, Execution, NewExecution, Task};
use hythe_metadata::{Connection, Window, project_metadata};
use hythe_oci::error_code::ErrorCode;
use serde_json::json;

use super::{Decision, MOST_RULES, Payload, Plan, Policy, WantedPolicy};
use crate::Registry;
use crate::access::rights::tag_retention as right;
use crate::access::{Caller, Permit, ProjectRight};
use crate::audit::Entry;
use crate::clock::{self, Micros};
use crate::error::{Error, Kind, Result};
use crate::jobs::schedules::When;
use crate::jobs::{self, NewJob, Priority};

/// Harbor's clients look here for a project's policy.
const RETENTION_ID: &str = "retention_id";

impl Registry {
    /// Makes the policy of a project and tells its id.
    pub async fn create_retention(
        &self,
        permit: &Permit<right::Create, Project>,
        wanted: &WantedPolicy,
    ) -> Result<i64> {
        let (project, caller) = (permit.project().clone(), permit.caller().clone());
        let (when, body) = (check(wanted)?, written(wanted)?);
        let after = json!(wanted);
        self.database
            .try_transaction(move |c| {
                let (project, caller, when) = (project.clone(), caller.clone(), when.clone());
                let (body, after) = (body.clone(), after.clone());
                Box::pin(async move {
                    let made = retention::create(c, project.id, &body, clock::now()).await;
                    let id = made.map_err(|error| or_taken(error, &project))?;
                    project_metadata::put(c, project.id, RETENTION_ID, &id.to_string()).await?;
                    plan(c, &caller, id, when.as_ref()).await?;
                    entry(&caller, "create", &project, id).after(after).write(c).await?;
                    Ok(id)
                })
            })
            .await
    }

    /// The policy of this id and the right to it. Who may not is told the same whether it exists or not.
    pub async fn permit_retention<R: ProjectRight>(
        &self,
        caller: &Caller,
        id: i64,
    ) -> Result<(Policy, Permit<R, Project>)> {
        let mut c = self.database.connect().await?;
        let found = retention::find(&mut c, id).await?;
        drop(c);
        let Some(row) = found else {
            return Err(if caller.is_administrator() { unknown(id) } else { refusal(caller, id) });
        };
        match self.permit_in_project_id::<R>(caller, row.project_id).await {
            Ok(permit) => Ok((read(row)?, permit)),
            Err(error) if matches!(error.kind(), Kind::Forbidden | Kind::Unauthenticated) => {
                Err(refusal(caller, id))
            }
            Err(error) => Err(error),
        }
    }

    /// When the policy is applied next by itself.
    pub async fn next_retention(&self, policy: &Policy) -> Result<Option<Micros>> {
        let schedule = self.find_schedule(jobs::Kind::Retention, &policy.id.to_string()).await?;
        Ok(schedule.and_then(|schedule| schedule.next_at))
    }

    /// Changes the policy that the permit was given for.
    pub async fn update_retention(
        &self,
        permit: &Permit<right::Update, Project>,
        policy: &Policy,
        wanted: &WantedPolicy,
    ) -> Result<()> {
        let (id, caller) = (policy.id, permit.caller().clone());
        let (when, body) = (check(wanted)?, written(wanted)?);
        let entry = entry(&caller, "update", permit.project(), id);
        let entry = entry.before(json!(policy.wanted)).after(json!(wanted));
        self.database
            .try_transaction(move |c| {
                let (caller, when) = (caller.clone(), when.clone());
                let (body, entry) = (body.clone(), entry.clone());
                Box::pin(async move {
                    if !retention::update(c, id, &body, clock::now()).await? {
                        return Err(unknown(id));
                    }
                    plan(c, &caller, id, when.as_ref()).await?;
                    Ok(entry.write(c).await?)
                })
            })
            .await
    }

    /// Deletes the policy that the permit was given for, with its executions.
    pub async fn delete_retention(
        &self,
        permit: &Permit<right::Delete, Project>,
        policy: &Policy,
    ) -> Result<()> {
        let (id, caller, project) = (policy.id, permit.caller().clone(), permit.project().clone());
        let entry = entry(&caller, "delete", &project, id).before(json!(policy.wanted));
        self.database
            .try_transaction(move |c| {
                let (caller, project, entry) = (caller.clone(), project.clone(), entry.clone());
                Box::pin(async move {
                    if !retention::delete(c, id).await? {
                        return Err(unknown(id));
                    }
                    plan(c, &caller, id, None).await?;
                    project_metadata::delete(c, project.id, RETENTION_ID).await?;
                    Ok(entry.write(c).await?)
                })
            })
            .await
    }

    /// Has the policy applied, or tells what it would do; the id of the execution.
    pub async fn start_retention(
        &self,
        permit: &Permit<right::Operate, Project>,
        policy: &Policy,
        dry_run: bool,
    ) -> Result<i64> {
        let payload = Payload { policy: policy.id, dry_run };
        let key = if dry_run { format!("{} dry", policy.id) } else { policy.id.to_string() };
        let job = NewJob::new(jobs::Kind::Retention, &payload)
            .keyed(key)
            .asked_by(permit.caller())
            .priority(Priority::High);
        let entry = entry(permit.caller(), "execute", permit.project(), policy.id)
            .after(json!({ "dry_run": dry_run }));
        let policy_id = policy.id;
        let id = self
            .database
            .transaction(move |c| {
                let (job, entry) = (job.clone(), entry.clone());
                Box::pin(async move {
                    let id = job.enqueue(c).await?.id();
                    let new = NewExecution {
                        id,
                        policy_id,
                        dry_run,
                        cause: Cause::Manual.as_str().to_owned(),
                        created_at: clock::now(),
                    };
                    retention::create_execution(c, &new).await?;
                    entry.write(c).await?;
                    Ok(id)
                })
            })
            .await?;
        self.wake_jobs();
        Ok(id)
    }

    /// Ends an execution where it stands.
    pub async fn stop_retention(
        &self,
        permit: &Permit<right::Operate, Project>,
        policy: &Policy,
        execution: i64,
    ) -> Result<()> {
        self.execution_of(policy, execution).await?;
        let caller = permit.caller();
        let message = format!("stopped by {}", caller.name().unwrap_or("anonymous"));
        let entry =
            entry(caller, "stop", permit.project(), policy.id).after(json!({ "execution": execution }));
        self.database
            .transaction(move |c| {
                let (message, entry) = (message.clone(), entry.clone());
                Box::pin(async move {
                    job::stop(c, execution, &message).await?;
                    entry.write(c).await
                })
            })
            .await?;
        Ok(())
    }

    /// A page of a policy's executions, the newest first, and how many there are.
    pub async fn list_retention_executions(
        &self,
        _: &Permit<right::List, Project>,
        policy: &Policy,
        window: Window<i64>,
    ) -> Result<(Vec<Execution>, i64)> {
        let mut c = self.database.connect().await?;
        let executions = retention::list_executions(&mut c, policy.id, window).await?;
        Ok((executions, retention::count_executions(&mut c, policy.id).await?))
    }

    /// A page of what became of each repository, and how many there are.
    pub async fn list_retention_tasks(
        &self,
        _: &Permit<right::List, Project>,
        policy: &Policy,
        execution: i64,
        window: Window<i64>,
    ) -> Result<(Vec<Task>, i64)> {
        self.execution_of(policy, execution).await?;
        let mut c = self.database.connect().await?;
        let tasks = retention::list_tasks(&mut c, execution, window).await?;
        Ok((tasks, retention::count_tasks(&mut c, execution).await?))
    }

    /// What was decided about every artifact of a repository.
    pub async fn get_retention_decisions(
        &self,
        _: &Permit<right::Read, Project>,
        policy: &Policy,
        execution: i64,
        task: i64,
    ) -> Result<(Task, Vec<Decision>)> {
        self.execution_of(policy, execution).await?;
        let mut c = self.database.connect().await?;
        let found = retention::find_task(&mut c, execution, task).await?;
        let decisions = retention::find_decisions(&mut c, execution, task).await?;
        let (Some(found), Some(text)) = (found, decisions) else {
            return Err(Error::unknown(
                ErrorCode::NameUnknown,
                format!("the execution {execution} has no task with the id {task}"),
            ));
        };
        let decisions = serde_json::from_str(&text)
            .map_err(|error| Error::internal("what retention has decided cannot be read", error))?;
        Ok((found, decisions))
    }

    async fn execution_of(&self, policy: &Policy, execution: i64) -> Result<Execution> {
        let mut c = self.database.connect().await?;
        retention::find_execution(&mut c, policy.id, execution).await?.ok_or_else(|| {
            Error::unknown(
                ErrorCode::NameUnknown,
                format!("the retention policy {} has no execution with the id {execution}", policy.id),
            )
        })
    }
}

pub(super) fn read(row: retention::Policy) -> Result<Policy> {
    let wanted = serde_json::from_str(&row.body)
        .map_err(|error| Error::internal(format!("the retention policy {} is damaged", row.id), error))?;
    Ok(Policy { id: row.id, project_id: row.project_id, wanted })
}

/// Whether the policy makes sense, and when it is applied.
fn check(wanted: &WantedPolicy) -> Result<Option<When>> {
    if wanted.rules.len() > MOST_RULES {
        return Err(Error::bad_request(format!("a retention policy has at most {MOST_RULES} rules")));
    }
    for (index, rule) in wanted.rules.iter().enumerate() {
        if wanted.rules[..index].contains(rule) {
            return Err(Error::conflict(format!(
                "rule {} of the retention policy is there twice",
                index + 1
            )));
        }
    }
    Plan::compile(&wanted.rules)?;
    match wanted.cron.trim() {
        "" => Ok(None),
        cron => When::parse(cron, &wanted.time_zone).map(Some),
    }
}

fn written(wanted: &WantedPolicy) -> Result<String> {
    serde_json::to_string(wanted)
        .map_err(|error| Error::internal("the retention policy cannot be written down", error))
}

/// Has the policy applied by itself from now on, or no longer.
async fn plan(
    c: &mut Connection,
    caller: &Caller,
    id: i64,
    when: Option<&When>,
) -> Result<(), hythe_metadata::Error> {
    let (kind, key) = (jobs::Kind::Retention, id.to_string());
    match when {
        Some(when) => {
            let payload = json!(Payload { policy: id, dry_run: false });
            Registry::put_schedule(c, caller, kind, &key, when, &payload).await.map(|_| ())
        }
        None => Registry::delete_schedule(c, caller, kind, &key).await.map(|_| ()),
    }
}

fn entry(caller: &Caller, operation: &str, project: &Project, policy: i64) -> Entry {
    Entry::new(caller, operation, "retention", format!("{}/{policy}", project.name)).in_project(project.id)
}

fn or_taken(error: hythe_metadata::Error, project: &Project) -> Error {
    match error {
        hythe_metadata::Error::Conflict { .. } => Error::bad_request(format!(
            "project {} has a retention policy; its metadata {RETENTION_ID} names it, change that one",
            project.name
        )),
        other => other.into(),
    }
}

fn unknown(id: i64) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no retention policy with the id {id}"))
}

fn refusal(caller: &Caller, id: i64) -> Error {
    if caller.is_anonymous() {
        return Error::unauthenticated(format!("sign in to use the retention policy {id}"));
    }
    Error::forbidden(format!(
        "{} may not use the retention policy {id}; a maintainer of its project may",
        caller.described()
    ))
}
