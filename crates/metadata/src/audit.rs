//! The audit log: what was done, and the seals that chain its rows.
//!
//! A row is written in the transaction of the change and sealed some moments later, in batches, so that changes do not
//! wait for one another at the end of one chain.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::{Micros, ProjectId};

/// An event to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// When.
    pub at: Micros,
    /// Who: a user's or robot's name, `anonymous` or `operator`.
    pub actor: String,
    /// `user`, `robot`, `anonymous` or `operator`.
    pub actor_kind: String,
    /// By what credential.
    pub through: String,
    /// From which address.
    pub address: String,
    /// What the client called itself.
    pub user_agent: String,
    /// The request's id.
    pub request_id: String,
    /// The project it concerns.
    pub project_id: Option<ProjectId>,
    /// What kind of thing: `project`, `member`, `artifact`, …
    pub resource_type: String,
    /// Which one.
    pub resource: String,
    /// What was done: `create`, `update`, `delete`, `login`, …
    pub operation: String,
    /// One line for a person.
    pub description: String,
    /// What it was before, JSON.
    pub before: Option<String>,
    /// What it is after, JSON.
    pub after: Option<String>,
    /// Whether it was done, or refused.
    pub succeeded: bool,
}

/// A row of `audit_event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub id: i64,
    /// What happened.
    pub event: NewEvent,
    /// The seal it is under; none for some moments.
    pub seal: Option<i64>,
}

/// Which events to list, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this project.
    pub project_id: Option<ProjectId>,
    /// Done by this one.
    pub actor: Option<String>,
    /// About this kind of thing.
    pub resource_type: Option<String>,
    /// About this one.
    pub resource: Option<String>,
    /// Doing this.
    pub operation: Option<String>,
    /// With this result.
    pub succeeded: Option<bool>,
    /// Not before.
    pub from: Option<Micros>,
    /// Not after.
    pub until: Option<Micros>,
}

/// A row of `audit_seal`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// Its number, from 1 without gaps.
    pub number: i64,
    /// When.
    pub at: Micros,
    /// How many events it is over.
    pub events: i64,
    /// The least of their ids.
    pub first_event: i64,
    /// The largest of their ids.
    pub last_event: i64,
    /// The hash of the seal before.
    pub previous: Vec<u8>,
    /// Over all of the above and the events.
    pub hash: Vec<u8>,
    /// When its events were removed because of their age.
    pub purged_at: Option<Micros>,
}

/// Writes an event.
pub async fn create(c: &mut Connection, event: &NewEvent) -> Result<i64> {
    let arguments = [
        event.at.into(),
        (&event.actor).into(),
        (&event.actor_kind).into(),
        (&event.through).into(),
        (&event.address).into(),
        (&event.user_agent).into(),
        (&event.request_id).into(),
        event.project_id.into(),
        (&event.resource_type).into(),
        (&event.resource).into(),
        (&event.operation).into(),
        (&event.description).into(),
        event.before.as_ref().into(),
        event.after.as_ref().into(),
        event.succeeded.into(),
    ];
    c.query_one(&CREATE, &arguments).await
}

/// A page of events with ids below `before`, the newest first.
pub async fn list(
    c: &mut Connection,
    filter: &Filter,
    before: i64,
    skip: u32,
    limit: u32,
) -> Result<Vec<Event>> {
    let mut arguments = filter.arguments();
    arguments.extend([before.into(), limit.into(), skip.into()]);
    match (filter.project_id, &filter.actor) {
        (Some(_), _) => c.query(&LIST_OF_PROJECT, &arguments).await,
        (None, Some(_)) => c.query(&LIST_OF_ACTOR, &arguments).await,
        (None, None) => c.query(&LIST, &arguments).await,
    }
}

/// How many events the filter lets through, counted up to `most`.
pub async fn count(c: &mut Connection, filter: &Filter, most: i64) -> Result<i64> {
    let mut arguments = filter.arguments();
    arguments.push(most.into());
    match (filter.project_id, &filter.actor) {
        (Some(_), _) => c.query_one(&COUNT_OF_PROJECT, &arguments).await,
        (None, Some(_)) => c.query_one(&COUNT_OF_ACTOR, &arguments).await,
        (None, None) => c.query_one(&COUNT, &arguments).await,
    }
}

/// A page of sealed events in the order of their seals, those after this seal and id.
pub async fn list_sealed(c: &mut Connection, after: (i64, i64), limit: u32) -> Result<Vec<Event>> {
    c.query(&LIST_SEALED, &[after.0.into(), after.1.into(), limit.into()]).await
}

/// Events behind `after` that no seal is over yet, by id.
pub async fn list_unsealed(c: &mut Connection, after: i64, limit: u32) -> Result<Vec<Event>> {
    c.query(&LIST_UNSEALED, &[after.into(), limit.into()]).await
}

/// The events of a seal, by id.
pub async fn list_of_seal(c: &mut Connection, number: i64) -> Result<Vec<Event>> {
    c.query(&LIST_OF_SEAL, &[number.into()]).await
}

