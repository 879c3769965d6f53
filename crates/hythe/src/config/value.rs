//! What a source said before it has a type, and the contract of every type that a setting can have.

use std::fmt;
use std::path::Path;

/// A value as its source wrote it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text without a type of its own: a variable, a flag or a default.
    Given(String),
    /// A string in `hythe.toml`.
    Text(String),
    Integer(i128),
    Boolean(bool),
    List(Vec<Value>),
    /// Something TOML knows and no setting uses: a float, a date, a table.
    Other(&'static str),
}

impl Value {
    /// The text, where the source gave text.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Given(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Says what was found, for the sentence "server.drain_seconds is …".
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(text) => write!(f, "{text:?}"),
            Self::Text(text) => write!(f, "the string {text:?}"),
            Self::Integer(number) => write!(f, "the number {number}"),
            Self::Boolean(flag) => write!(f, "{flag}"),
            Self::List(items) => write!(f, "a list of {}", items.len()),
            Self::Other(kind) => f.write_str(kind),
        }
    }
}

/// A type that a setting can have.
pub(crate) trait Setting: Sized {
    /// What to write, for the sentence "expected …".
    const EXPECTED: &'static str;
    /// Whether the value is a secret or holds one. A secret may also be given by a file that a variable names.
    const SECRET: bool = false;

    /// The value of a setting that no source names and that has no default.
    fn absent() -> Option<Self> {
        None
    }

    /// Reads the value; a relative path counts from `base`.
    fn read(value: &Value, base: &Path) -> Result<Self, Mismatch>;

    /// The value as it would stand in `hythe.toml`, secrets masked.
    fn show(&self) -> String;

    /// What was found, in words, secrets masked: for a value that cannot be read.
    fn describe(value: &Value) -> String {
        value.to_string()
    }
}

/// Why a value is not of its setting's type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// Of another kind altogether; the setting's `EXPECTED` says the rest.
    Kind,
    /// Of the right kind and still wrong, for the reason given.
    Because(String),
    /// One of several is wrong: which, and why unless it is of another kind.
    Item { found: String, reason: Option<String> },
}

impl Mismatch {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self::Because(reason.into())
    }
}

/// A string as TOML writes it.
pub(crate) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

impl Setting for String {
    const EXPECTED: &'static str = "a text";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        value.text().map(str::to_owned).ok_or(Mismatch::Kind)
    }

    fn show(&self) -> String {
        quoted(self)
    }
}

impl Setting for bool {
    const EXPECTED: &'static str = "true or false";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        match value {
            Value::Boolean(flag) => Ok(*flag),
            Value::Given(text) => text.parse().map_err(|_| Mismatch::Kind),
            _ => Err(Mismatch::Kind),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for u32 {
    const EXPECTED: &'static str = "a whole number";

    fn read(value: &Value, _: &Path) -> Result<Self, Mismatch> {
        let number = match value {
            Value::Integer(number) => *number,
            Value::Given(text) => text.parse().map_err(|_| Mismatch::Kind)?,
            _ => return Err(Mismatch::Kind),
        };
        u32::try_from(number).map_err(|_| Mismatch::because(format!("not between 0 and {}", u32::MAX)))
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// A setting that may be absent; what is never written has no default.
impl<T: Setting> Setting for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn read(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        T::read(value, base).map(Some)
    }

    fn describe(value: &Value) -> String {
        T::describe(value)
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "not set".to_owned(), T::show)
    }
}

/// In `hythe.toml` a list, or one value alone; in a variable, values with commas between them.
impl<T: Setting> Setting for Vec<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const SECRET: bool = T::SECRET;

    fn read(value: &Value, base: &Path) -> Result<Self, Mismatch> {
        match value {
            Value::List(items) => items.iter().map(|item| read_item(item, base)).collect(),
            Value::Given(text) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                items.map(|item| read_item(&Value::Given(item.to_owned()), base)).collect()
            }
            Value::Text(_) => T::read(value, base).map(|item| vec![item]),
            _ => Err(Mismatch::Kind),
        }
    }

    fn show(&self) -> String {
        let items: Vec<String> = self.iter().map(T::show).collect();
        format!("[{}]", items.join(", "))
    }
}

/// Reads one of several, so that a problem can name the one that is wrong.
fn read_item<T: Setting>(item: &Value, base: &Path) -> Result<T, Mismatch> {
    T::read(item, base).map_err(|mismatch| {
        let reason = match mismatch {
            Mismatch::Because(reason) => Some(reason),
            Mismatch::Kind | Mismatch::Item { .. } => None,
        };
        Mismatch::Item { found: T::describe(item), reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Setting>(value: Value) -> Result<T, Mismatch> {
        T::read(&value, Path::new("/base"))
    }

    #[test]
    fn typed_sources_are_not_guessed_at_and_untyped_ones_are_parsed() {
        assert_eq!(read::<u32>(Value::Integer(30)), Ok(30));
        assert_eq!(read::<u32>(Value::Given("30".into())), Ok(30));
        assert_eq!(read::<u32>(Value::Text("30".into())), Err(Mismatch::Kind));
        assert_eq!(read::<bool>(Value::Given("true".into())), Ok(true));
        assert_eq!(read::<bool>(Value::Integer(1)), Err(Mismatch::Kind));
    }

    #[test]
    fn a_number_out_of_its_type_says_between_what() {
        let reason = Mismatch::because("not between 0 and 4294967295");
        assert_eq!(read::<u32>(Value::Integer(-1)), Err(reason.clone()));
        assert_eq!(read::<u32>(Value::Given("99999999999".into())), Err(reason));
    }

    #[test]
    fn a_list_is_read_from_toml_and_from_commas() {
        let both = Ok(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(read(Value::Given("a, b,".into())), both);
        assert_eq!(read(Value::List(vec![Value::Text("a".into()), Value::Text("b".into())])), both);
        assert_eq!(read(Value::Text("a,b".into())), Ok(vec!["a,b".to_owned()]));
    }

    #[test]
    fn the_wrong_one_of_several_is_named() {
        let items = Value::List(vec![Value::Integer(1), Value::Text("x".into())]);
        let named = Mismatch::Item { found: "the string \"x\"".to_owned(), reason: None };
        assert_eq!(read::<Vec<u32>>(items), Err(named));
    }
}
