//! The two little languages of Harbor's lists: `q=` filters and `sort=` orders.
//!
//! `q` is a comma list of `name=value` (exact), `name=~value` (contains), `name=[min~max]`, `name={a b}` (any of) and
//! `name=(a b)` (all of); a value that begins with one of these signs is written behind a backslash
//! (Harbor's `src/lib/q`). A list says which names it knows; any other is an error, for a filter that is ignored
//! shows more than was asked for.

use std::borrow::Cow;

use http::StatusCode;

use super::RestFailure;

/// More than any client filters by.
const MOST_FILTERS: usize = 16;
const LONGEST: usize = 4096;

/// From and to, microseconds since the epoch; an open end is none.
pub(super) type Span = (Option<i64>, Option<i64>);

/// The filters of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filters(Vec<(String, Wanted)>);

/// What one filter asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Exactly this.
    Exact(String),
    /// This as a part.
    Contains(String),
    /// Between these, both included; an empty end is open.
    Range(String, String),
    /// Any of these.
    Any(Vec<String>),
    /// All of these.
    All(Vec<String>),
}

impl Filters {
    /// Reads `q`; every name must be one of `known`.
    pub(super) fn parse(q: Option<&str>, known: &[&str]) -> Result<Filters, RestFailure> {
        let Some(q) = q.filter(|q| !q.is_empty()) else { return Ok(Filters::default()) };
        if q.len() > LONGEST {
            return Err(bad(format!("q is longer than {LONGEST} bytes")));
        }
        let q = &decoded(q);
        let filters =
            split(q).into_iter().map(|part| parse_filter(part, known)).collect::<Result<Vec<_>, _>>()?;
        if filters.len() > MOST_FILTERS {
            return Err(bad(format!("q has more than {MOST_FILTERS} filters")));
        }
        Ok(Filters(filters))
    }

    /// The filter of this name.
    pub(super) fn find(&self, name: &str) -> Option<&Wanted> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, wanted)| wanted)
    }

    /// A filter that must be exact.
    pub(super) fn exact(&self, name: &str) -> Result<Option<&str>, RestFailure> {
        match self.find(name) {
            None => Ok(None),
            Some(Wanted::Exact(value)) => Ok(Some(value)),
            Some(_) => Err(bad(format!("q: {name} is compared exactly; write {name}=VALUE"))),
        }
    }

    /// A filter that may be exact or a part: the text, and whether it must be the whole.
    pub(super) fn text(&self, name: &str) -> Result<Option<(&str, bool)>, RestFailure> {
        match self.find(name) {
            None => Ok(None),
            Some(Wanted::Exact(value)) => Ok(Some((value, true))),
            Some(Wanted::Contains(value)) => Ok(Some((value, false))),
            Some(_) => Err(bad(format!("q: {name} takes {name}=VALUE or {name}=~PART"))),
        }
    }

    /// A filter that must be a truth value.
    pub(super) fn truth(&self, name: &str) -> Result<Option<bool>, RestFailure> {
        match self.exact(name)? {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(other) => Err(bad(format!("q: {name} is true or false, not {other:?}"))),
        }
    }

    /// A filter that must be a number.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, RestFailure> {
        let parse = |value: &str| {
            value.parse().map_err(|_| {
                bad(format!("q: {name} is a number, not {:?}", value.get(..32).unwrap_or(value)))
            })
        };
        self.exact(name)?.map(parse).transpose()
    }

    /// A filter that must be a time or a span of times, in microseconds since the epoch; an open end is none.
    pub(super) fn times(&self, name: &str) -> Result<Option<Span>, RestFailure> {
        match self.find(name) {
            None => Ok(None),
            Some(Wanted::Exact(value)) => time(name, value).map(|time| Some((time, time))),
            Some(Wanted::Range(min, max)) => Ok(Some((time(name, min)?, time(name, max)?))),
            Some(_) => Err(bad(format!("q: {name} takes {name}=TIME or {name}=[FROM~TO]"))),
        }
    }
}

/// Harbor's `2006-01-02T15:04:05` in UTC, or RFC 3339; nothing for an open end.
fn time(name: &str, text: &str) -> Result<Option<i64>, RestFailure> {
    if text.is_empty() {
        return Ok(None);
    }
    let spaced = text.replace(' ', "T");
    let stamp = spaced.parse::<jiff::Timestamp>().or_else(|_| format!("{spaced}Z").parse());
    match stamp {
        Ok(stamp) => Ok(Some(stamp.as_microsecond())),
        Err(_) => Err(bad(format!(
            "q: {name}: {:?} is no time like 2006-01-02T15:04:05",
            text.get(..32).unwrap_or(text)
        ))),
    }
}

/// Harbor undoes one more encoding than the query has, and harbor-cli writes `Level%3Dproject` for it.
fn decoded(q: &str) -> Cow<'_, str> {
    if q.contains('=') {
        return Cow::Borrowed(q);
    }
    url::form_urlencoded::parse(q.as_bytes()).next().map_or(Cow::Borrowed(q), |(decoded, _)| decoded)
}

