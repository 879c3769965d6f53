//! The doctor's findings on their way out, and what a request itself shows of the way that it came.

pub(crate) mod address;

use hythe_api::doctor as api;
use hythe_registry::doctor::{Finding, Status};

/// As the API says it, and the command line with it.
pub fn show(finding: Finding) -> api::Finding {
    api::Finding {
        check: finding.check.to_owned(),
        status: match finding.status {
            Status::Ok => api::Status::Ok,
            Status::Warn => api::Status::Warn,
            Status::Fail => api::Status::Fail,
        },
        finding: finding.finding,
        remedy: finding.remedy,
        kind: finding.kind.map(str::to_owned),
        values: finding.values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}
