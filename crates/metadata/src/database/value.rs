//! What goes into a statement and what comes out of a row: five kinds of value, the same on both engines.

use std::borrow::Cow;
use std::str::FromStr;
use std::vec;

use hythe_oci::digest::{Algorithm, Digest};
use hythe_oci::name::{ProjectName, RepositoryName};
use hythe_oci::tag::Tag;
use hythe_oci::upload_id::UploadId;

use super::statement::Statement;
use crate::error::{Error, Result};

/// One argument of a statement or one cell of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Bool(bool),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl Value<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Int(_) => "an integer",
            Value::Bool(_) => "a boolean",
            Value::Text(_) => "a text",
            Value::Bytes(_) => "bytes",
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Int(value)
    }
}

impl From<u32> for Value<'_> {
    fn from(value: u32) -> Self {
        Value::Int(value.into())
    }
}

/// Sizes are far below 2⁶³; one that is not is stored as the largest and fails on the next comparison.
impl From<u64> for Value<'_> {
    fn from(value: u64) -> Self {
        Value::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<i16> for Value<'_> {
    fn from(value: i16) -> Self {
        Value::Int(value.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Value::Text(Cow::Borrowed(value))
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Value::Text(Cow::Owned(value))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Bytes(Cow::Borrowed(value))
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Value::Bytes(Cow::Borrowed(value))
    }
}

impl From<&Digest> for Value<'_> {
    fn from(value: &Digest) -> Self {
        value.to_string().into()
    }
}

impl From<Algorithm> for Value<'_> {
    fn from(value: Algorithm) -> Self {
        Value::Text(Cow::Borrowed(value.as_str()))
    }
}

impl From<UploadId> for Value<'_> {
    fn from(value: UploadId) -> Self {
        value.to_string().into()
    }
}

impl<'a> From<&'a RepositoryName> for Value<'a> {
    fn from(value: &'a RepositoryName) -> Self {
        value.as_str().into()
    }
}

impl<'a> From<&'a ProjectName> for Value<'a> {
    fn from(value: &'a ProjectName) -> Self {
        value.as_str().into()
    }
}

impl<'a> From<&'a Tag> for Value<'a> {
    fn from(value: &'a Tag) -> Self {
        value.as_str().into()
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// A list as one argument: JSON text, opened inside the statement by `json_each` or `jsonb_array_elements_text`.
pub(crate) fn list<T: ToString>(items: &[T]) -> Value<'static> {
    let strings = items.iter().map(|item| serde_json::Value::String(item.to_string())).collect();
    serde_json::Value::Array(strings).to_string().into()
}

