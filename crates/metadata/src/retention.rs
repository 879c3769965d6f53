//! Retention: the policies of projects, and what became of their executions. The rules are JSON that the registry reads.

use hythe_oci::name::RepositoryName;

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::{Micros, ProjectId};
use crate::job::State;
use crate::window::Window;

/// Executions of a policy that are kept.
const KEPT: u32 = 100;

/// A row of `retention_policy`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: i64,
    /// The project that it is for.
    pub project_id: ProjectId,
    /// The rules and when they are applied, JSON.
    pub body: String,
}

/// An execution to be written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExecution {
    /// The number of its job.
    pub id: i64,
    /// The policy.
    pub policy_id: i64,
    /// Whether nothing is deleted.
    pub dry_run: bool,
    /// `manual` or `schedule`.
    pub cause: String,
    /// Now.
    pub created_at: Micros,
}

/// A row of `retention_execution`, with how its job goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// Its id, the number of its job.
    pub id: i64,
    /// The policy.
    pub policy_id: i64,
    /// Whether nothing is deleted.
    pub dry_run: bool,
    /// `manual` or `schedule`.
    pub cause: String,
    /// Where it stands.
    pub state: State,
    /// When it was asked for.
    pub created_at: Micros,
    /// When it ended.
    pub finished_at: Option<Micros>,
}

/// What became of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// The execution.
    pub execution_id: i64,
    /// The repository's whole name.
    pub repository: RepositoryName,
    /// Artifacts that were looked at.
    pub total: u64,
    /// Those of them that are kept.
    pub retained: u64,
    /// Those of them that could not be deleted.
    pub failed: u64,
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Micros,
    /// Of every artifact what was decided and why, JSON.
    pub decisions: String,
}

/// A row of `retention_task`, without its decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its id.
    pub id: i64,
    /// The execution.
    pub execution_id: i64,
    /// The repository's whole name.
    pub repository: RepositoryName,
    /// Artifacts that were looked at.
    pub total: u64,
    /// Those of them that are kept.
    pub retained: u64,
    /// Those of them that could not be deleted.
    pub failed: u64,
    /// When it began.
    pub started_at: Micros,
    /// When it ended.
    pub finished_at: Micros,
}

/// Makes a policy and tells its id. [`Error::Conflict`] if the project has one.
pub async fn create(c: &mut Connection, project_id: ProjectId, body: &str, now: Micros) -> Result<i64> {
    let made = c.query_optional(&CREATE, &[project_id.into(), body.into(), now.into()]).await?;
    made.ok_or_else(|| Error::Conflict { what: format!("project {project_id} has a retention policy") })
}

/// The policy of this id.
pub async fn find(c: &mut Connection, id: i64) -> Result<Option<Policy>> {
    c.query_optional(&FIND, &[id.into()]).await
}

/// The policy of a project.
pub async fn find_of_project(c: &mut Connection, project_id: ProjectId) -> Result<Option<Policy>> {
    c.query_optional(&FIND_OF_PROJECT, &[project_id.into()]).await
}

/// Changes a policy; false if it does not exist.
pub async fn update(c: &mut Connection, id: i64, body: &str, now: Micros) -> Result<bool> {
    c.changes(&UPDATE, &[id.into(), body.into(), now.into()]).await
}

/// Deletes a policy with its executions; false if it does not exist.
pub async fn delete(c: &mut Connection, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[id.into()]).await
}

/// Writes an execution down, once; of older ones the newest 100 of the policy stay.
pub async fn create_execution(c: &mut Connection, new: &NewExecution) -> Result<()> {
    let arguments =
        [new.id.into(), new.policy_id.into(), new.dry_run.into(), (&new.cause).into(), new.created_at.into()];
    if c.changes(&CREATE_EXECUTION, &arguments).await? {
        c.execute(&PRUNE_EXECUTIONS, &[new.policy_id.into(), KEPT.into()]).await?;
    }
    Ok(())
}

/// Says that an execution has come to its end.
pub async fn finish_execution(c: &mut Connection, id: i64, now: Micros) -> Result<bool> {
    c.changes(&FINISH_EXECUTION, &[id.into(), now.into()]).await
}

/// The execution of this id, if it is one of the policy.
pub async fn find_execution(c: &mut Connection, policy_id: i64, id: i64) -> Result<Option<Execution>> {
    c.query_optional(&FIND_EXECUTION, &[policy_id.into(), id.into()]).await
}