/// At commas that are not inside brackets.
fn split(q: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_u32, 0, Vec::new());
    for (index, sign) in q.char_indices() {
        match sign {
            '[' | '{' | '(' => depth = depth.saturating_add(1),
            ']' | '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&q[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&q[start..]);
    parts
}

fn parse_filter(part: &str, known: &[&str]) -> Result<(String, Wanted), RestFailure> {
    let (name, value) = part.split_once('=').ok_or_else(|| {
        bad(format!("q: {:?} is no filter; write name=value", part.get(..64).unwrap_or(part)))
    })?;
    let name = name.trim();
    if !known.contains(&name) {
        let name = name.get(..64).unwrap_or(name);
        return Err(bad(format!(
            "q: this list cannot be filtered by {name:?}; it can by {}",
            known.join(", ")
        )));
    }
    Ok((name.to_owned(), parse_wanted(name, value)?))
}

fn parse_wanted(name: &str, value: &str) -> Result<Wanted, RestFailure> {
    if let Some(literal) = value.strip_prefix('\\') {
        return Ok(Wanted::Exact(literal.to_owned()));
    }
    if let Some(part) = value.strip_prefix('~') {
        return Ok(Wanted::Contains(part.to_owned()));
    }
    if let Some(inside) = enclosed(name, value, '[', ']')? {
        let (min, max) = inside
            .split_once('~')
            .ok_or_else(|| bad(format!("q: {name}: write a span as {name}=[FROM~TO]")))?;
        return Ok(Wanted::Range(min.to_owned(), max.to_owned()));
    }
    if let Some(inside) = enclosed(name, value, '{', '}')? {
        return Ok(Wanted::Any(words(inside)));
    }
    if let Some(inside) = enclosed(name, value, '(', ')')? {
        return Ok(Wanted::All(words(inside)));
    }
    Ok(Wanted::Exact(value.to_owned()))
}

fn enclosed<'a>(name: &str, value: &'a str, open: char, close: char) -> Result<Option<&'a str>, RestFailure> {
    let Some(inside) = value.strip_prefix(open) else { return Ok(None) };
    match inside.strip_suffix(close) {
        Some(inside) => Ok(Some(inside)),
        None => Err(bad(format!(
            "q: {name}: {open} is not closed by {close}; a value that begins with it is written behind a backslash"
        ))),
    }
}

/// Words between spaces; one in quotation marks may hold spaces.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"').and_then(|quoted| quoted.split_once('"')) {
            Some(found) => found,
            None => rest.split_once(' ').unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SortKey {
    /// The field.
    pub(super) name: String,
    /// From the end to the beginning.
    pub(super) descending: bool,
}

/// Reads `sort`: names that must be among `known`, a minus for descending. Lists order by the first only, then by
/// their own key.
pub(super) fn parse_sort(sort: Option<&str>, known: &[&str]) -> Result<Option<SortKey>, RestFailure> {
    let keys = sort.unwrap_or_default().split(',').map(str::trim).filter(|key| !key.is_empty());
    let mut keys = keys.map(|key| {
        let (name, descending) = key.strip_prefix('-').map_or((key, false), |name| (name, true));
        if known.contains(&name) {
            return Ok(SortKey { name: name.to_owned(), descending });
        }
        let name = name.get(..64).unwrap_or(name);
        Err(bad(format!("sort: this list cannot be ordered by {name:?}; it can by {}", known.join(", "))))
    });
    let first = keys.next().transpose()?;
    keys.try_for_each(|key| key.map(|_| ()))?;
    Ok(first)
}

fn bad(message: String) -> RestFailure {
    RestFailure::new(StatusCode::BAD_REQUEST, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(q: &str) -> Vec<(String, Wanted)> {
        Filters::parse(Some(q), &["name", "public", "tags", "time"]).unwrap().0
    }

    #[test]
    fn every_form_is_read() {
        let exact = |value: &str| Wanted::Exact(value.to_owned());
        for (q, wanted) in [
            ("name=a", exact("a")),
            ("name=~a", Wanted::Contains("a".to_owned())),
            ("name=\\~a", exact("~a")),
            ("name=[1~2]", Wanted::Range("1".to_owned(), "2".to_owned())),
            ("name={a \"b c\"}", Wanted::Any(vec!["a".to_owned(), "b c".to_owned()])),
            ("name=(a b)", Wanted::All(vec!["a".to_owned(), "b".to_owned()])),
            ("name=a=b", exact("a=b")),
            ("name%3D~a", Wanted::Contains("a".to_owned())),
            ("name=a%3Db", exact("a%3Db")),
        ] {
            assert_eq!(parse(q), [("name".to_owned(), wanted)], "{q}");
        }
        assert_eq!(parse("name=a,public=true").len(), 2);
        assert_eq!(parse("tags={a,b c},name=x").len(), 2);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for q in ["name", "=a", "size=1", "name=[1", "name={a", "name=[1-2]"] {
            assert!(Filters::parse(Some(q), &["name"]).is_err(), "{q}");
        }
        let filters = Filters::parse(Some("public=perhaps"), &["public"]).unwrap();
        assert!(filters.truth("public").is_err());
    }

    #[test]
    fn times_are_read_in_utc() {
        let filters = Filters::parse(Some("time=[2026-01-02T00:00:00~]"), &["time"]).unwrap();
        assert_eq!(filters.times("time").unwrap(), Some((Some(1_767_312_000_000_000), None)));
    }

    #[test]
    fn an_order_is_one_of_the_lists_own() {
        let key = parse_sort(Some("-name"), &["name"]).unwrap();
        assert_eq!(key, Some(SortKey { name: "name".to_owned(), descending: true }));
        assert!(parse_sort(Some("name,size"), &["name"]).is_err());
        assert_eq!(parse_sort(None, &["name"]).unwrap(), None);
    }
}
