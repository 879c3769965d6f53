//! Schedules: a cron expression and a time zone that make jobs of a kind again and again.
//!
//! When a schedule is due is worked out from the database's clock, so that nodes whose clocks differ agree. What was
//! missed while no node ran is made up for once.

use std::str::FromStr;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use hythe_metadata::Connection;
use hythe_metadata::schedule::{self, NewSchedule, Schedule};
use hythe_metadata::setting;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;

use super::{Kind, NewJob, Priority};
use crate::Registry;
use crate::access::system_rights::job_service_monitor;
use crate::access::{Caller, Everywhere, Permit};
use crate::audit::Entry;
use crate::clock::Micros;
use crate::error::{Error, Result};

/// No schedule may be due more often than this many microseconds apart; Harbor refuses what is due every minute, too.
const CLOSEST: Micros = 60 * 1_000_000;

/// How many coming times are looked at for that.
const LOOKED_AT: usize = 10;

/// A cron expression of five fields, or of six with seconds first as Harbor writes it, in a time zone of the IANA's name.
#[derive(Clone, Debug)]
pub struct When {
    cron: Box<Cron>,
    text: String,
    zone: TimeZone,
    zone_name: String,
}

impl When {
    /// Reads both; an empty zone is UTC.
    pub fn parse(cron: &str, zone: &str) -> Result<When> {
        let (text, zone_name) = (cron.trim(), if zone.is_empty() { "UTC" } else { zone });
        let parser = CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let parsed = parser.parse(text).map_err(|error| {
            Error::bad_request(format!(
                "{text:?} is no cron expression: {error}; write minute, hour, day, month and weekday, as in \
                 \"0 3 * * *\", or six fields with seconds first"
            ))
        })?;
        let zone = TimeZone::get(zone_name).map_err(|_| {
            Error::bad_request(format!("there is no time zone {zone_name:?}; write one as in Europe/Berlin"))
        })?;
        let when =
            When { cron: Box::new(parsed), text: text.to_owned(), zone, zone_name: zone_name.to_owned() };
        when.check_distance()?;
        Ok(when)
    }

    /// As it was written.
    pub fn cron(&self) -> &str {
        &self.text
    }

    /// The first time after this one; none if there is no further.
    pub fn next(&self, after: Micros) -> Option<Micros> {
        let from = Timestamp::from_microsecond(after).ok()?.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&from, false).ok().map(|next| next.timestamp().as_microsecond())
    }

    /// Seconds in an expression are easily taken for minutes.
    fn check_distance(&self) -> Result<()> {
        let mut last = Timestamp::UNIX_EPOCH.as_microsecond();
        for index in 0..LOOKED_AT {
            let Some(next) = self.next(last) else { return Ok(()) };
            if index > 0 && next - last < CLOSEST {
                return Err(Error::bad_request(format!(
                    "{:?} is due more often than once a minute; with six fields the first is the second",
                    self.text
                )));
            }
            last = next;
        }
        Ok(())
    }
}

/// What is wanted of a kind of job.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// One, at once.
    Now,
    /// One each time.
    At(When),
    /// No more of its schedule.
    Never,
}

impl Registry {
    /// A page of schedules, by kind and key, and how many there are.
    pub async fn list_schedules(
        &self,
        _permit: &Permit<job_service_monitor::List, Everywhere>,
        skip: u32,
        limit: u32,
    ) -> Result<(Vec<Schedule>, i64)> {
        let mut c = self.database.connect().await?;
        Ok((schedule::list(&mut c, skip, limit).await?, schedule::count(&mut c).await?))
    }

    /// Puts a job into the queue at once, sets its schedule, or ends it; the number of the job that was made.
    pub(crate) async fn schedule_job(
        &self,
        caller: &Caller,
        kind: Kind,
        key: &str,
        wanted: Wanted,
        payload: &impl Serialize,
    ) -> Result<Option<i64>> {
        let new = NewJob::new(kind, payload).keyed(key).priority(Priority::High).asked_by(caller);
        let (caller, key) = (caller.clone(), key.to_owned());
        let made = self
            .database
            .transaction(move |c| {
                let (new, caller, key, wanted) = (new.clone(), caller.clone(), key.clone(), wanted.clone());
                Box::pin(async move {
                    match wanted {
                        Wanted::Now => {
                            let entry =
                                Entry::new(&caller, "start", "job", format!("{kind} {key}").trim_end());
                            entry.write(c).await?;
                            return Ok(Some(new.enqueue(c).await?.id()));
                        }
                        Wanted::At(when) => {
                            Registry::put_schedule(c, &caller, kind, &key, &when, &new.payload).await?;
                        }
                        Wanted::Never => {
                            Registry::delete_schedule(c, &caller, kind, &key).await?;
                        }
                    }
                    Ok(None)
                })
            })
            .await?;
        self.wake_jobs();
        Ok(made)
    }

    /// Sets the schedule of a kind and key within the caller's transaction, or changes it; its number.
    pub async fn put_schedule(
        c: &mut Connection,
        caller: &Caller,
        kind: Kind,
        key: &str,
        when: &When,
        payload: &Value,
    ) -> Result<i64, hythe_metadata::Error> {
        let id = set_schedule(c, caller.name().unwrap_or("anonymous"), kind, key, when, payload).await?;
        let entry = Entry::new(caller, "update", "schedule", format!("{kind} {key}").trim_end());
        entry.after(serde_json::json!({"cron": when.text, "time_zone": when.zone_name})).write(c).await?;
        Ok(id)
    }

