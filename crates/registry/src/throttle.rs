//! Guessing passwords is made slow, on all nodes together, without keeping others out.
//!
//! Failures are counted for the pair of account and address, for the account, and for the address. Past a limit each
//! further failure doubles a pause. The pair's limit is low, the others' are high: somebody who guesses from one place
//! is stopped early, and the account's owner elsewhere signs in all the while.

use std::sync::Arc;
use std::time::Duration;

use hythe_metadata::sign_in_throttle as row;
use hythe_oci::error_code::ErrorCode;

use crate::Registry;
use crate::access::{Caller, Origin};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Kind, Result};

/// Failures without a pause: of one account from one address, of one account, from one address.
const PAIR: i64 = 5;
const ACCOUNT: i64 = 50;
const ADDRESS: i64 = 100;

/// Failures before this are forgotten.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A longer name is nobody's; it is counted by its beginning.
const LONGEST_NAME: usize = 255;

/// One attempt to sign in.
pub(crate) struct Attempt {
    counted: Vec<(String, i64)>,
    failed_before: bool,
    refused: Entry,
}

impl Attempt {
    fn of(name: &str, origin: &Arc<Origin>) -> Attempt {
        let address = &origin.address;
        let name: String = name.chars().take(LONGEST_NAME).collect();
        let counted = vec![
            (format!("pair:{name}|{address}"), PAIR),
            (format!("account:{name}"), ACCOUNT),
            (format!("address:{address}"), ADDRESS),
        ];
        let caller = Caller::anonymous(origin.clone());
        let refused =
            Entry::new(&caller, "login", "user", &name).by(&name, "user").refused("wrong credentials");
        Attempt { counted, failed_before: false, refused }
    }

    /// With a token that somebody else signed. Nobody guesses those, so no account is counted: whoever shows wrong ones
    /// elsewhere keeps no robot out.
    pub(crate) fn with_id_token(name: &str, origin: &Arc<Origin>) -> Attempt {
        let mut attempt = Attempt::of(name, origin);
        attempt.counted.retain(|(_, limit)| *limit != ACCOUNT);
        attempt.counted[0].0.push_str("|id-token");
        attempt
    }

    /// What the audit log says if it fails.
    pub(crate) fn told_as(self, refused: Entry) -> Attempt {
        Attempt { refused, ..self }
    }
}

impl Registry {
    /// Refuses an attempt that comes too early after failures.
    pub(crate) async fn begin_attempt(&self, name: &str, origin: &Arc<Origin>) -> Result<Attempt> {
        self.begin(Attempt::of(name, origin)).await
    }

    /// As [`Registry::begin_attempt`], for what was prepared.
    pub(crate) async fn begin(&self, mut attempt: Attempt) -> Result<Attempt> {
        let subjects: Vec<String> = attempt.counted.iter().map(|(subject, _)| subject.clone()).collect();
        let mut c = self.database.connect().await?;
        let rows = row::list(&mut c, &subjects).await?;
        let now = clock::now();
        let until = rows.iter().map(|row| row.blocked_until).max().unwrap_or(0);
        if until > now {
            return Err(too_many(until.saturating_sub(now)));
        }
        attempt.failed_before = rows.iter().any(|row| row.subject == attempt.counted[0].0);
        Ok(attempt)
    }

    /// Counts a failure, or forgets those of the pair after a success. Nothing is written where nothing had failed.
    pub(crate) async fn end_attempt(&self, attempt: Attempt, outcome: &Result<Caller>) -> Result<()> {
        match outcome {
            Ok(_) if attempt.failed_before => self.forget_failures(attempt).await,
            Err(error) if error.kind() == Kind::Unauthenticated => self.count_failure(attempt).await,
            Ok(_) | Err(_) => Ok(()),
        }
    }

    async fn forget_failures(&self, attempt: Attempt) -> Result<()> {
        let Some((pair, _)) = attempt.counted.into_iter().next() else { return Ok(()) };
        self.database
            .transaction(move |c| {
                let pair = pair.clone();
                Box::pin(async move { row::delete(c, &pair).await })
            })
            .await?;
        Ok(())
    }

    async fn count_failure(&self, attempt: Attempt) -> Result<()> {
        let now = clock::now();
        let forgotten = now.saturating_sub(clock::micros(REMEMBERED));
        let (counted, refused) = (Arc::new(attempt.counted), attempt.refused);
        self.database
            .transaction(move |c| {
                let (counted, refused) = (counted.clone(), refused.clone());
                Box::pin(async move {
                    for (subject, limit) in counted.iter() {
                        let failures = row::count_failure(c, subject, now, forgotten).await?;
                        if *limit == PAIR && is_told(failures) {
                            refused.write(c).await?;
                        }
                        if let Some(pause) = pause(failures, *limit) {
                            row::block(c, subject, now.saturating_add(clock::micros(pause))).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(())
    }

    /// Forgets failures of long ago.
    pub(crate) async fn forget_old_failures(&self) -> Result<()> {
        let before = clock::now().saturating_sub(clock::micros(REMEMBERED + LONGEST_PAUSE));
        self.database.transaction(move |c| Box::pin(row::delete_before(c, before))).await?;
        Ok(())
    }
}

/// The first failures are each told in the audit log, then those whose number is a power of two: a guesser fills no
/// disk with them.
fn is_told(failures: i64) -> bool {
    failures <= 2 * PAIR || u64::try_from(failures).is_ok_and(u64::is_power_of_two)
}

/// One second at the limit, twice as long with each failure past it.
fn pause(failures: i64, limit: i64) -> Option<Duration> {
    let past = u32::try_from(failures.checked_sub(limit)?).ok()?;
    let seconds = 1_u64.checked_shl(past.min(20)).unwrap_or(u64::MAX);
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}

fn too_many(wait: clock::Micros) -> Error {
    let seconds = u64::try_from(wait).unwrap_or(0).div_ceil(1_000_000).max(1);
    let message =
        format!("too many failed sign-ins with this name or from this address; try again in {seconds} s");
    Error::new(Kind::TooMany, ErrorCode::TooManyRequests, message)
        .with_retry_after(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_begin_at_the_limit_and_double_up_to_a_bound() {
        let seconds = |failures| pause(failures, PAIR).map(|pause| pause.as_secs());
        assert_eq!((1..PAIR).filter_map(seconds).count(), 0);
        assert_eq!([5, 6, 7, 8].map(seconds), [Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!(seconds(1_000_000), Some(900));
    }
}
