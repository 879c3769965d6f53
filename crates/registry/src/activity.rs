//! Activity over time: pulls and pushes, counted in memory and written down together, and the growth of the storage.

use std::sync::atomic::{AtomicU64, Ordering};

use hythe_metadata::activity::{self, Hour};

use crate::Registry;
use crate::access::system_rights::system_volumes as right;
use crate::access::{Everywhere, Permit};
use crate::clock::{self, Micros};
use crate::error::Result;

const HOUR: Micros = 60 * 60 * 1_000_000;
const DAY: Micros = 24 * HOUR;
/// What is kept: a year, and some days to compare with.
const REMEMBERED: Micros = 400 * DAY;
/// As many as there can be.
const ALL: u32 = 10_000;

/// How long each point of a chart is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Step {
    /// An hour.
    Hour,
    /// A day, UTC.
    #[default]
    Day,
}

impl Step {
    fn length(self) -> Micros {
        match self {
            Step::Hour => HOUR,
            Step::Day => DAY,
        }
    }
}

/// What was pushed since it was written down last; pulls are counted one by one elsewhere.
#[derive(Default)]
pub(crate) struct Pushes(AtomicU64);

/// When the hour began that a moment lies in.
pub(crate) fn hour_of(at: Micros) -> Micros {
    at - at.rem_euclid(HOUR)
}

impl Registry {
    pub(crate) fn count_push(&self) {
        self.pushes.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Writes down what was counted; what cannot be written is counted on. What a crash takes is so many seconds of it.
    pub(crate) async fn write_pushes(&self) -> Result<()> {
        let pushes = self.pushes.0.swap(0, Ordering::Relaxed);
        if pushes == 0 {
            return Ok(());
        }
        let hour = hour_of(clock::now());
        let written = self
            .database
            .transaction(move |c| Box::pin(async move { activity::add(c, hour, 0, pushes).await }))
            .await;
        if written.is_err() {
            self.pushes.0.fetch_add(pushes, Ordering::Relaxed);
        }
        Ok(written?)
    }

    /// Looks once an hour how much there is, and forgets what is long past.
    pub(crate) async fn measure_storage_if_due(&self) -> Result<()> {
        let hour = hour_of(clock::now());
        if activity::is_measured(&mut self.database.connect().await?, hour).await? {
            return Ok(());
        }
        self.database
            .transaction(move |c| {
                Box::pin(async move {
                    activity::delete_before(c, hour.saturating_sub(REMEMBERED)).await?;
                    activity::measure(c, hour).await
                })
            })
            .await?;
        Ok(())
    }

    /// So many hours or days up to now, the oldest first, each there even if nothing happened. The storage is what it was
    /// at the end of each, as far as somebody had looked by then.
    pub async fn list_activity(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
        step: Step,
        count: u16,
    ) -> Result<Vec<Hour>> {
        let mut c = self.database.connect().await?;
        let now = c.now().await?;
        let length = step.length();
        let from = now - now.rem_euclid(length) - Micros::from(count.max(1) - 1) * length;
        let hours = activity::list(&mut c, from, ALL).await?;
        let mut points = summed(&hours, from, length, count.max(1));
        if let Some(last) = points.last_mut() {
            drop(c);
            last.storage = Some(self.stored_bytes().await?);
        }
        Ok(points)
    }
}

fn summed(hours: &[Hour], from: Micros, length: Micros, count: u16) -> Vec<Hour> {
    let mut hours = hours.iter().peekable();
    let mut storage = None;
    let starts = (0..count).map(|number| from + Micros::from(number) * length);
    starts
        .map(|start| {
            let mut point = Hour { hour: start, ..Hour::default() };
            while let Some(hour) = hours.next_if(|hour| hour.hour < start + length) {
                point.pulls += hour.pulls;
                point.pushes += hour.pushes;
                storage = hour.storage.or(storage);
            }
            Hour { storage, ..point }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(at: Micros, pulls: i64, storage: Option<i64>) -> Hour {
        Hour { hour: at * HOUR, pulls, pushes: 1, storage }
    }

    #[test]
    fn hours_make_days_and_days_without_any_are_there_too() {
        let hours = [hour(24, 5, Some(100)), hour(47, 7, None), hour(72, 1, Some(300))];
        let days = summed(&hours, 0, DAY, 5);
        let shown: Vec<_> =
            days.iter().map(|day| (day.hour / DAY, day.pulls, day.pushes, day.storage)).collect();
        assert_eq!(
            shown,
            [
                (0, 0, 0, None),
                (1, 12, 2, Some(100)),
                (2, 0, 0, Some(100)),
                (3, 1, 1, Some(300)),
                (4, 0, 0, Some(300))
            ]
        );
    }
}
