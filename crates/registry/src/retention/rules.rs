//! The rules of retention: each keeps some artifacts, and what no rule keeps is deleted. Templates and their parameters
//! are Harbor's (`src/pkg/retention/policy/rule`).

use std::collections::BTreeMap;

use hythe_oci::digest::Digest;
use hythe_oci::name::RepositoryName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::reasons::{self, Reason, Told};
use crate::clock::Micros;
use crate::error::{Error, Result};
use crate::immutable_rules::{Immutability, without_project};
use crate::selectors::{Of, Selector, Selects};

/// The most that a parameter may be: more artifacts than a repository should have, more days than there were.
const LARGEST: u32 = 1_000_000;

const DAY: Micros = 24 * 60 * 60 * 1_000_000;

/// A rule as it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Whether it keeps nothing for now.
    pub disabled: bool,
    /// Which artifacts are kept among those that the selectors take.
    pub template: String,
    /// How many, or for how many days, under the template's name.
    pub params: BTreeMap<String, Value>,
    /// Tags; all selectors must take the artifact.
    pub tags: Vec<Selector>,
    /// Repositories, by their names without the project; all selectors must take it.
    pub repositories: Vec<Selector>,
}

/// What a rule keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Template {
    LastPushed(usize),
    LastPulled(usize),
    LastActive(usize),
    PushedWithin(u32),
    PulledWithin(u32),
    Always,
}

/// A rule ready for use.
#[derive(Clone, Debug)]
struct Keeps {
    template: Template,
    tags: Vec<Selects>,
    repositories: Vec<Selects>,
    number: usize,
}

/// The rules of a policy, ready for use.
#[derive(Clone, Debug)]
pub struct Plan(Vec<Keeps>);

/// An artifact that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its digest.
    pub digest: Digest,
    /// `IMAGE`, `CHART` …
    pub kind: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// When it or one of its tags was pushed last.
    pub pushed_at: Micros,
    /// When it or one of its tags was pulled last; 0 for never.
    pub pulled_at: Micros,
}

/// What is to become of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A rule keeps it.
    Retain,
    /// No rule keeps it, but an immutable tag rule does.
    Immutable,
    /// It is deleted.
    Delete,
    /// It was to be deleted and is not.
    Error,
}

/// What was decided about an artifact, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Its digest.
    pub digest: Digest,
    /// `IMAGE`, `CHART` …
    pub kind: String,
    /// Its tags, sorted.
    pub tags: Vec<String>,
    /// When it or one of its tags was pushed last.
    pub pushed_at: Micros,
    /// When it or one of its tags was pulled last; 0 for never.
    pub pulled_at: Micros,
    /// What becomes of it.
    pub verdict: Verdict,
    /// The rule that decided, in words.
    pub why: String,
    /// The same for programs; nothing in what earlier versions wrote down.
    #[serde(default)]
    pub reason: Option<Reason>,
}

impl Plan {
    /// Reads the rules that are enabled. Rules are numbered from 1 in the order of the policy.
    ///
    /// # Errors
    /// [`Kind::BadRequest`](crate::error::Kind::BadRequest), with words about the first rule that makes no sense.
    pub fn compile(rules: &[Rule]) -> Result<Plan> {
        let numbered = rules.iter().enumerate().map(|(index, rule)| (index + 1, rule));
        let compiled: Result<Vec<(bool, Keeps)>> = numbered
            .map(|(number, rule)| Ok((rule.disabled, rule.compile(number).map_err(|e| in_rule(number, &e))?)))
            .collect();
        Ok(Plan(compiled?.into_iter().filter(|(disabled, _)| !disabled).map(|(_, keeps)| keeps).collect()))
    }

    /// Whether a rule is for the repository. Where none is, nothing is deleted.
    pub fn covers(&self, repository: &RepositoryName) -> bool {
        self.0.iter().any(|rule| rule.is_for(repository))
    }

    /// Decides about all artifacts of a repository, in their order.
    pub fn decide(
        &self,
        repository: &RepositoryName,
        candidates: Vec<Candidate>,
        immutability: &Immutability,
        now: Micros,
    ) -> Vec<Decision> {
        let mut kept: Vec<Option<&Keeps>> = vec![None; candidates.len()];
        for rule in self.0.iter().filter(|rule| rule.is_for(repository)) {
            for index in rule.keeps(&candidates, now) {
                kept[index].get_or_insert(rule);
            }
        }
        let decide = |(candidate, rule): (Candidate, Option<&Keeps>)| {
            let protected =
                || candidate.tags.iter().find_map(|tag| Some((tag, immutability.rule_of(repository, tag)?)));
            let (verdict, told) = match (rule, protected()) {
                (Some(rule), _) => (Verdict::Retain, rule.tell()),
                (None, Some((tag, rule))) => (Verdict::Immutable, reasons::immutable(rule, tag)),
                (None, None) => (Verdict::Delete, reasons::no_rule()),
            };
            let Candidate { digest, kind, tags, pushed_at, pulled_at } = candidate;
            Decision {
                digest,
                kind,
                tags,
                pushed_at,
                pulled_at,
                verdict,
                why: told.words,
                reason: Some(told.reason),
            }
        };
        candidates.into_iter().zip(kept).map(decide).collect()
    }
}

