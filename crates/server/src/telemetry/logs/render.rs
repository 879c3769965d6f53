//! The two shapes of a line: text for a person, JSON for a machine.

use std::io::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tracing::Level;

use super::Options;
use super::line::{Line, Value};

/// Turns a line into bytes, newline included.
#[derive(Debug)]
pub(super) enum Render {
    /// The node is named where the text does not go to a terminal, where lines of several nodes may meet.
    Text {
        colour: bool,
        node: Option<String>,
        zone: TimeZone,
    },
    Json {
        node: String,
    },
}

impl Render {
    pub(super) fn text(options: &Options, terminal: bool) -> Render {
        let node = (!terminal).then(|| options.node.clone());
        Render::Text { colour: options.colour && terminal, node, zone: TimeZone::system() }
    }

    pub(super) fn json(options: &Options) -> Render {
        Render::Json { node: options.node.clone() }
    }

    /// Appends the line. Writing to a `Vec` cannot fail, so results are dropped.
    pub(super) fn line(&self, line: &Line, out: &mut Vec<u8>) {
        let now = Timestamp::now();
        match self {
            Render::Json { node } => json(line, now, node, out),
            Render::Text { colour, node, zone } => {
                text(line, now, zone, node.as_deref(), Colours::new(*colour, line.level), out);
            }
        }
        out.push(b'\n');
    }
}

/// Names that every JSON line already has.
const TAKEN: &[&str] = &["timestamp", "level", "message", "node", "target"];

fn json(line: &Line, now: Timestamp, node: &str, out: &mut Vec<u8>) {
    let _ = write!(out, "{{\"timestamp\":\"{now:.6}\",\"level\":\"{}\",\"message\":", line.level);
    quote(&line.message, out);
    out.extend_from_slice(b",\"node\":");
    quote(node, out);
    out.extend_from_slice(b",\"target\":");
    quote(line.target, out);
    for (name, value) in &line.fields.0 {
        let _ = match TAKEN.contains(name) {
            true => write!(out, ",\"field_{name}\":"),
            false => write!(out, ",\"{name}\":"),
        };
        json_value(value, out);
    }
    out.push(b'}');
}

fn json_value(value: &Value, out: &mut Vec<u8>) {
    let _ = match value {
        Value::Text(text) => return quote(text, out),
        Value::Signed(number) => write!(out, "{number}"),
        Value::Unsigned(number) => write!(out, "{number}"),
        Value::Float(number) if number.is_finite() => write!(out, "{number}"),
        Value::Float(_) => write!(out, "null"),
        Value::Bool(truth) => write!(out, "{truth}"),
    };
}

fn quote(text: &str, out: &mut Vec<u8>) {
    let _ = serde_json::to_writer(out, text);
}

/// Terminal codes, empty where colours are off.
struct Colours {
    level: &'static str,
    dim: &'static str,
    off: &'static str,
}

impl Colours {
    fn new(on: bool, level: Level) -> Colours {
        if !on {
            return Colours { level: "", dim: "", off: "" };
        }
        let level = match level {
            Level::ERROR => "\x1b[1;31m",
            Level::WARN => "\x1b[33m",
            Level::INFO => "\x1b[32m",
            Level::DEBUG => "\x1b[34m",
            Level::TRACE => "\x1b[35m",
        };
        Colours { level, dim: "\x1b[2m", off: "\x1b[0m" }
    }
}

fn text(
    line: &Line,
    now: Timestamp,
    zone: &TimeZone,
    node: Option<&str>,
    colours: Colours,
    out: &mut Vec<u8>,
) {
    let Colours { level, dim, off } = colours;
    let time = now.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.3f");
    let _ = write!(out, "{dim}{time}{off} {level}{:>5}{off} ", line.level.as_str());
    plain(&line.message, out);
    for (name, value) in &line.fields.0 {
        let _ = write!(out, "  {dim}{name}={off}");
        text_value(value, out);
    }
    if let Some(node) = node {
        let _ = write!(out, "  {dim}node={off}");
        plain(node, out);
    }
}

fn text_value(value: &Value, out: &mut Vec<u8>) {
    let _ = match value {
        Value::Text(text) if is_word(text) => return out.extend_from_slice(text.as_bytes()),
        Value::Text(text) => return quote(text, out),
        Value::Signed(number) => write!(out, "{number}"),
        Value::Unsigned(number) => write!(out, "{number}"),
        Value::Float(number) => write!(out, "{number}"),
        Value::Bool(truth) => write!(out, "{truth}"),
    };
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'=')
}

/// A client's bytes must not move the cursor of whoever reads the log.
fn plain(text: &str, out: &mut Vec<u8>) {
    for character in text.chars() {
        match character.is_control() {
            true => drop(write!(out, "{}", character.escape_default())),
            false => drop(write!(out, "{character}")),
        }
    }
}
