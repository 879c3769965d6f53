//! Folds lines that come again and again: a fault that lasts nine days must not fill a disk with 49,428 equal lines.
//!
//! The first [`FREE`] lines of an episode are written. After that one line says how many more there were,
//! 10 s after the folding began, then 20 s, 40 s and so on, at most 10 minutes apart. An episode ends when
//! none came for 10 minutes, so that a fault repeated every 16 s is folded as well as one repeated every millisecond.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;
use tracing::callsite::Identifier;

use super::line::{Fields, Line, Value};

/// Lines of an episode that are written as they are.
pub(super) const FREE: u32 = 20;
const FIRST_SUMMARY: Duration = Duration::from_secs(10);
const LONGEST: Duration = Duration::from_secs(600);
/// More kinds of lines than this at once are not kept apart; those beyond are written.
const KINDS: usize = 1024;

/// What to do with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Write,
    /// `first`: nothing was being folded for this kind of line before.
    Fold {
        first: bool,
    },
}

/// What [`Repeats::due`] found.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) lines: Vec<Line>,
    pub(super) folding: bool,
}

/// The episodes under way.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    episodes: Mutex<HashMap<u64, Episode>>,
}

#[derive(Debug)]
struct Episode {
    written: u32,
    last: Instant,
    folding: Option<Folding>,
}

#[derive(Debug)]
struct Folding {
    level: Level,
    target: &'static str,
    message: String,
    count: u64,
    since: Instant,
    pause: Duration,
}

impl Repeats {
    /// Decides about one line.
    pub(super) fn judge(&self, callsite: &Identifier, line: &Line, now: Instant) -> Verdict {
        let kind = kind(callsite, line);
        let mut episodes = self.lock();
        if episodes.len() >= KINDS && !episodes.contains_key(&kind) {
            episodes.retain(|_, episode| !episode.is_over(now));
            if episodes.len() >= KINDS {
                return Verdict::Write;
            }
        }
        let episode = episodes.entry(kind).or_insert_with(|| Episode::new(now));
        if episode.is_over(now) && episode.folding.is_none() {
            *episode = Episode::new(now);
        }
        episode.judge(line, now)
    }

    /// The summaries whose time has come.
    pub(super) fn due(&self, now: Instant) -> Due {
        let mut episodes = self.lock();
        let lines = episodes.values_mut().filter_map(|episode| episode.summary(now)).collect();
        episodes.retain(|_, episode| !episode.is_over(now));
        Due { lines, folding: episodes.values().any(|episode| episode.folding.is_some()) }
    }

    /// All summaries that say something.
    pub(super) fn all(&self) -> Vec<Line> {
        self.lock().drain().filter_map(|(_, episode)| episode.folding?.line(Instant::now())).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Episode>> {
        self.episodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Episode {
    fn new(now: Instant) -> Episode {
        Episode { written: 0, last: now, folding: None }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last) > LONGEST
    }

    fn judge(&mut self, line: &Line, now: Instant) -> Verdict {
        self.last = now;
        if self.written < FREE {
            self.written += 1;
            return Verdict::Write;
        }
        let first = self.folding.is_none();
        self.folding.get_or_insert_with(|| Folding::new(line, now)).count += 1;
        Verdict::Fold { first }
    }

    fn summary(&mut self, now: Instant) -> Option<Line> {
        let folding = self.folding.as_mut()?;
        if now.saturating_duration_since(folding.since) < folding.pause {
            return None;
        }
        let line = folding.line(now);
        folding.since = now;
        folding.count = 0;
        folding.pause = (folding.pause * 2).min(LONGEST);
        line
    }
}

impl Folding {
    fn new(line: &Line, now: Instant) -> Folding {
        Folding {
            level: line.level,
            target: line.target,
            message: line.message.clone(),
            count: 0,
            since: now,
            pause: FIRST_SUMMARY,
        }
    }

    fn line(&self, now: Instant) -> Option<Line> {
        if self.count == 0 {
            return None;
        }
        let seconds = now.saturating_duration_since(self.since).as_secs().max(1);
        let message = format!("{} … repeated {} times in {seconds} s", self.message, thousands(self.count));
        let fields = Fields(vec![("repeated", Value::Unsigned(self.count))]);
        Some(Line { level: self.level, target: self.target, message, fields })
    }
}

/// Warnings and errors are of one kind when they differ only in numbers and fields. What is said for
/// information differs by its fields too: twenty-one projects created are twenty-one facts.
fn kind(callsite: &Identifier, line: &Line) -> u64 {
    let mut hasher = DefaultHasher::new();
    callsite.hash(&mut hasher);
    if line.level <= Level::WARN {
        line.message.bytes().filter(|byte| !byte.is_ascii_digit()).for_each(|byte| hasher.write_u8(byte));
        return hasher.finish();
    }
    line.message.hash(&mut hasher);
    for (name, value) in &line.fields.0 {
        name.hash(&mut hasher);
        hash_value(value, &mut hasher);
    }
    hasher.finish()
}

fn hash_value(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Text(text) => text.hash(hasher),
        Value::Signed(number) => number.hash(hasher),
        Value::Unsigned(number) => number.hash(hasher),
        Value::Float(number) => number.to_bits().hash(hasher),
        Value::Bool(truth) => truth.hash(hasher),
    }
}

/// `1234567` as `1,234,567`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