impl Rule {
    fn compile(&self, number: usize) -> Result<Keeps> {
        let template = Template::read(&self.template, &self.params)?;
        if self.tags.is_empty() || self.repositories.is_empty() {
            return Err(Error::bad_request("it needs a selector of tags and one of repositories"));
        }
        let compile = |selectors: &[Selector], of| -> Result<Vec<Selects>> {
            selectors.iter().map(|selector| selector.compile(of)).collect()
        };
        Ok(Keeps {
            template,
            tags: compile(&self.tags, Of::Tags)?,
            repositories: compile(&self.repositories, Of::Repositories)?,
            number,
        })
    }
}

impl Keeps {
    fn tell(&self) -> Told {
        match self.template {
            Template::LastPushed(count) => reasons::pushed_last(self.number, count),
            Template::LastPulled(count) => reasons::pulled_last(self.number, count),
            Template::LastActive(count) => reasons::active_last(self.number, count),
            Template::PushedWithin(days) => reasons::pushed_within(self.number, days),
            Template::PulledWithin(days) => reasons::pulled_within(self.number, days),
            Template::Always => reasons::always(self.number),
        }
    }

    fn is_for(&self, repository: &RepositoryName) -> bool {
        self.repositories.iter().all(|selects| selects.takes(without_project(repository)))
    }

    /// The places of those that it keeps.
    fn keeps(&self, candidates: &[Candidate], now: Micros) -> Vec<usize> {
        let taken = |candidate: &Candidate| {
            let tags: Vec<&str> = candidate.tags.iter().map(String::as_str).collect();
            self.tags.iter().all(|selects| selects.takes_any(&tags))
        };
        let mut places: Vec<usize> =
            (0..candidates.len()).filter(|place| taken(&candidates[*place])).collect();
        self.template.keep(&mut places, candidates, now);
        places
    }
}

impl Template {
    fn read(template: &str, params: &BTreeMap<String, Value>) -> Result<Template> {
        let number = || parameter(template, params);
        let count = || number().map(|number| number as usize);
        Ok(match template {
            "latestPushedK" => Template::LastPushed(count()?),
            "latestPulledN" => Template::LastPulled(count()?),
            "latestActiveK" => Template::LastActive(count()?),
            "nDaysSinceLastPush" | "lastXDays" => Template::PushedWithin(number()?),
            "nDaysSinceLastPull" => Template::PulledWithin(number()?),
            "always" => Template::Always,
            other => {
                let other: String = other.chars().take(64).collect();
                return Err(Error::bad_request(format!(
                    "there is no template {other:?}; known are latestPushedK, latestPulledN, latestActiveK, \
                     nDaysSinceLastPush, nDaysSinceLastPull, lastXDays and always"
                )));
            }
        })
    }

    fn keep(self, places: &mut Vec<usize>, candidates: &[Candidate], now: Micros) {
        match self {
            Template::LastPushed(count) => newest(places, count, |place| candidates[place].pushed_at),
            Template::LastPulled(count) => newest(places, count, |place| candidates[place].pulled_at),
            Template::LastActive(count) => {
                newest(places, count, |place| candidates[place].pushed_at.max(candidates[place].pulled_at))
            }
            Template::PushedWithin(days) => {
                places.retain(|place| candidates[*place].pushed_at >= since(now, days))
            }
            Template::PulledWithin(days) => {
                places.retain(|place| candidates[*place].pulled_at >= since(now, days))
            }
            Template::Always => {}
        }
    }
}

fn newest(places: &mut Vec<usize>, count: usize, at: impl Fn(usize) -> Micros) {
    places.sort_by_key(|place| std::cmp::Reverse(at(*place)));
    places.truncate(count);
}

fn since(now: Micros, days: u32) -> Micros {
    now.saturating_sub(Micros::from(days) * DAY)
}

/// Harbor's clients write the number as such or as text.
fn parameter(template: &str, params: &BTreeMap<String, Value>) -> Result<u32> {
    let read = match params.get(template) {
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    read.and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= LARGEST).ok_or_else(|| {
        Error::bad_request(format!("it needs params.{template}, a whole number from 0 to {LARGEST}"))
    })
}

fn in_rule(number: usize, error: &Error) -> Error {
    Error::bad_request(format!("rule {number} of the retention policy makes no sense: {}", error.message()))
}

#[cfg(test)]
mod tests {
    use hythe_blobs::hash::digest_of;
    use hythe_oci::digest::Algorithm;
    use serde_json::json;

    use super::*;

    const NOW: Micros = 1000 * DAY;

    fn selector(decoration: &str, pattern: &str) -> Selector {
        Selector {
            kind: "doublestar".to_owned(),
            decoration: decoration.to_owned(),
            pattern: pattern.to_owned(),
            extras: String::new(),
        }
    }

