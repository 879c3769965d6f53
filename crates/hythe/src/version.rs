//! What this binary is made of.

use serde::Serialize;

/// The build, as `hythe version` prints it.
#[derive(Debug, Serialize)]
pub(crate) struct Version {
    pub(crate) version: &'static str,
    pub(crate) commit: &'static str,
    pub(crate) rustc: &'static str,
    pub(crate) target: &'static str,
}

pub(crate) const VERSION: Version = Version {
    version: env!("CARGO_PKG_VERSION"),
    commit: env!("HYTHE_BUILD_COMMIT"),
    rustc: env!("HYTHE_BUILD_RUSTC"),
    target: env!("HYTHE_BUILD_TARGET"),
};
