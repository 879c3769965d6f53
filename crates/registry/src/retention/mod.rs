//! Retention: a policy of a project says which artifacts are kept; what no rule keeps is deleted, by schedule or when
//! somebody asks, and a dry run tells beforehand which rule decides about every tag.

mod manage;
mod reasons;
mod rules;
mod run;

use serde::{Deserialize, Serialize};

pub use reasons::Reason;
pub use rules::{Decision, Plan, Rule, Verdict};

/// Rules of one policy, as in Harbor.
pub const MOST_RULES: usize = 15;

/// What is kept, and when what is not kept is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedPolicy {
    /// What is kept.
    pub rules: Vec<Rule>,
    /// When the rules are applied, a cron expression; empty for when somebody asks only.
    pub cron: String,
    /// The IANA's name of the zone that the cron expression is in; empty for UTC.
    #[serde(default)]
    pub time_zone: String,
}

/// A policy that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: i64,
    /// The id of its project.
    pub project_id: i64,
    /// The rest.
    pub wanted: WantedPolicy,
}

/// What a job needs to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Payload {
    policy: i64,
    dry_run: bool,
}
