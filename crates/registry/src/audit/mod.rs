//! The audit log: who did what, through what, from where, and with what result. An event is written in the transaction
//! of the change it tells of, so there is never one without the other.

mod forward;
pub mod purge;
mod seals;
mod search;

use hythe_metadata::audit::NewEvent;
use hythe_metadata::{Connection, audit};
use serde_json::Value;

pub use seals::{Flaw, Verified};
pub use search::EVENT_TYPES;

use crate::access::Caller;
use crate::clock;
use crate::configuration::is_left_out;

/// What JSON of one side may be at most; the rest is not worth a row.
const LARGEST_SIDE: usize = 16 * 1024;

/// An event on its way into the log.
#[derive(Clone, Debug)]
pub(crate) struct Entry(NewEvent);

impl Entry {
    /// `operation` on `resource` of a kind, as Harbor's words have it: `create` a `project`.
    pub(crate) fn new(
        caller: &Caller,
        operation: &str,
        resource_type: &str,
        resource: impl ToString,
    ) -> Entry {
        let resource = resource.to_string();
        Entry(NewEvent {
            at: clock::now(),
            actor: caller.name().unwrap_or("anonymous").to_owned(),
            actor_kind: caller.kind().to_owned(),
            through: caller.through.to_string(),
            address: caller.origin.address.clone(),
            user_agent: caller.origin.user_agent.clone(),
            request_id: caller.origin.request_id.clone(),
            project_id: None,
            resource_type: resource_type.to_owned(),
            description: format!("{operation} {resource_type} {resource}"),
            resource,
            operation: operation.to_owned(),
            before: None,
            after: None,
            succeeded: true,
        })
    }

    /// The project it concerns.
    pub(crate) fn in_project(mut self, id: i64) -> Entry {
        self.0.project_id = Some(id);
        self
    }

    /// The project it concerns, if it concerns one.
    pub(crate) fn in_project_if(mut self, id: Option<i64>) -> Entry {
        self.0.project_id = id;
        self
    }

    /// What it was. Never a secret.
    pub(crate) fn before(mut self, value: Value) -> Entry {
        self.0.before = bounded(&value);
        self
    }

    /// What it is now. Never a secret.
    pub(crate) fn after(mut self, value: Value) -> Entry {
        self.0.after = bounded(&value);
        self
    }

    /// Somebody else than the caller did it: a sign-in is its user's.
    pub(crate) fn by(mut self, actor: &str, kind: &str) -> Entry {
        self.0.actor = actor.chars().take(255).collect();
        self.0.actor_kind = kind.to_owned();
        self
    }

    /// It was refused, for this reason.
    pub(crate) fn refused(mut self, reason: &str) -> Entry {
        self.0.succeeded = false;
        self.0.description = format!("{}: {reason}", self.0.description);
        self
    }

    /// Writes it, unless events of its type are left out.
    pub(crate) async fn write(&self, c: &mut Connection) -> Result<(), hythe_metadata::Error> {
        if is_left_out(c, &format!("{}_{}", self.0.operation, self.0.resource_type)).await? {
            return Ok(());
        }
        audit::create(c, &self.0).await.map(|_| ())
    }
}

fn bounded(value: &Value) -> Option<String> {
    let text = value.to_string();
    (text.len() <= LARGEST_SIDE).then_some(text)
}