/// A page of a policy's executions, the newest first, before the one with the id `window.after`.
pub async fn list_executions(
    c: &mut Connection,
    policy_id: i64,
    window: Window<i64>,
) -> Result<Vec<Execution>> {
    let arguments = [policy_id.into(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST_EXECUTIONS, &arguments).await
}

/// How many executions of a policy are kept.
pub async fn count_executions(c: &mut Connection, policy_id: i64) -> Result<i64> {
    c.query_one(&COUNT_EXECUTIONS, &[policy_id.into()]).await
}

/// Writes down what became of a repository, in place of what an earlier attempt at the same execution has written.
pub async fn put_task(c: &mut Connection, new: &NewTask) -> Result<()> {
    let arguments = [
        new.execution_id.into(),
        (&new.repository).into(),
        new.total.into(),
        new.retained.into(),
        new.failed.into(),
        new.started_at.into(),
        new.finished_at.into(),
        (&new.decisions).into(),
    ];
    c.execute(&PUT_TASK, &arguments).await.map(|_| ())
}

/// A page of an execution's tasks in the order of their ids, after the id `window.after`.
pub async fn list_tasks(c: &mut Connection, execution_id: i64, window: Window<i64>) -> Result<Vec<Task>> {
    let arguments = [execution_id.into(), window.after.into(), window.limit.into(), window.skip.into()];
    c.query(&LIST_TASKS, &arguments).await
}

/// How many tasks an execution has.
pub async fn count_tasks(c: &mut Connection, execution_id: i64) -> Result<i64> {
    c.query_one(&COUNT_TASKS, &[execution_id.into()]).await
}

/// The task of this id, if it is one of the execution.
pub async fn find_task(c: &mut Connection, execution_id: i64, id: i64) -> Result<Option<Task>> {
    c.query_optional(&FIND_TASK, &[execution_id.into(), id.into()]).await
}

/// What was decided in a task, JSON.
pub async fn find_decisions(c: &mut Connection, execution_id: i64, id: i64) -> Result<Option<String>> {
    c.query_optional(&FIND_DECISIONS, &[execution_id.into(), id.into()]).await
}

impl FromRow for Policy {
    fn from_row(row: &mut Row) -> Result<Policy> {
        Ok(Policy { id: row.take("id")?, project_id: row.take("project_id")?, body: row.take("body")? })
    }
}

impl FromRow for Execution {
    fn from_row(row: &mut Row) -> Result<Execution> {
        Ok(Execution {
            id: row.take("id")?,
            policy_id: row.take("policy_id")?,
            dry_run: row.take("dry_run")?,
            cause: row.take("cause")?,
            state: row.take("state")?,
            created_at: row.take("created_at")?,
            finished_at: row.take("finished_at")?,
        })
    }
}

impl FromRow for Task {
    fn from_row(row: &mut Row) -> Result<Task> {
        Ok(Task {
            id: row.take("id")?,
            execution_id: row.take("execution_id")?,
            repository: row.take("repository")?,
            total: row.take("total")?,
            retained: row.take("retained")?,
            failed: row.take("failed")?,
            started_at: row.take("started_at")?,
            finished_at: row.take("finished_at")?,
        })
    }
}

/// A job whose row is gone has ended long ago; what it did not finish has failed.
macro_rules! execution {
    () => {
        "SELECT e.id, e.policy_id, e.dry_run, e.cause,
            COALESCE(j.state, CASE WHEN e.finished_at IS NULL THEN 'failed' ELSE 'succeeded' END) AS state,
            e.created_at, COALESCE(j.finished_at, e.finished_at) AS finished_at
        FROM retention_execution e LEFT JOIN job j ON j.id = e.id WHERE e.policy_id = $1 AND "
    };
}

macro_rules! task {
    () => {
        "SELECT id, execution_id, repository, total, retained, failed, started_at, finished_at FROM retention_task
        WHERE execution_id = $1 AND "
    };
}

statements! { "retention";
    CREATE = "INSERT INTO retention_policy (project_id, body, created_at, updated_at) VALUES ($1, $2, $3, $3)
        ON CONFLICT DO NOTHING RETURNING id AS value";
    FIND = "SELECT id, project_id, body FROM retention_policy WHERE id = $1";
    FIND_OF_PROJECT = "SELECT id, project_id, body FROM retention_policy WHERE project_id = $1";
    UPDATE = "UPDATE retention_policy SET body = $2, updated_at = $3 WHERE id = $1";
    DELETE = "DELETE FROM retention_policy WHERE id = $1";
    CREATE_EXECUTION = "INSERT INTO retention_execution (id, policy_id, dry_run, cause, created_at)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    PRUNE_EXECUTIONS = "DELETE FROM retention_execution WHERE policy_id = $1 AND id NOT IN
        (SELECT k.id FROM retention_execution k WHERE k.policy_id = $1 ORDER BY k.id DESC LIMIT $2)";
    FINISH_EXECUTION = "UPDATE retention_execution SET finished_at = $2 WHERE id = $1";
    FIND_EXECUTION = (execution!(), "e.id = $2");
    LIST_EXECUTIONS = (execution!(), "e.id < $2 ORDER BY e.id DESC LIMIT $3 OFFSET $4");
    COUNT_EXECUTIONS = "SELECT COUNT(*) AS value FROM retention_execution WHERE policy_id = $1";
    PUT_TASK = "INSERT INTO retention_task (execution_id, repository, total, retained, failed, started_at, finished_at,
            decisions)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (execution_id, repository)
        DO UPDATE SET total = excluded.total, retained = excluded.retained, failed = excluded.failed,
            started_at = excluded.started_at, finished_at = excluded.finished_at, decisions = excluded.decisions";
    LIST_TASKS = (task!(), "id > $2 ORDER BY id LIMIT $3 OFFSET $4");
    COUNT_TASKS = "SELECT COUNT(*) AS value FROM retention_task WHERE execution_id = $1";
    FIND_TASK = (task!(), "id = $2");
    FIND_DECISIONS = "SELECT decisions AS value FROM retention_task WHERE execution_id = $1 AND id = $2";
}
