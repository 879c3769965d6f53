//! Events: the outbox. What happened is written in the transaction in which it did, and goes in the transaction that
//! makes the jobs that follow from it: none is lost between the two and none is acted upon that was undone.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::Result;
use crate::ids::Micros;

/// A row of `event`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number; two transactions may commit theirs in another order.
    pub id: i64,
    /// What happened.
    pub kind: String,
    /// To what, JSON.
    pub payload: String,
    /// When.
    pub at: Micros,
}

/// Says that something happened, within the transaction in which it did.
pub async fn create(c: &mut Connection, kind: &str, payload: &str, at: Micros) -> Result<()> {
    c.execute(&CREATE, &[kind.into(), payload.into(), at.into()]).await.map(|_| ())
}

/// Takes the oldest events that no other transaction is taking; they are back if this transaction is undone.
pub async fn take(c: &mut Connection, limit: u32) -> Result<Vec<Event>> {
    let mut events: Vec<Event> = c.query(&TAKE, &[limit.into()]).await?;
    events.sort_by_key(|event| event.id);
    Ok(events)
}

impl FromRow for Event {
    fn from_row(row: &mut Row) -> Result<Event> {
        Ok(Event {
            id: row.take("id")?,
            kind: row.take("kind")?,
            payload: row.take("payload")?,
            at: row.take("at")?,
        })
    }
}

statements! { "event";
    CREATE = "INSERT INTO event (kind, payload, at) VALUES ($1, $2, $3)";
    TAKE = {
        sqlite: "DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT $1)
            RETURNING id, kind, payload, at",
        postgres: "DELETE FROM event WHERE id IN (SELECT id FROM event ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
            RETURNING id, kind, payload, at",
    };
}
