//! Log lines on standard output: text for a person at a terminal, JSON lines elsewhere.

mod filter;
mod layer;
mod line;
mod render;
mod repeat;
mod sink;

pub use filter::{Filter, FilterError};
pub use layer::LogLayer;
pub(in crate::telemetry) use sink::WRITER;

use std::io::{self, IsTerminal as _};
use std::str::FromStr;
use std::sync::Arc;

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Text when standard output is a terminal, JSON otherwise.
    #[default]
    Auto,
    Text,
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Format, String> {
        match text {
            "auto" => Ok(Format::Auto),
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            other => Err(format!("log format {other:?} is unknown, use auto, text or json")),
        }
    }
}

/// What is logged, and how.
#[derive(Debug, Clone)]
pub struct Options {
    pub format: Format,
    /// A level, or levels by module: `info`, `warn,hythe_registry=debug`.
    pub filter: String,
    /// The name of this node, on every JSON line.
    pub node: String,
    /// Colours on a terminal; false where the environment has `NO_COLOR`.
    pub colour: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { format: Format::Auto, filter: "info".to_owned(), node: String::new(), colour: true }
    }
}

/// Writes what is left when dropped.
#[derive(Debug)]
#[must_use = "dropping the guard ends logging"]
pub struct Guard {
    sink: Arc<sink::Sink>,
    layer: Arc<layer::Shared>,
}

impl Guard {
    /// Writes what is left; lines that come later are written by their callers.
    pub fn shutdown(self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.layer.write_folded();
        self.sink.close();
    }
}

/// The layer that writes to standard output. Its filter is applied by the caller.
pub fn layer(options: &Options) -> io::Result<(LogLayer, Guard)> {
    let terminal = io::stdout().is_terminal();
    let render = match options.format {
        Format::Text => render::Render::text(options, terminal),
        Format::Json => render::Render::json(options),
        Format::Auto if terminal => render::Render::text(options, terminal),
        Format::Auto => render::Render::json(options),
    };
    layer_to(render, Box::new(io::stdout()))
}

fn layer_to(render: render::Render, out: Box<dyn io::Write + Send>) -> io::Result<(LogLayer, Guard)> {
    let sink = sink::Sink::new(out);
    let shared = Arc::new(layer::Shared::new(render, Arc::clone(&sink)));
    sink.start(&shared)?;
    let guard = Guard { sink, layer: Arc::clone(&shared) };
    Ok((LogLayer::new(shared), guard))
}

#[cfg(test)]
pub(in crate::telemetry) mod testing;
#[cfg(test)]
mod tests;
