//! The findings as they are printed, with the sum at the end.

use hythe_api::doctor::{Finding, Status};

use crate::output::{Table, terminal_width};

/// For a person.
pub(super) fn in_words(findings: &[Finding]) -> String {
    let mut table = Table::new(&["", "CHECK", "FINDING"]);
    for finding in findings {
        table.row([finding.status.to_string(), finding.check.clone(), finding.finding.clone()]);
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
    use hythe_registry::doctor;
    use hythe_server::doctor::show;

    use super::*;

    #[test]
    fn every_finding_is_a_line_and_its_remedy_the_next() {
        let findings = [
            doctor::Finding::ok("clock", "agrees"),
            doctor::Finding::warn("storage", "is memory", "name a folder"),
            doctor::Finding::fail("port", "is held", "free it"),
        ];
        assert_eq!(
            in_words(&findings.map(show)),
            "      CHECK    FINDING\n\
             ok    clock    agrees\n\
             warn  storage  is memory\n               > name a folder\n\
             FAIL  port     is held\n               > free it\n\n\
             1 failure and 1 warning found.\n"
        );
    }
}
