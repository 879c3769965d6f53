//! Reads a log filter strictly: a misspelt level is an error, not a module nobody has.

use tracing_subscriber::filter::{LevelFilter, Targets};

/// Which lines are written: a default level and levels by module.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    targets: Targets,
}

/// A filter that cannot be read; says which part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("log filter {filter:?}: {part:?} {why}")]
pub struct FilterError {
    filter: String,
    part: String,
    why: &'static str,
}

const NOT_A_LEVEL: &str = "is not a level (off, error, warn, info, debug, trace) or module=level";

impl Filter {
    /// Parses `level` and `module=level`, separated by commas, in any order. An empty filter means `info`.
    pub fn parse(filter: &str) -> Result<Filter, FilterError> {
        let mut targets = Targets::new().with_default(LevelFilter::INFO);
        for part in filter.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let refuse = |why| FilterError { filter: filter.to_owned(), part: part.to_owned(), why };
            targets = match part.split_once('=') {
                None => targets.with_default(level(part).ok_or_else(|| refuse(NOT_A_LEVEL))?),
                Some((module, _)) if !is_module(module) => {
                    return Err(refuse("does not name a module before '='"));
                }
                Some((module, word)) => {
                    targets.with_target(module, level(word).ok_or_else(|| refuse(NOT_A_LEVEL))?)
                }
            };
        }
        Ok(Filter { targets })
    }

    pub(in crate::telemetry) fn targets(&self) -> Targets {
        self.targets.clone()
    }
}

fn level(word: &str) -> Option<LevelFilter> {
    match word.to_ascii_lowercase().as_str() {
        "off" => Some(LevelFilter::OFF),
        "error" => Some(LevelFilter::ERROR),
        "warn" => Some(LevelFilter::WARN),
        "info" => Some(LevelFilter::INFO),
        "debug" => Some(LevelFilter::DEBUG),
        "trace" => Some(LevelFilter::TRACE),
        _ => None,
    }
}

fn is_module(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-' | '.'))
}
