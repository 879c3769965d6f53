//! Why an artifact is kept or goes, once: in words, and as a kind with its values for those who say it in other words.
//!
//! The console has each kind as `retention.why.KIND` in `console/src/i18n`, which a test here holds against this table. A
//! kind keeps its values.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};

/// What decided, for programs: a kind and its values. Those of later versions can be read too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Which of the reasons it is.
    pub kind: String,
    /// What its words fill in, by name.
    pub values: BTreeMap<String, String>,
}

/// A reason, and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) reason: Reason,
    pub(super) words: String,
}

macro_rules! reasons {
    ($($kind:ident($($value:ident),*): $words:literal;)*) => {
        $(
            #[doc = $words]
            pub(super) fn $kind($($value: impl Display),*) -> Told {
                $(let $value = $value.to_string();)*
                let words = format!($words);
                let values = [$((stringify!($value).to_owned(), $value)),*];
                let reason = Reason { kind: stringify!($kind).to_owned(), values: BTreeMap::from(values) };
                Told { reason, words }
            }
        )*

        #[cfg(test)]
        const TABLE: &[(&str, &str)] = &[$((stringify!($kind), $words)),*];
    };
}

reasons! {
    pushed_last(rule, count): "rule {rule} keeps the {count} pushed last";
    pulled_last(rule, count): "rule {rule} keeps the {count} pulled last";
    active_last(rule, count): "rule {rule} keeps the {count} pushed or pulled last";
    pushed_within(rule, days): "rule {rule} keeps what was pushed within {days} days";
    pulled_within(rule, days): "rule {rule} keeps what was pulled within {days} days";
    always(rule): "rule {rule} keeps everything that it selects";
    immutable(rule, tag): "immutable tag rule {rule} protects the tag {tag}";
    no_rule(): "no rule keeps it";
    gone(): "somebody else has deleted it";
    retagged(): "its tags have changed since";
    part_of_index(index): "it has become a part of the index {index}";
    refused(error): "{error}";
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_reason_carries_what_its_words_fill_in() {
        let told = pushed_last(2, 10);
        assert_eq!(
            (told.words.as_str(), told.reason.kind.as_str()),
            ("rule 2 keeps the 10 pushed last", "pushed_last")
        );
        let values =
            [("count", "10"), ("rule", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(told.reason.values, BTreeMap::from(values));
    }

    fn console(language: &str) -> BTreeMap<String, String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../console/src/i18n").join(language);
        let texts: BTreeMap<String, String> =
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        texts.into_iter().filter(|(name, _)| name.starts_with("retention.why.")).collect()
    }

    #[test]
    fn the_console_has_every_reason_in_these_words_and_in_chinese() {
        let words: BTreeMap<String, String> = TABLE
            .iter()
            .map(|(kind, words)| (format!("retention.why.{kind}"), (*words).to_owned()))
            .collect();
        assert_eq!(console("en.json"), words);
        assert!(console("zh-CN.json").keys().eq(words.keys()), "{:?}", words.keys());
    }
}