/// A pattern for `lower(column) LIKE $n ESCAPE '\'`: the text itself, or whatever contains it, in any case.
pub(crate) fn pattern(text: &str, whole: bool) -> Value<'static> {
    let mut pattern = String::with_capacity(text.len() + 2);
    let around = if whole { "" } else { "%" };
    pattern.push_str(around);
    for sign in text.to_lowercase().chars() {
        if matches!(sign, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern.push_str(around);
    pattern.into()
}

/// A row on its way into a struct: its cells are taken in the order of the statement's columns.
#[derive(Debug)]
pub(crate) struct Row {
    statement: &'static Statement,
    cells: vec::IntoIter<Value<'static>>,
    #[cfg(debug_assertions)]
    columns: vec::IntoIter<String>,
}

impl Row {
    /// `columns` gives the names of the statement's columns; it is asked in debug builds only.
    pub(crate) fn new(
        statement: &'static Statement,
        cells: Vec<Value<'static>>,
        columns: impl FnOnce() -> Vec<String>,
    ) -> Row {
        let _ = &columns;
        Row {
            statement,
            cells: cells.into_iter(),
            #[cfg(debug_assertions)]
            columns: columns().into_iter(),
        }
    }

    /// The next cell. `column` is its name in the statement, for the error text; debug builds hold it against
    /// the statement, so that two swapped columns of one type fail the first test that reads them.
    pub(crate) fn take<T: FromValue>(&mut self, column: &'static str) -> Result<T> {
        #[cfg(debug_assertions)]
        if let Some(actual) = self.columns.next()
            && actual != column
        {
            return Err(self.corrupt(column, format!("the statement has column {actual} in this place")));
        }
        let Some(value) = self.cells.next() else {
            return Err(self.corrupt(column, "the row has no such column".to_owned()));
        };
        T::from_value(value).map_err(|reason| self.corrupt(column, reason))
    }

    pub(crate) fn corrupt(&self, column: &'static str, reason: String) -> Error {
        Error::Corrupt { statement: self.statement.to_string(), column, reason }
    }
}

/// A struct that a statement's row can be read into.
pub(crate) trait FromRow: Sized {
    fn from_row(row: &mut Row) -> Result<Self>;
}

/// A type that one cell can be read into; the error says what was there instead.
pub(crate) trait FromValue: Sized {
    fn from_value(value: Value<'static>) -> Result<Self, String>;
}

impl FromValue for i64 {
    fn from_value(value: Value<'static>) -> Result<i64, String> {
        match value {
            Value::Int(value) => Ok(value),
            other => Err(format!("expected an integer, found {}", other.kind())),
        }
    }
}

impl FromValue for u64 {
    fn from_value(value: Value<'static>) -> Result<u64, String> {
        let value = i64::from_value(value)?;
        u64::try_from(value).map_err(|_| format!("expected a size, found {value}"))
    }
}

impl FromValue for i16 {
    fn from_value(value: Value<'static>) -> Result<i16, String> {
        let value = i64::from_value(value)?;
        i16::try_from(value).map_err(|_| format!("expected a small number, found {value}"))
    }
}

/// SQLite has no booleans: there they are 0 and 1.
impl FromValue for bool {
    fn from_value(value: Value<'static>) -> Result<bool, String> {
        match value {
            Value::Bool(value) => Ok(value),
            Value::Int(0) => Ok(false),
            Value::Int(1) => Ok(true),
            other => Err(format!("expected a boolean, found {}", other.kind())),
        }
    }
}

impl FromValue for String {
    fn from_value(value: Value<'static>) -> Result<String, String> {
        match value {
            Value::Text(text) => Ok(text.into_owned()),
            other => Err(format!("expected a text, found {}", other.kind())),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value<'static>) -> Result<Vec<u8>, String> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.into_owned()),
            other => Err(format!("expected bytes, found {}", other.kind())),
        }
    }
}

/// A list in one cell, as JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl FromValue for Json<Vec<String>> {
    fn from_value(value: Value<'static>) -> Result<Self, String> {
        let text = String::from_value(value)?;
        serde_json::from_str(&text).map(Json).map_err(|error| error.to_string())
    }
}

impl FromValue for Json<Vec<i64>> {
    fn from_value(value: Value<'static>) -> Result<Self, String> {
        let text = String::from_value(value)?;
        serde_json::from_str(&text).map(Json).map_err(|error| error.to_string())
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value<'static>) -> Result<Option<T>, String> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

fn parse<T: FromStr<Err: std::fmt::Display>>(value: Value<'static>) -> Result<T, String> {
    let text = String::from_value(value)?;
    text.parse().map_err(|error| format!("{text:?}: {error}"))
}

macro_rules! parsed_from_text {
    ($($type:ty),* $(,)?) => {$(
        impl FromValue for $type {
            fn from_value(value: Value<'static>) -> Result<$type, String> {
                parse(value)
            }
        }
    )*};
}

parsed_from_text!(Algorithm, Digest, ProjectName, RepositoryName, Tag, UploadId);

macro_rules! row_of_one_column {
    ($($type:ty),* $(,)?) => {$(
        impl FromRow for $type {
            fn from_row(row: &mut Row) -> Result<$type> {
                row.take("value")
            }
        }
    )*};
}

row_of_one_column!(bool, i16, i64, String, Digest, RepositoryName, UploadId);
