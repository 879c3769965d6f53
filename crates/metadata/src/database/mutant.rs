//! Rules that can be switched off, so that the tests of histories are seen to find it. Only debug builds have this file.
//!
//! A rule lives in the conditions of statements, and a mutant is made there: of all statements at once, one text for another.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

/// A rule that keeps several writers apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// What a holder writes is refused once somebody else has taken over.
    Fencing,
    /// The same for jobs alone.
    JobFencing,
    /// Nobody takes over what is leased to somebody.
    Leases,
}

impl Rule {
    /// The conditions that make the rule, and what is always true in their place. Every parameter stays, with its type.
    fn edits(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Rule::Fencing => &[("fence = $2", "CAST($2 AS BIGINT) IS NOT NULL")],
            Rule::JobFencing => &[("fence = $2 AND state", "CAST($2 AS BIGINT) IS NOT NULL AND state")],
            Rule::Leases => &[
                ("leased_until <= $", "0 * leased_until <= $"),
                ("lease.expires_at <= $", "0 * lease.expires_at <= $"),
            ],
        }
    }
}

static BROKEN: OnceLock<Rule> = OnceLock::new();
static MADE: Mutex<Option<HashMap<usize, &'static str>>> = Mutex::new(None);

/// Lets this process do without a rule until it ends. To be called before the first statement is run.
pub fn switch_off(rule: Rule) {
    let _ = BROKEN.set(rule);
}

/// The text that is run in place of this one.
pub(super) fn of(text: &'static str) -> &'static str {
    let Some(rule) = BROKEN.get() else { return text };
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.get_or_insert_default().entry(text.as_ptr().addr()).or_insert_with(|| without(*rule, text))
}

/// Leaked: there are as many as there are statements.
fn without(rule: Rule, text: &'static str) -> &'static str {
    let edit = |text: String, (from, to): &(&str, &str)| text.replace(from, to);
    rule.edits().iter().fold(text.to_owned(), edit).leak()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_lacks_the_condition_and_keeps_its_parameters() {
        let text = "UPDATE upload SET leased_until = $3 WHERE id = $1 AND fence = $2";
        let broken = "UPDATE upload SET leased_until = $3 WHERE id = $1 AND CAST($2 AS BIGINT) IS NOT NULL";
        assert_eq!(without(Rule::Fencing, text), broken);
        assert_eq!(without(Rule::JobFencing, text), text);
        assert_eq!(without(Rule::Leases, text), text);
        let text = "WHERE id = $1 AND fence = $2 AND state = 'running'";
        let broken = "WHERE id = $1 AND CAST($2 AS BIGINT) IS NOT NULL AND state = 'running'";
        assert_eq!(without(Rule::JobFencing, text), broken);
        let text = "WHERE leased_until <= $5 AND expires_at > 0";
        assert_eq!(without(Rule::Leases, text), "WHERE 0 * leased_until <= $5 AND expires_at > 0");
        assert_eq!(of(text), text);
    }
}
