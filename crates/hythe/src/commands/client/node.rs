//! `hythe nodes`

use serde_json::{Value, json};

use super::{ALL, Desk, words};
use crate::failure::Failure;

pub(super) async fn list(desk: &Desk) -> Result<(), Failure> {
    let columns = [
        ("NAME", "/name"),
        ("STATE", "/state"),
        ("VERSION", "/version"),
        ("SINCE", "/started_at"),
        ("SEEN", "/seen_at"),
        ("REQUESTS", "/load/requests"),
        ("TRANSFERS", "/load/transfers"),
        ("CLOCK", "/clock"),
        ("TROUBLE", "/trouble"),
        ("ADDRESSES", "/addresses"),
    ];
    let mut nodes = desk.remote.list("nodes", ALL).await?;
    if desk.is_text() {
        nodes.iter_mut().for_each(summarize);
    }
    desk.show_list(&nodes, &columns);
    Ok(())
}

/// Adds what a table has room for: what is wrong, and by how much the clock is.
fn summarize(node: &mut Value) {
    let parts = node["components"].as_array().into_iter().flatten();
    let troubles: Vec<String> = parts.filter_map(trouble).collect();
    node["trouble"] = json!(troubles.join("; "));
    node["clock"] = json!(match node["clock_offset_ms"].as_i64().unwrap_or(0) / 1000 {
        0 => "right".to_owned(),
        seconds => format!("{seconds:+} s"),
    });
}

fn trouble(part: &Value) -> Option<String> {
    let (name, error) = (part["name"].as_str()?, part["error"].as_str()?);
    Some(format!("{name}: {error} (since {})", words::time(part.get("since"))))
}
