//! What retention says in words: what rules can be made of, and the log of a task in Harbor's columns.

use std::fmt::Write;

use hythe_api::retention::{
    RetentionMetadata, RetentionRuleMetadata, RetentionRuleParamMetadata, RetentionSelectorMetadata,
};
use hythe_metadata::retention::Task;
use hythe_registry::retention::{Decision, Verdict};

use super::timestamp;

/// Templates: name, words, and the unit of the parameter.
const TEMPLATES: [(&str, &str, Option<&str>); 7] = [
    ("latestPushedK", "the most recently pushed # artifacts", Some("COUNT")),
    ("latestPulledN", "the most recently pulled # artifacts", Some("COUNT")),
    ("latestActiveK", "the most recently active # artifacts", Some("COUNT")),
    ("nDaysSinceLastPush", "pushed within the last # days", Some("DAYS")),
    ("nDaysSinceLastPull", "pulled within the last # days", Some("DAYS")),
    ("lastXDays", "from the last # days", Some("DAYS")),
    ("always", "always", None),
];

/// What rules can be made of.
pub(super) fn metadata() -> RetentionMetadata {
    let selector = |words: &str, kind: &str, decorations: [&str; 2]| RetentionSelectorMetadata {
        display_text: words.to_owned(),
        kind: kind.to_owned(),
        decorations: decorations.map(str::to_owned).to_vec(),
    };
    let tags = |kind| selector("Tags", kind, ["matches", "excludes"]);
    let repositories = |kind| selector("Repositories", kind, ["repoMatches", "repoExcludes"]);
    RetentionMetadata {
        templates: TEMPLATES.into_iter().map(template).collect(),
        scope_selectors: ["doublestar", "regex"].map(repositories).to_vec(),
        tag_selectors: ["doublestar", "regex", "semver"].map(tags).to_vec(),
    }
}

fn template((name, words, unit): (&str, &str, Option<&str>)) -> RetentionRuleMetadata {
    let parameter = |unit: &str| RetentionRuleParamMetadata {
        kind: "int".to_owned(),
        unit: unit.to_owned(),
        required: true,
    };
    RetentionRuleMetadata {
        rule_template: name.to_owned(),
        display_text: words.to_owned(),
        action: "retain".to_owned(),
        params: unit.map(parameter).into_iter().collect(),
    }
}

/// The log of a task: a line for each artifact, and the rule that decided.
pub(super) fn log(task: &Task, decisions: &[Decision]) -> String {
    let mut log = format!(
        "Repository: {}\n{} artifacts, {} retained, {} failed\n",
        task.repository, task.total, task.retained, task.failed
    );
    log.push_str("| Digest | Tag | Kind | PushedTime | PulledTime | Retention | Rule |\n");
    for decision in decisions {
        // Writing to a text does not fail.
        let _ = writeln!(
            log,
            "| {} | {} | {} | {} | {} | {} | {} |",
            decision.digest,
            decision.tags.join(","),
            decision.kind,
            timestamp(decision.pushed_at),
            if decision.pulled_at == 0 { String::new() } else { timestamp(decision.pulled_at).to_string() },
            mark(decision.verdict),
            decision.why
        );
    }
    let left_out = task.total.saturating_sub(decisions.len() as u64);
    if left_out > 0 {
        let _ = writeln!(log, "and {left_out} more that are retained");
    }
    log
}

/// Harbor's words (`src/pkg/retention/job.go`).
fn mark(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Retain => "RETAIN",
        Verdict::Immutable => "IMMUTABLE",
        Verdict::Delete => "DEL",
        Verdict::Error => "ERR",
    }
}