    fn rule(template: &str, number: u32, tags: &str) -> Rule {
        Rule {
            disabled: false,
            template: template.to_owned(),
            params: BTreeMap::from([(template.to_owned(), json!(number))]),
            tags: vec![selector("matches", tags)],
            repositories: vec![selector("repoMatches", "**")],
        }
    }

    /// Named by its first tag, pushed and pulled so many days ago; never pulled where that is 0.
    fn candidate(tags: &[&str], pushed: i64, pulled: i64) -> Candidate {
        Candidate {
            digest: digest_of(Algorithm::Sha256, tags.join(",").as_bytes()),
            kind: "IMAGE".to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            pushed_at: NOW - pushed * DAY,
            pulled_at: if pulled == 0 { 0 } else { NOW - pulled * DAY },
        }
    }

    fn five() -> Vec<Candidate> {
        vec![
            candidate(&["v1"], 50, 1),
            candidate(&["v2"], 40, 0),
            candidate(&["v3", "stable"], 30, 20),
            candidate(&["dev"], 2, 0),
            candidate(&[], 10, 0),
        ]
    }

    /// The first tags of what is kept.
    fn kept(rules: &[Rule]) -> Vec<String> {
        let name = "team/app".parse().unwrap();
        let plan = Plan::compile(rules).unwrap();
        let decisions = plan.decide(&name, five(), &Immutability::default(), NOW);
        let kept = decisions.into_iter().filter(|decision| decision.verdict == Verdict::Retain);
        kept.map(|decision| decision.tags.first().cloned().unwrap_or_default()).collect()
    }

    #[test]
    fn each_template_keeps_what_harbors_does() {
        for (template, number, tags, expected) in [
            ("latestPushedK", 2, "**", &["dev", ""][..]),
            ("latestPushedK", 1, "v*", &[""][..]),
            ("latestPushedK", 9, "**", &["v1", "v2", "v3", "dev", ""][..]),
            ("latestPushedK", 0, "**", &[][..]),
            ("latestPulledN", 2, "**", &["v1", "v3"][..]),
            ("latestActiveK", 2, "**", &["v1", "dev"][..]),
            ("nDaysSinceLastPush", 30, "**", &["v3", "dev", ""][..]),
            ("lastXDays", 5, "**", &["dev"][..]),
            ("nDaysSinceLastPull", 5, "**", &["v1"][..]),
            ("always", 0, "{v1,v2}", &["v1", "v2", ""][..]),
        ] {
            assert_eq!(kept(&[rule(template, number, tags)]), expected, "{template} {number} {tags}");
        }
    }

    #[test]
    fn a_rule_keeps_an_artifact_with_all_of_its_tags_and_any_rule_suffices() {
        let stable = rule("always", 0, "stable");
        let mut untagged = stable.clone();
        untagged.tags[0].extras = r#"{"untagged":false}"#.to_owned();
        assert_eq!(kept(&[stable]), ["v3", ""], "what has no tags is kept where nobody says otherwise");
        assert_eq!(kept(&[untagged.clone()]), ["v3"]);
        assert_eq!(kept(&[untagged, rule("latestPushedK", 1, "dev")]), ["v3", "dev"]);
    }

    #[test]
    fn a_repository_that_no_rule_is_for_is_left_alone() {
        let mut only = rule("always", 0, "**");
        only.repositories = vec![selector("repoMatches", "app/**"), selector("repoExcludes", "app/old")];
        let plan = Plan::compile(&[Rule { disabled: true, ..rule("always", 0, "**") }, only]).unwrap();
        for (name, covered) in [("team/app/new", true), ("team/app/old", false), ("team/web", false)] {
            assert_eq!(plan.covers(&name.parse().unwrap()), covered, "{name}");
        }
    }

    #[test]
    fn every_decision_says_which_rule_made_it() {
        let name = "team/app".parse().unwrap();
        let plan = Plan::compile(&[rule("latestPushedK", 1, "v*"), rule("latestPulledN", 1, "v*")]).unwrap();
        let decisions = plan.decide(&name, five(), &Immutability::default(), NOW);
        let told: Vec<&str> = decisions.iter().map(|decision| decision.why.as_str()).collect();
        let (none, pulled) = ("no rule keeps it", "rule 2 keeps the 1 pulled last");
        assert_eq!(told, [pulled, none, none, none, "rule 1 keeps the 1 pushed last"]);
    }

    #[test]
    fn what_makes_no_sense_names_the_rule() {
        let good = rule("always", 0, "**");
        for (bad, expected) in [
            (rule("newest", 1, "**"), "rule 2 of the retention policy makes no sense: there is no template"),
            (Rule { params: BTreeMap::new(), ..rule("lastXDays", 1, "**") }, "it needs params.lastXDays"),
            (rule("latestPushedK", LARGEST + 1, "**"), "a whole number"),
            (Rule { tags: Vec::new(), ..good.clone() }, "it needs a selector"),
            (rule("always", 0, "{a"), "cannot be used"),
        ] {
            let error = Plan::compile(&[good.clone(), bad]).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
