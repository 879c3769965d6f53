//! HTTP in, HTTP out: the listener and every route.
//!
//! A request comes in through [`listener`], passes [`telemetry`], and reaches `protocol` (`/v2/`), `token`
//! (`/service/token`), `rest` (`/api/v2.0`) or `console` (a browser's pages). Handlers hold no rules: they ask `hythe-registry` for a permit and
//! then for the deed. [`app`] joins it all.

mod answer;
pub mod app;
mod console;
mod cookies;
pub mod doctor;
mod health;
mod host;
mod identity;
pub mod listener;
mod oidc;
pub mod options;
mod presence;
mod protocol;
mod rest;
mod sign_in;
mod state;
pub mod telemetry;
mod token;
mod unread;
mod urls;

pub use app::Node;
pub use console::has_console;
pub use options::Options;
