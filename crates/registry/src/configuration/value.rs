//! Values on their way in: Harbor's clients write numbers and truth values as such or as text.

use serde_json::{Map, Value};

use super::items::{Item, Kind};
use crate::error::Error;

/// More than any banner or filter needs.
const LONGEST_TEXT: usize = 16 * 1024;

/// The value in the form in which it is kept, or words about what is wrong with it.
pub(super) fn read(item: &Item, given: &Value) -> crate::error::Result<Value> {
    let read = match item.kind {
        Kind::Truth(_) => truth(given),
        Kind::Number { least, most, .. } => number(given, least, most),
        Kind::Text(_) | Kind::Secret => text(given),
        Kind::Word(words) => word(given, words),
        Kind::Words(words) => some_words(given, words),
        Kind::Pairs => pairs(given),
    };
    read.map_err(|expected| {
        let shown =
            if matches!(item.kind, Kind::Secret) { "it".to_owned() } else { shorten(&given.to_string()) };
        Error::bad_request(format!("{} cannot be set: {shown} is not {expected}", item.key))
            .with_detail(serde_json::json!({ "key": item.key }))
    })
}

fn truth(given: &Value) -> Result<Value, String> {
    match given {
        Value::Bool(truth) => Ok(Value::Bool(*truth)),
        Value::String(text) if text == "true" => Ok(Value::Bool(true)),
        Value::String(text) if text == "false" => Ok(Value::Bool(false)),
        _ => Err("true or false".to_owned()),
    }
}

fn number(given: &Value, least: i64, most: i64) -> Result<Value, String> {
    let number = match given {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| (least..=most).contains(number));
    number.map(Value::from).ok_or_else(|| format!("a whole number from {least} to {most}"))
}

fn text(given: &Value) -> Result<Value, String> {
    match given {
        Value::String(text) if text.len() <= LONGEST_TEXT => Ok(Value::String(text.clone())),
        _ => Err(format!("a text of at most {LONGEST_TEXT} bytes")),
    }
}

fn word(given: &Value, words: &[&str]) -> Result<Value, String> {
    match given.as_str() {
        Some(text) if words.contains(&text) => Ok(Value::String(text.to_owned())),
        _ => Err(format!("one of {}", words.join(", "))),
    }
}

/// Words apart by commas, with or without spaces.
fn some_words(given: &Value, words: &[&str]) -> Result<Value, String> {
    let all = given.as_str().map(|text| text.split(',').map(str::trim).filter(|word| !word.is_empty()));
    let known = all.and_then(|mut all| {
        all.try_fold(Vec::new(), |mut known, word| {
            known.push(*words.iter().find(|one| **one == word)?);
            Some(known)
        })
    });
    match known {
        Some(known) => Ok(Value::String(known.join(","))),
        None => Err(format!("a list of some of {}", words.join(", "))),
    }
}

/// An object, or the text of one; empty text is an empty object.
fn pairs(given: &Value) -> Result<Value, String> {
    let read: Option<Map<String, Value>> = match given {
        Value::Object(pairs) => Some(pairs.clone()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) if text.len() <= LONGEST_TEXT => serde_json::from_str(text).ok(),
        _ => None,
    };
    let read = read.filter(|pairs| pairs.values().all(Value::is_string));
    read.map(Value::Object).ok_or_else(|| "a JSON object of texts".to_owned())
}

fn shorten(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::items::{self, find};
    use super::*;

    #[test]
    fn words_are_known_ones_apart_by_commas() {
        let item = &items::DISABLED_AUDIT_LOG_EVENT_TYPES;
        assert_eq!(
            read(item, &json!("create_user, pull_artifact")).unwrap(),
            json!("create_user,pull_artifact")
        );
        assert_eq!(read(item, &json!("")).unwrap(), json!(""));
        assert!(read(item, &json!("create_user,nonsense")).is_err());
    }

    #[test]
    fn numbers_and_truth_values_may_be_texts() {
        assert_eq!(read(&items::READ_ONLY, &json!("true")).unwrap(), json!(true));
        assert_eq!(read(&items::STORAGE_PER_PROJECT, &json!("-1")).unwrap(), json!(-1));
        assert_eq!(
            read(&items::OIDC_EXTRA_REDIRECT_PARMS, &json!("{\"a\":\"b\"}")).unwrap(),
            json!({ "a": "b" })
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_with_what_would() {
        let cases = [
            ("token_expiration", json!(0), "from 1 to 1440"),
            ("token_expiration", json!(1.5), "whole number"),
            ("auth_mode", json!("http_auth"), "one of db_auth, ldap_auth, oidc_auth"),
            ("read_only", json!("yes"), "true or false"),
            ("oidc_extra_redirect_parms", json!("{\"a\":1}"), "JSON object of texts"),
        ];
        for (key, given, words) in cases {
            let error = read(find(key).unwrap(), &given).unwrap_err();
            assert!(
                error.message().starts_with(key) && error.message().contains(words),
                "{}",
                error.message()
            );
        }
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let error = read(&items::LDAP_SEARCH_PASSWORD, &json!(["hush"])).unwrap_err();
        assert!(!error.message().contains("hush"));
    }
}
