//! What the endpoints of one kind of job have in common in Harbor's API: a schedule, a history and logs.

use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use hythe_api::schedule::{ExecHistory, ScheduleObj};
use hythe_metadata::job::{Cause, Job, Line, State};
use hythe_metadata::schedule::Schedule;
use hythe_registry::jobs::schedules::{Wanted, When};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{RestFailure, created, timestamp};

/// Harbor's words for the usual times, and the expressions that they stand for. They are kept as croner's nicknames, so
/// that what was set as `Daily` is shown as `Daily`.
const USUAL: [(&str, &str, &str); 3] = [
    ("Hourly", "@hourly", "0 0 * * * *"),
    ("Daily", "@daily", "0 0 0 * * *"),
    ("Weekly", "@weekly", "0 0 0 * * 0"),
];

/// Lines of a log that are read at once; no log that is kept is longer.
pub(super) const LOG_LINES: u32 = 10_000;

/// What a request wants: once, always, or no more.
pub(super) fn wanted(schedule: &ScheduleObj) -> Result<Wanted, RestFailure> {
    let usual = USUAL.iter().find(|(kind, ..)| *kind == schedule.kind);
    match (schedule.kind.as_str(), usual) {
        ("Manual", _) => Ok(Wanted::Now),
        ("None" | "", _) => Ok(Wanted::Never),
        (_, Some((_, nickname, cron))) if schedule.cron.is_empty() || schedule.cron == *cron => {
            Ok(Wanted::At(When::parse(nickname, &schedule.time_zone)?))
        }
        (_, Some(_)) | ("Custom" | "Schedule", _) => {
            Ok(Wanted::At(When::parse(&schedule.cron, &schedule.time_zone)?))
        }
        _ => Err(RestFailure::new(
            StatusCode::BAD_REQUEST,
            "schedule.type is Hourly, Daily, Weekly, Custom, Manual or None",
        )),
    }
}

/// The answer to who had a schedule set, or a job begun: where either is.
pub(super) fn made(folder: &str, job: Option<i64>) -> Response {
    let last = job.map_or_else(|| "schedule".to_owned(), |id| id.to_string());
    created(&format!("/api/v2.0/system/{folder}/{last}"))
}

/// What a job is told.
pub(super) fn parameters<T: DeserializeOwned>(given: Map<String, Value>) -> Result<T, RestFailure> {
    serde_json::from_value(given.into()).map_err(|error| {
        RestFailure::new(StatusCode::BAD_REQUEST, format!("parameters cannot be read: {error}"))
    })
}

/// A job as an execution.
pub(super) fn show_job(job: Job) -> ExecHistory {
    let (cause, word) = match job.cause {
        Cause::Manual => ("MANUAL", "Manual"),
        Cause::Schedule => ("SCHEDULE", "Schedule"),
        Cause::Event => ("EVENT", "Manual"),
    };
    ExecHistory {
        id: job.id,
        job_name: job.kind.to_uppercase(),
        job_kind: cause.to_owned(),
        job_parameters: job.payload,
        job_status: status(job.state).to_owned(),
        deleted: false,
        schedule: ScheduleObj { kind: word.to_owned(), ..ScheduleObj::default() },
        creation_time: timestamp(job.created_at),
        update_time: timestamp(job.finished_at.or(job.started_at).unwrap_or(job.created_at)),
    }
}

/// A schedule as Harbor shows it among executions. Where there is none Harbor answers with nothing at all, which is no
/// JSON; its clients take a schedule of type `None` for the same.
pub(super) fn show_schedule(schedule: Option<Schedule>) -> ExecHistory {
    let Some(schedule) = schedule else {
        let none = ScheduleObj { kind: "None".to_owned(), ..ScheduleObj::default() };
        return ExecHistory { schedule: none, ..ExecHistory::default() };
    };
    let (kind, cron) = as_harbor_has_it(&schedule.cron);
    ExecHistory {
        id: schedule.id,
        job_name: String::new(),
        job_kind: cron.to_owned(),
        job_parameters: schedule.payload,
        job_status: String::new(),
        deleted: false,
        schedule: ScheduleObj {
            kind: kind.to_owned(),
            cron: cron.to_owned(),
            time_zone: if schedule.time_zone == "UTC" { String::new() } else { schedule.time_zone },
            next_scheduled_time: schedule.next_at.map(timestamp),
        },
        creation_time: timestamp(schedule.created_at),
        update_time: timestamp(schedule.updated_at),
    }
}

/// Harbor's type and expression of one that is kept.
pub(super) fn as_harbor_has_it(kept: &str) -> (&'static str, &str) {
    let usual = USUAL.iter().find(|(_, nickname, _)| *nickname == kept);
    usual.map_or(("Custom", kept), |(kind, _, cron)| (kind, cron))
}

fn status(state: State) -> &'static str {
    match state {
        State::Pending => "Pending",
        State::Running | State::Stopping => "Running",
        State::Succeeded => "Success",
        State::Failed => "Error",
        State::Stopped => "Stopped",
    }
}

/// A log as text, a line for each of its own with its time before it.
pub(super) fn show_log(lines: &[Line]) -> Response {
    let mut text = String::new();
    for line in lines {
        text.push_str(&format!("{:.0} {}\n", timestamp(line.at), line.line));
    }
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_times_come_back_as_they_were_set() {
        for (kind, _, cron) in USUAL {
            for given in ["", cron] {
                let schedule =
                    ScheduleObj { kind: kind.to_owned(), cron: given.to_owned(), ..ScheduleObj::default() };
                let Ok(Wanted::At(when)) = wanted(&schedule) else { panic!("{kind} {given}") };
                assert_eq!(as_harbor_has_it(when.cron()), (kind, cron));
            }
        }
        let custom = ScheduleObj {
            kind: "Custom".to_owned(),
            cron: "0 30 3 * * *".to_owned(),
            ..ScheduleObj::default()
        };
        let Ok(Wanted::At(when)) = wanted(&custom) else { panic!("custom") };
        assert_eq!(as_harbor_has_it(when.cron()), ("Custom", "0 30 3 * * *"));
    }

    #[test]
    fn unknown_types_and_expressions_are_refused() {
        for (kind, cron) in [("Yearly", "0 0 0 1 1 *"), ("Custom", ""), ("Custom", "* * * * * *")] {
            let schedule =
                ScheduleObj { kind: kind.to_owned(), cron: cron.to_owned(), ..ScheduleObj::default() };
            assert!(wanted(&schedule).is_err(), "{kind} {cron}");
        }
    }
}
