//! The API's values as people read them: times in one form, and words for what has none.

use jiff::Timestamp;
use serde_json::Value;

use super::text;
use crate::output;

/// How the API, as Harbor's, writes the time of what never happened.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A value at a place in an entry, for a table.
pub(super) fn cell(place: &str, value: Option<&Value>) -> String {
    if is_time(place) { time(value) } else { text(value) }
}

/// The API names times alike.
fn is_time(place: &str) -> bool {
    ["_time", "_at", "/time", "/since", "/run_after"].iter().any(|ending| place.ends_with(ending))
}

/// A time to the second: text, or seconds since the epoch where -1 is never.
pub(super) fn time(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) if text == NEVER => "never".to_owned(),
        Some(Value::Number(seconds)) => match seconds.as_i64() {
            Some(-1) => "never".to_owned(),
            Some(seconds) => {
                Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), output::time)
            }
            None => seconds.to_string(),
        },
        other => {
            let text = text(other);
            text.parse().map_or(text, output::time)
        }
    }
}

/// Says of what did not happen, and is absent for that, that it never did.
pub(super) fn name_absent(entries: &mut [Value], fields: &[&str]) {
    for entry in entries {
        for field in fields {
            if entry.get(field).is_none_or(Value::is_null) {
                entry[*field] = "never".into();
            }
        }
    }
}

/// `it expires on 2026-12-21`, by what an answer says of it.
pub(super) fn expiry(answer: &Value) -> String {
    match time(answer.get("expires_at")).as_str() {
        "" | "never" => "it never expires".to_owned(),
        time => format!("it expires on {}", time.get(..10).unwrap_or(time)),
    }
}

/// `1 manifest`, `2 manifests`.
pub(super) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_are_to_the_second_and_never_is_a_word() {
        let shown = |value: Value| cell("/pull_time", Some(&value));
        assert_eq!(shown(json!("2026-11-21T18:32:47.123456Z")), "2026-11-21T18:32:47Z");
        assert_eq!(shown(json!("0001-01-01T00:00:00Z")), "never");
        assert_eq!(shown(json!(1_795_285_967)), "2026-11-21T18:32:47Z");
        assert_eq!(shown(json!(-1)), "never");
        assert_eq!(shown(Value::Null), "");
        assert_eq!(cell("/name", Some(&json!("2026-11-21T18:32:47.123456Z"))), "2026-11-21T18:32:47.123456Z");
    }

    #[test]
    fn the_end_of_a_secret_is_said() {
        assert_eq!(expiry(&json!({ "expires_at": 1_797_877_967 })), "it expires on 2026-12-21");
        assert_eq!(expiry(&json!({ "expires_at": "2026-12-21T18:32:47.5Z" })), "it expires on 2026-12-21");
        for never in [json!({ "expires_at": -1 }), json!({ "expires_at": null }), json!({})] {
            assert_eq!(expiry(&never), "it never expires");
        }
    }

    #[test]
    fn one_is_one() {
        assert_eq!([0, 1, 2].map(|number| count(number, "tag")), ["0 tags", "1 tag", "2 tags"]);
    }
}
