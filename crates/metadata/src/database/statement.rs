//! A statement: its name, its text for each engine, and the histogram that its latency goes into.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use super::Engine;

/// Declared once by [`statements!`] and known by its address; the text never changes at run time.
pub(crate) struct Statement {
    noun: &'static str,
    verb: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
    latency: OnceLock<metrics::Histogram>,
}

impl Statement {
    pub(crate) const fn new(
        noun: &'static str,
        verb: &'static str,
        sqlite: &'static str,
        postgres: &'static str,
    ) -> Statement {
        Statement { noun, verb, sqlite, postgres, latency: OnceLock::new() }
    }

    pub(crate) fn text(&self, engine: Engine) -> &'static str {
        let text = match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        };
        #[cfg(debug_assertions)]
        let text = super::mutant::of(text);
        text
    }

    /// The handle is made at the first use and costs one atomic load after that. The recorder has to be
    /// installed before the database is opened.
    pub(crate) fn observe(&self, took: Duration) {
        self.latency
            .get_or_init(|| metrics::histogram!("hythe_database_seconds", "statement" => self.to_string()))
            .record(took);
    }
}

/// `tag.find`: what errors, metrics and tests call it.
impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.noun, self.verb.to_ascii_lowercase())
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Declares the statements of a noun and their list, `STATEMENTS`, which a test prepares on both engines.
///
/// Placeholders are `$1`, `$2`, … on both engines. A statement has one text, or two where the engines differ:
/// ```text
/// statements! { "tag";
///     FIND = "SELECT …";
///     LOCK = { sqlite: "SELECT …", postgres: "SELECT … FOR UPDATE" };
///     LIST = (columns!(), " ORDER BY name");
/// }
/// ```
macro_rules! statements {
    ($noun:literal; $($verb:ident = $text:tt;)+) => {
        $(
            static $verb: $crate::database::statement::Statement =
                $crate::database::statement::statements!(@one $noun, $verb, $text);
        )+
        #[cfg(test)]
        pub(crate) static STATEMENTS: &[&$crate::database::statement::Statement] = &[$(&$verb),+];
    };
    (@one $noun:literal, $verb:ident, { sqlite: $sqlite:literal, postgres: $postgres:literal $(,)? }) => {
        $crate::database::statement::Statement::new($noun, stringify!($verb), $sqlite, $postgres)
    };
    (@one $noun:literal, $verb:ident, {
        sqlite: ($($sqlite:expr),+ $(,)?), postgres: ($($postgres:expr),+ $(,)?) $(,)?
    }) => {
        $crate::database::statement::Statement::new(
            $noun, stringify!($verb), concat!($($sqlite),+), concat!($($postgres),+),
        )
    };
    (@one $noun:literal, $verb:ident, ($($part:expr),+ $(,)?)) => {
        $crate::database::statement::Statement::new(
            $noun, stringify!($verb), concat!($($part),+), concat!($($part),+),
        )
    };
    (@one $noun:literal, $verb:ident, $text:literal) => {
        $crate::database::statement::Statement::new($noun, stringify!($verb), $text, $text)
    };
}
pub(crate) use statements;

/// The time by the clock of the machine that holds the rows, microseconds since the epoch, inside a statement.
macro_rules! now {
    (sqlite) => {
        "CAST(unixepoch('subsec') * 1000000 AS INTEGER)"
    };
    (postgres) => {
        "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
    };
}
pub(crate) use now;