/// Puts unsealed events under a seal. Within one transaction with [`create_seal`].
pub async fn seal(c: &mut Connection, number: i64, ids: &[i64]) -> Result<u64> {
    c.execute(&SEAL, &[number.into(), crate::database::value::list(ids)]).await
}

/// Writes a seal; false if there is one of this number.
pub async fn create_seal(c: &mut Connection, seal: &Seal) -> Result<bool> {
    let arguments = [
        seal.number.into(),
        seal.at.into(),
        seal.events.into(),
        seal.first_event.into(),
        seal.last_event.into(),
        (&seal.previous).into(),
        (&seal.hash).into(),
    ];
    c.changes(&CREATE_SEAL, &arguments).await
}

/// The newest seal.
pub async fn last_seal(c: &mut Connection) -> Result<Option<Seal>> {
    c.query_optional(&LAST_SEAL, &[]).await
}

/// A page of seals in their order, those after `after`.
pub async fn list_seals(c: &mut Connection, after: i64, limit: u32) -> Result<Vec<Seal>> {
    c.query(&LIST_SEALS, &[after.into(), limit.into()]).await
}

/// The seal before the first one that has events. Seals stay when their events go, and there is one a second: whoever looks
/// for events begins behind this one.
pub async fn last_emptied(c: &mut Connection) -> Result<i64> {
    c.query_one(&LAST_EMPTIED, &[]).await
}

/// The next seals behind `after`, in order, all of whose events are of before then and not all removed.
pub async fn list_purgeable(c: &mut Connection, before: Micros, after: i64, limit: u32) -> Result<Vec<Seal>> {
    c.query(&LIST_PURGEABLE, &[before.into(), after.into(), limit.into()]).await
}

/// Removes the events of a seal that are of one of these types, or all of them if there is no type, and keeps the seal;
/// how many events went. What is left of them is not verified any more. A type is `operation_resource-type`, an
/// operation alone, or `other` for all but the making, deleting and pulling of artifacts.
pub async fn purge(c: &mut Connection, number: i64, types: &[String], now: Micros) -> Result<u64> {
    let removed = c.execute(&PURGE, &[number.into(), wanted(types)]).await?;
    if removed > 0 {
        c.execute(&MARK_PURGED, &[number.into(), now.into()]).await?;
    }
    Ok(removed)
}

/// How many events [`purge`] would remove from the seals of before then.
pub async fn count_purgeable(c: &mut Connection, before: Micros, types: &[String]) -> Result<i64> {
    c.query_one(&COUNT_PURGEABLE, &[before.into(), wanted(types)]).await
}

fn wanted(types: &[String]) -> crate::database::value::Value<'static> {
    (!types.is_empty()).then(|| crate::database::value::list(types)).into()
}

impl Filter {
    fn arguments(&self) -> Vec<crate::database::value::Value<'_>> {
        vec![
            self.project_id.into(),
            self.actor.as_ref().into(),
            self.resource_type.as_ref().into(),
            self.resource.as_ref().into(),
            self.operation.as_ref().into(),
            self.succeeded.into(),
            self.from.into(),
            self.until.into(),
        ]
    }
}

impl FromRow for Event {
    fn from_row(row: &mut Row) -> Result<Event> {
        Ok(Event {
            id: row.take("id")?,
            event: NewEvent {
                at: row.take("at")?,
                actor: row.take("actor")?,
                actor_kind: row.take("actor_kind")?,
                through: row.take("through")?,
                address: row.take("address")?,
                user_agent: row.take("user_agent")?,
                request_id: row.take("request_id")?,
                project_id: row.take("project_id")?,
                resource_type: row.take("resource_type")?,
                resource: row.take("resource")?,
                operation: row.take("operation")?,
                description: row.take("description")?,
                before: row.take("before")?,
                after: row.take("after")?,
                succeeded: row.take("succeeded")?,
            },
            seal: row.take("seal")?,
        })
    }
}

impl FromRow for Seal {
    fn from_row(row: &mut Row) -> Result<Seal> {
        Ok(Seal {
            number: row.take("number")?,
            at: row.take("at")?,
            events: row.take("events")?,
            first_event: row.take("first_event")?,
            last_event: row.take("last_event")?,
            previous: row.take("previous")?,
            hash: row.take("hash")?,
            purged_at: row.take("purged_at")?,
        })
    }
}

macro_rules! select {
    () => {
        "SELECT id, at, actor, actor_kind, through, address, user_agent, request_id, project_id, resource_type,
            resource, operation, description, before, after, succeeded, seal FROM audit_event "
    };
}

macro_rules! filter {
    () => {
        "AND (CAST($3 AS TEXT) IS NULL OR resource_type = $3) AND (CAST($4 AS TEXT) IS NULL OR resource = $4)
            AND (CAST($5 AS TEXT) IS NULL OR operation = $5)
            AND (CAST($6 AS BOOLEAN) IS NULL OR succeeded = $6)
            AND (CAST($7 AS BIGINT) IS NULL OR at >= $7) AND (CAST($8 AS BIGINT) IS NULL OR at <= $8) "
    };
}

