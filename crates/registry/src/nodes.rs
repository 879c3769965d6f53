//! Nodes: each writes every few seconds that it lives, what it carries and what it can reach, for `hythe nodes`.
//!
//! Nothing here decides who may do what: a lease does that. A node that cannot write its row serves on.

use std::time::Duration;

use hythe_metadata::Engine;
use hythe_metadata::node::{self, Beat, NodeRow};
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::access::system_rights::node as right;
use crate::access::{Everywhere, Permit};
use crate::clock::{self, Micros};
use crate::error::Result;
use crate::load::Load;

/// A node counts as lost when it has been silent for so many beats.
const BEATS_OF_PATIENCE: u32 = 4;
/// A node that was lost or stopped is forgotten after this.
const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// More nodes than anybody runs.
const AT_MOST: u32 = 1000;

/// This process among the nodes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its version, as `hythe version` prints it.
    pub version: String,
    /// Where it listens.
    pub addresses: Vec<String>,
}

/// What a node says of itself with each beat.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What it has under way.
    #[serde(default)]
    pub load: Load,
    /// What of it does jobs.
    #[serde(default)]
    pub jobs: Jobs,
    /// What it stands on.
    #[serde(default)]
    pub parts: Vec<Part>,
    /// The id of its key-encryption key, which all nodes should share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What of a node does jobs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jobs {
    /// Its process, as its machine numbers it.
    #[serde(default)]
    pub process: u32,
    /// How many it does at once.
    #[serde(default)]
    pub workers: usize,
}

/// A part that a node stands on: the database or the storage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What is wrong with it; nothing if all is well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// Since when it is as it is, microseconds since the epoch.
    pub since: Micros,
}

/// How a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It serves, and can reach what it needs.
    Serving,
    /// It lives and cannot reach something.
    Troubled,
    /// It has not shown itself for too long.
    Lost,
    /// It ended on purpose.
    Stopped,
}

impl State {
    /// The word for it in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Serving => "serving",
            State::Troubled => "troubled",
            State::Lost => "lost",
            State::Stopped => "stopped",
        }
    }
}

/// A node as an administrator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// One run of one process.
    pub id: String,
    /// What its operator calls it.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Where it listens.
    pub addresses: Vec<String>,
    /// How it is doing.
    pub state: State,
    /// When it began to serve.
    pub started_at: Micros,
    /// When it showed itself last.
    pub seen_at: Micros,
    /// Its clock minus the database's, in microseconds.
    pub clock_offset: Micros,
    /// What it said of itself then.
    pub report: Report,
    /// Whether it is the one that answers.
    pub here: bool,
}

impl Registry {
    /// How often this node writes that it lives: less often into a file, which has no other node to tell.
    pub fn beats_every(&self) -> Duration {
        match self.database.engine() {
            Engine::Sqlite => Duration::from_secs(30),
            Engine::Postgres => Duration::from_secs(5),
        }
    }

    /// What this node says of itself, standing on these parts.
    pub fn report(&self, parts: Vec<Part>) -> Report {
        let jobs = Jobs { process: std::process::id(), workers: self.options.jobs.workers };
        Report { load: self.load(), jobs, parts, key: self.secrets.key_id() }
    }

    /// Writes that this node lives, and sets the clock by the database's.
    pub async fn beat(&self, identity: &Identity, report: &Report) -> Result<()> {
        let beat = Beat {
            id: self.id.to_string(),
            name: self.options.node.clone(),
            version: identity.version.clone(),
            addresses: json(&identity.addresses),
            patience: clock::micros(self.beats_every() * BEATS_OF_PATIENCE),
            clock_offset: clock::offset(),
            report: json(report),
        };
        self.database
            .transaction(move |c| {
                let beat = beat.clone();
                Box::pin(async move { node::beat(c, &beat).await })
            })
            .await?;
        self.follow_clock().await
    }

    /// Writes that this node has ended on purpose.
    pub async fn leave(&self) -> Result<()> {
        let id = self.id.to_string();
        self.database
            .transaction(move |c| {
                let id = id.clone();
                Box::pin(async move { node::stop(c, &id).await })
            })
            .await?;
        Ok(())
    }

    /// Measures how far this machine's clock is from the database's, and goes by the database's from now on.
    pub async fn follow_clock(&self) -> Result<()> {
        let mut connection = self.database.connect().await?;
        Ok(clock::follow(async || connection.now().await).await?)
    }

    /// Every node that is there or was there lately.
    pub async fn list_nodes(&self, _permit: &Permit<right::List, Everywhere>) -> Result<Vec<Node>> {
        self.read_nodes().await
    }

    pub(crate) async fn read_nodes(&self) -> Result<Vec<Node>> {
        let mut connection = self.database.connect().await?;
        let now = connection.now().await?;
        let rows = node::list(&mut connection, AT_MOST).await?;
        Ok(rows.into_iter().map(|row| self.describe(row, now)).collect())
    }

    fn describe(&self, row: NodeRow, now: Micros) -> Node {
        // A row of another version may say more or less: what cannot be read is left out.
        let report: Report = serde_json::from_str(&row.report).unwrap_or_default();
        Node {
            state: state(&row, &report, now),
            here: row.id == self.id.to_string(),
            addresses: serde_json::from_str(&row.addresses).unwrap_or_default(),
            id: row.id,
            name: row.name,
            version: row.version,
            started_at: row.started_at,
            seen_at: row.seen_at,
            clock_offset: row.clock_offset,
            report,
        }
    }

    /// Forgets nodes that have been gone for long.
    pub(crate) async fn forget_gone_nodes(&self) -> Result<()> {
        self.database
            .transaction(move |c| {
                Box::pin(async move {
                    let before = c.now().await?.saturating_sub(clock::micros(REMEMBERED));
                    node::delete_gone(c, before).await
                })
            })
            .await?;
        Ok(())
    }
}

fn state(row: &NodeRow, report: &Report, now: Micros) -> State {
    if row.stopped_at > 0 {
        State::Stopped
    } else if row.expected_at < now {
        State::Lost
    } else if report.parts.iter().any(|part| part.trouble.is_some()) {
        State::Troubled
    } else {
        State::Serving
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_says_more_than_the_last_words() {
        let row = NodeRow {
            id: "a".to_owned(),
            name: "one".to_owned(),
            version: "1".to_owned(),
            addresses: "[]".to_owned(),
            started_at: 1,
            seen_at: 10,
            expected_at: 20,
            stopped_at: 0,
            clock_offset: 0,
            report: String::new(),
        };
        let part = |trouble: Option<&str>| Part {
            name: "storage".to_owned(),
            trouble: trouble.map(str::to_owned),
            since: 1,
        };
        let (well, ill) = (
            Report { parts: vec![part(None)], ..Report::default() },
            Report { parts: vec![part(None), part(Some("gone"))], ..Report::default() },
        );
        assert_eq!(state(&row, &well, 20), State::Serving);
        assert_eq!(state(&row, &ill, 20), State::Troubled);
        assert_eq!(state(&row, &ill, 21), State::Lost);
        assert_eq!(state(&NodeRow { stopped_at: 15, ..row }, &ill, 21), State::Stopped);
    }
}
