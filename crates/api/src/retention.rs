//! Retention: which artifacts of a project are kept, in Harbor's shapes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::selector::{Selector, or_default};

/// What is kept, and when the rest is deleted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct RetentionPolicy {
    /// Its id.
    #[serde(default, deserialize_with = "or_default")]
    pub id: i64,
    /// `or`: an artifact is kept if any rule keeps it.
    #[serde(default, deserialize_with = "or_default")]
    pub algorithm: String,
    /// The rules.
    #[serde(default, deserialize_with = "or_default")]
    pub rules: Vec<RetentionRule>,
    /// When the rules are applied by themselves.
    #[serde(default, deserialize_with = "or_default")]
    pub trigger: RetentionRuleTrigger,
    /// The project.
    #[serde(default, deserialize_with = "or_default")]
    pub scope: RetentionPolicyScope,
}

/// When a policy is applied by itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct RetentionRuleTrigger {
    /// `Schedule`.
    #[serde(default, deserialize_with = "or_default")]
    pub kind: String,
    /// `cron`, empty for never; `time_zone`, a name as in Europe/Berlin; shown beside them `next_scheduled_time`.
    #[serde(default, deserialize_with = "or_default")]
    pub settings: BTreeMap<String, Value>,
    /// Empty.
    #[serde(default, deserialize_with = "or_default")]
    pub references: BTreeMap<String, Value>,
}

/// What a policy is for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct RetentionPolicyScope {
    /// `project`.
    #[serde(default, deserialize_with = "or_default")]
    pub level: String,
    /// The project's id.
    #[serde(default, rename = "ref", deserialize_with = "or_default")]
    pub reference: i64,
}

/// What is kept among the artifacts that the selectors take.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, ToSchema)]
pub struct RetentionRule {
    /// Its number in the policy.
    #[serde(default, deserialize_with = "or_default")]
    pub id: i64,
    /// Without meaning.
    #[serde(default, deserialize_with = "or_default")]
    pub priority: i64,
    /// Whether it keeps nothing for now.
    #[serde(default, deserialize_with = "or_default")]
    pub disabled: bool,
    /// `retain`.
    #[serde(default, deserialize_with = "or_default")]
    pub action: String,
    /// One of `GET /retentions/metadatas`.
    #[serde(default, deserialize_with = "or_default")]
    pub template: String,
    /// How many, or for how many days, under the template's name.
    #[serde(default, deserialize_with = "or_default")]
    pub params: BTreeMap<String, Value>,
    /// Tags; an artifact must be taken by all of them.
    #[serde(default, deserialize_with = "or_default")]
    pub tag_selectors: Vec<Selector>,
    /// Repositories, under `repository`; one must be taken by all of them.
    #[serde(default, deserialize_with = "or_default")]
    pub scope_selectors: BTreeMap<String, Vec<Selector>>,
}

/// What rules can be made of.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionMetadata {
    /// What can be kept.
    pub templates: Vec<RetentionRuleMetadata>,
    /// How repositories can be selected.
    pub scope_selectors: Vec<RetentionSelectorMetadata>,
    /// How tags can be selected.
    pub tag_selectors: Vec<RetentionSelectorMetadata>,
}

/// What can be kept.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionRuleMetadata {
    /// The template.
    pub rule_template: String,
    /// In words.
    pub display_text: String,
    /// `retain`.
    pub action: String,
    /// Its parameters.
    pub params: Vec<RetentionRuleParamMetadata>,
}

/// A parameter of a template.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionRuleParamMetadata {
    /// `int`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `COUNT` or `DAYS`.
    pub unit: String,
    /// Whether it must be there.
    pub required: bool,
}

/// How things can be selected.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionSelectorMetadata {
    /// In words.
    pub display_text: String,
    /// The selector's kind.
    pub kind: String,
    /// The selector's decorations.
    pub decorations: Vec<String>,
}

/// A request to apply a policy.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionRunReq {
    /// Whether to tell only what would be deleted.
    #[serde(default, deserialize_with = "or_default")]
    pub dry_run: bool,
}

/// A request to end an execution.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionActionReq {
    /// `stop`.
    pub action: String,
}

/// One application of a policy.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionExecution {
    /// Its id.
    pub id: i64,
    /// The policy.
    pub policy_id: i64,
    /// When it was asked for.
    pub start_time: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<Timestamp>,
    /// `InProgress`, `Succeed`, `Failed` or `Stopped`.
    pub status: String,
    /// `Manual` or `Schedule`.
    pub trigger: String,
    /// Whether nothing is deleted.
    pub dry_run: bool,
}

/// What became of one repository.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionExecutionTask {
    /// Its id.
    pub id: i64,
    /// The execution.
    pub execution_id: i64,
    /// The repository's name without its project.
    pub repository: String,
    /// The number of the job.
    pub job_id: String,
    /// `Success`, or `Error` where something could not be deleted.
    pub status: String,
    /// 3 for the end.
    pub status_code: i64,
    /// Without meaning.
    pub status_revision: i64,
    /// When it began.
    pub start_time: Timestamp,
    /// When it ended.
    pub end_time: Timestamp,
    /// Artifacts that were looked at.
    pub total: u64,
    /// Those of them that are kept.
    pub retained: u64,
}

/// What was decided about an artifact.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionDecision {
    /// Its digest.
    pub digest: String,
    /// `IMAGE`, `CHART` …
    pub kind: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// When it or one of its tags was pushed last.
    pub push_time: Timestamp,
    /// When it or one of its tags was pulled last; the year 1 for never.
    pub pull_time: Timestamp,
    /// `retain`, `immutable`, `delete`, or `error` where it could not be deleted.
    pub verdict: String,
    /// The rule that decided, in words.
    pub why: String,
    /// The same for programs; absent in what earlier versions decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RetentionReason>,
}

/// What decided.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, ToSchema)]
pub struct RetentionReason {
    /// Which of the reasons it is, such as `pushed_last`. Later versions have more of them.
    pub kind: String,
    /// What the words of this kind fill in, by name, such as `rule` and `count`.
    pub values: BTreeMap<String, String>,
}