// The arguments are the same for all; those that a statement leads with are used, the other one is null.
macro_rules! of_project {
    () => {
        "WHERE project_id = $1 AND (CAST($2 AS TEXT) IS NULL OR actor = $2) "
    };
}
macro_rules! of_actor {
    () => {
        "WHERE actor = $2 AND CAST($1 AS BIGINT) IS NULL "
    };
}
macro_rules! of_all {
    () => {
        "WHERE CAST($1 AS BIGINT) IS NULL AND CAST($2 AS TEXT) IS NULL "
    };
}

macro_rules! seals {
    () => {
        "SELECT number, at, events, first_event, last_event, previous, hash, purged_at FROM audit_seal "
    };
}

macro_rules! of_types {
    ($types:literal) => {
        concat!(
            " AND (CAST($2 AS TEXT) IS NULL OR operation IN ",
            $types,
            " OR operation || '_' || resource_type IN ",
            $types,
            " OR ('other' IN ",
            $types,
            " AND operation || '_' || resource_type
                NOT IN ('create_artifact', 'delete_artifact', 'pull_artifact')))"
        )
    };
}

statements! { "audit";
    CREATE = "INSERT INTO audit_event (at, actor, actor_kind, through, address, user_agent, request_id, project_id,
            resource_type, resource, operation, description, before, after, succeeded)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING id AS value";
    LIST = (select!(), of_all!(), filter!(), "AND id < $9 ORDER BY id DESC LIMIT $10 OFFSET $11");
    LIST_OF_PROJECT = (select!(), of_project!(), filter!(), "AND id < $9 ORDER BY id DESC LIMIT $10 OFFSET $11");
    LIST_OF_ACTOR = (select!(), of_actor!(), filter!(), "AND id < $9 ORDER BY id DESC LIMIT $10 OFFSET $11");
    COUNT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM audit_event ", of_all!(), filter!(), "LIMIT $9) counted");
    COUNT_OF_PROJECT = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM audit_event ", of_project!(), filter!(),
        "LIMIT $9) counted");
    COUNT_OF_ACTOR = ("SELECT COUNT(*) AS value FROM (SELECT 1 FROM audit_event ", of_actor!(), filter!(),
        "LIMIT $9) counted");
    LIST_SEALED = (select!(), "WHERE seal IS NOT NULL AND (seal, id) > ($1, $2) ORDER BY seal, id LIMIT $3");
    LIST_UNSEALED = (select!(), "WHERE seal IS NULL AND id > $1 ORDER BY id LIMIT $2");
    LIST_OF_SEAL = (select!(), "WHERE seal = $1 ORDER BY id");
    SEAL = {
        sqlite: "UPDATE audit_event SET seal = $1
            WHERE seal IS NULL AND id IN (SELECT CAST(value AS INTEGER) FROM json_each($2))",
        postgres: "UPDATE audit_event SET seal = $1 WHERE seal IS NULL
            AND id = ANY (ARRAY(SELECT CAST(jsonb_array_elements_text($2::text::jsonb) AS BIGINT)))",
    };
    CREATE_SEAL = "INSERT INTO audit_seal (number, at, events, first_event, last_event, previous, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    LAST_SEAL = (seals!(), "ORDER BY number DESC LIMIT 1");
    LIST_SEALS = (seals!(), "WHERE number > $1 ORDER BY number LIMIT $2");
    LAST_EMPTIED = "SELECT COALESCE(MIN(seal), 1) - 1 AS value FROM audit_event WHERE seal IS NOT NULL";
    LIST_PURGEABLE = (seals!(), "WHERE at < $1 AND number > $2
        AND EXISTS (SELECT 1 FROM audit_event e WHERE e.seal = number) ORDER BY number LIMIT $3");
    MARK_PURGED = "UPDATE audit_seal SET purged_at = $2 WHERE number = $1";
    PURGE = {
        sqlite: ("DELETE FROM audit_event WHERE seal = $1", of_types!("(SELECT value FROM json_each($2))")),
        postgres: ("DELETE FROM audit_event WHERE seal = $1",
            of_types!("(SELECT jsonb_array_elements_text($2::text::jsonb))")),
    };
    COUNT_PURGEABLE = {
        sqlite: ("SELECT COUNT(*) AS value FROM audit_event
            WHERE seal IN (SELECT number FROM audit_seal WHERE audit_seal.at < $1)",
            of_types!("(SELECT value FROM json_each($2))")),
        postgres: ("SELECT COUNT(*) AS value FROM audit_event
            WHERE seal IN (SELECT number FROM audit_seal WHERE audit_seal.at < $1)",
            of_types!("(SELECT jsonb_array_elements_text($2::text::jsonb))")),
    };
}
