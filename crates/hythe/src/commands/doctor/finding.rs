//! What a check found: how bad it is, in one line, and what to do about it.

use std::fmt;

use serde::Serialize;

use crate::output::{Table, terminal_width};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    /// It works, and something about it will surprise somebody.
    Warn,
    /// The registry, or the client, does not work like this.
    Fail,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        })
    }
}

/// One line of the doctor's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) status: Status,
    pub(super) finding: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self { check, status: Status::Ok, finding: finding.into(), remedy: None }
    }

    pub(super) fn warn(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, status: Status::Warn, finding: finding.into(), remedy: Some(remedy.into()) }
    }

    pub(super) fn fail(check: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { check, status: Status::Fail, finding: finding.into(), remedy: Some(remedy.into()) }
    }
}

/// The findings for a person, with the sum at the end.
pub(super) fn in_words(findings: &[Finding]) -> String {
    let mut table = Table::new(&["", "CHECK", "FINDING"]);
    for finding in findings {
        table.row([finding.status.to_string(), finding.check.to_owned(), finding.finding.clone()]);
        if let Some(remedy) = &finding.remedy {
            table.row([String::new(), String::new(), format!("> {remedy}")]);
        }
    }
    format!("{}\n{}\n", table.render(terminal_width()), sum(findings))
}

fn sum(findings: &[Finding]) -> String {
    let count = |status| findings.iter().filter(|finding| finding.status == status).count();
    let plural = |number: usize, one: &str| match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    };
    match (count(Status::Fail), count(Status::Warn)) {
        (0, 0) => "All is well.".to_owned(),
        (0, warnings) => format!("It works, with {}.", plural(warnings, "warning")),
        (failures, 0) => format!("{} found.", plural(failures, "failure")),
        (failures, warnings) => {
            format!("{} and {} found.", plural(failures, "failure"), plural(warnings, "warning"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_is_a_line_and_its_remedy_the_next() {
        let findings = [
            Finding::ok("clock", "agrees"),
            Finding::warn("storage", "is memory", "name a folder"),
            Finding::fail("port", "is held", "free it"),
        ];
        assert_eq!(
            in_words(&findings),
            "      CHECK    FINDING\n\
             ok    clock    agrees\n\
             warn  storage  is memory\n               > name a folder\n\
             FAIL  port     is held\n               > free it\n\n\
             1 failure and 1 warning found.\n"
        );
    }
}