    /// Removes the schedule of a kind and key within the caller's transaction; false if there is none.
    pub async fn delete_schedule(
        c: &mut Connection,
        caller: &Caller,
        kind: Kind,
        key: &str,
    ) -> Result<bool, hythe_metadata::Error> {
        let deleted = schedule::delete(c, kind.as_str(), key).await?;
        if deleted {
            let name = format!("{kind} {key}");
            Entry::new(caller, "delete", "schedule", name.trim_end()).write(c).await?;
        }
        Ok(deleted)
    }

    /// The schedule of a kind and key.
    pub async fn find_schedule(&self, kind: Kind, key: &str) -> Result<Option<Schedule>> {
        Ok(schedule::find(&mut self.database.connect().await?, kind.as_str(), key).await?)
    }

    /// Arranges a schedule that every registry has from its beginning. `setting` says from then on that this was done:
    /// whoever changes or ends the schedule is not overruled.
    pub(crate) async fn schedule_once(
        &self,
        setting: &'static str,
        kind: Kind,
        cron: &str,
        payload: Value,
    ) -> Result<()> {
        if setting::find(&mut self.database.connect().await?, setting).await?.is_some() {
            return Ok(());
        }
        let when = When::parse(cron, "")?;
        self.database
            .transaction(move |c| {
                let (when, payload) = (when.clone(), payload.clone());
                Box::pin(async move {
                    if setting::find(c, setting).await?.is_none() {
                        setting::put(c, setting, "yes").await?;
                        set_schedule(c, "system", kind, "", &when, &payload).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(())
    }

    /// Makes the jobs whose schedules are due, each with its schedule's next time in one transaction.
    pub(super) async fn make_scheduled_jobs(&self) -> Result<()> {
        while self.database.transaction(|c| Box::pin(make_scheduled_job(c))).await? {}
        Ok(())
    }
}

/// Sets a schedule without a line in the audit log.
async fn set_schedule(
    c: &mut Connection,
    by: &str,
    kind: Kind,
    key: &str,
    when: &When,
    payload: &Value,
) -> Result<i64, hythe_metadata::Error> {
    let now = c.now().await?;
    let new = NewSchedule {
        kind: kind.as_str().to_owned(),
        key: key.to_owned(),
        cron: when.text.clone(),
        time_zone: when.zone_name.clone(),
        payload: payload.to_string(),
        next_at: when.next(now),
        created_by: by.to_owned(),
    };
    schedule::put(c, &new, now).await
}

/// False if none is due.
async fn make_scheduled_job(c: &mut Connection) -> Result<bool, hythe_metadata::Error> {
    let now = c.now().await?;
    let Some(due) = schedule::take_due(c, now).await? else { return Ok(false) };
    // A kind that only a newer binary knows is left to one, and so is its row.
    let Ok(kind) = Kind::from_str(&due.kind) else {
        schedule::postpone(c, due.id, now.saturating_add(CLOSEST)).await?;
        return Ok(true);
    };
    let payload: Value = serde_json::from_str(&due.payload).unwrap_or_default();
    let new = NewJob::new(kind, &payload).keyed(&due.key).scheduled_by(&due.created_by);
    let id = new.enqueue(c).await?.id();
    let next = When::parse(&due.cron, &due.time_zone).ok().and_then(|when| when.next(now));
    schedule::made(c, due.id, id, now, next).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(cron: &str, zone: &str, after: &str) -> String {
        let after: Timestamp = after.parse().unwrap();
        let next = When::parse(cron, zone).unwrap().next(after.as_microsecond()).unwrap();
        Timestamp::from_microsecond(next).unwrap().to_string()
    }

    #[test]
    fn five_fields_and_harbors_six_are_read() {
        let after = "2026-11-21T08:00:00Z";
        assert_eq!(next("0 3 * * *", "", after), "2026-11-22T03:00:00Z");
        assert_eq!(next("0 0 3 * * *", "", after), "2026-11-22T03:00:00Z");
        assert_eq!(next("@weekly", "", after), "2026-11-22T00:00:00Z");
    }

    #[test]
    fn a_zone_keeps_its_hour_through_the_year() {
        let zone = "Europe/Berlin";
        assert_eq!(next("30 4 * * *", zone, "2026-07-01T12:00:00Z"), "2026-07-02T02:30:00Z");
        assert_eq!(next("30 4 * * *", zone, "2026-12-01T12:00:00Z"), "2026-12-02T03:30:00Z");
    }

    /// On 29 March 2026 Berlin's clocks go from 02:00 to 03:00, on 25 October from 03:00 back to 02:00.
    #[test]
    fn an_hour_that_is_left_out_or_comes_twice_is_met_once() {
        let zone = "Europe/Berlin";
        assert_eq!(next("30 2 * * *", zone, "2026-03-28T12:00:00Z"), "2026-03-29T01:00:00Z");
        assert_eq!(next("30 2 * * *", zone, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next("30 2 * * *", zone, "2026-10-25T00:30:00Z"), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn what_is_no_time_is_refused_with_the_reason() {
        for (cron, zone, said) in [
            ("soon", "", "is no cron expression"),
            ("0 25 * * *", "", "is no cron expression"),
            ("* * * * * *", "", "more often than once a minute"),
            ("0 3 * * *", "Mars/Olympus", "there is no time zone"),
        ] {
            let error = When::parse(cron, zone).unwrap_err().to_string();
            assert!(error.contains(said), "{cron} {zone}: {error}");
        }
        assert_eq!(When::parse("0 0 30 2 *", "").unwrap().next(0), None, "there is no 30 February");
    }
}
