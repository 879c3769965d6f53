//! The shape of the settings table, and the macro that makes it and the `Config` structs from one text.

use std::path::Path;

use super::value::{Mismatch, Setting, Value};

/// A part of the configuration: a table in `hythe.toml`.
pub(crate) struct Section {
    /// Name of the table with a dot at its end; empty for the settings that stand before every table.
    pub(crate) prefix: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) keys: &'static [Key],
}

impl Section {
    /// The name in the brackets of `hythe.toml`.
    pub(crate) fn name(&self) -> &'static str {
        self.prefix.trim_end_matches('.')
    }
}

/// One setting, without its value.
pub(crate) struct Key {
    /// Name with its section, for example `server.drain_seconds`.
    pub(crate) path: &'static str,
    pub(crate) doc: &'static [&'static str],
    /// As it would stand in a variable; `<data>` and `<hostname>` are filled in when it is used.
    pub(crate) default: Option<&'static str>,
    /// A value to show where there is no default, or where the default teaches too little.
    example: Option<&'static str>,
    pub(crate) kind: Kind,
}

impl Key {
    /// Name inside its section.
    pub(crate) fn leaf(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, leaf)| leaf)
    }

    /// The environment variable that sets it.
    pub(crate) fn variable(&self) -> String {
        variable_of(self.path)
    }

    /// The value to show as an example, as it would stand in a variable.
    pub(crate) fn example(&self) -> &'static str {
        self.example.or(self.default).unwrap_or("")
    }

    /// The example as it would stand in `hythe.toml`.
    pub(crate) fn example_in_toml(&self) -> String {
        self.in_toml(self.example())
    }

    /// Text of a variable, written as in `hythe.toml`. A placeholder hides in a path, which must not be made absolute.
    pub(crate) fn in_toml(&self, text: &str) -> String {
        if text.starts_with(['.', '<']) || text.contains("<data>") || self.kind.secret {
            return super::value::quoted(text);
        }
        match (self.kind.show)(&Value::Given(text.to_owned()), Path::new("/")) {
            Ok(shown) => shown,
            Err(_) => super::value::quoted(text),
        }
    }

    pub(crate) const fn new(
        path: &'static str,
        doc: &'static [&'static str],
        default: Option<&'static str>,
        example: Option<&'static str>,
        kind: Kind,
    ) -> Self {
        Self { path, doc, default, example, kind }
    }
}

/// The variable of a setting's path, and how those of a section begin.
pub(crate) fn variable_of(path: &str) -> String {
    format!("HYTHE_{}", path.replace('.', "_").to_ascii_uppercase())
}

/// What the table knows of a setting's type.
pub(crate) struct Kind {
    pub(crate) expected: &'static str,
    /// The value is a secret, or holds one.
    pub(crate) secret: bool,
    /// Reads a value and shows it, secrets masked.
    pub(crate) show: fn(&Value, &Path) -> Result<String, Mismatch>,
    /// Says what was found in a value that cannot be read, secrets masked.
    pub(crate) describe: fn(&Value) -> String,
}

impl Kind {
    pub(crate) const fn of<T: Setting>() -> Self {
        Self { expected: T::EXPECTED, secret: T::SECRET, show: show::<T>, describe: T::describe }
    }
}

fn show<T: Setting>(value: &Value, base: &Path) -> Result<String, Mismatch> {
    T::read(value, base).map(|setting| setting.show())
}

/// Declares the configuration: for each section its struct and its table, from the same lines, so that neither can know a
/// setting that the other does not.
macro_rules! sections {
    ($(
        $(#[doc = $about:literal])+
        $field:ident: $Section:ident at $prefix:literal {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $Type:ty $(= $default:literal)? $(, example $example:literal)?;
            )+
        }
    )+) => {
        $(
            $(#[doc = $about])+
            #[derive(Debug, Clone)]
            pub(crate) struct $Section {
                $( $(#[doc = $doc])+ pub(crate) $key: $Type, )+
            }
        )+

        /// The whole configuration, with every value in place.
        #[derive(Debug, Clone)]
        pub(crate) struct Config {
            $( $(#[doc = $about])+ pub(crate) $field: $Section, )+
        }

        /// Every section with every setting, in the order in which a reader meets them.
        pub(crate) const SECTIONS: &[Section] = &[$(
            Section {
                prefix: $prefix,
                doc: &[$($about),+],
                keys: &[$(
                    Key::new(
                        concat!($prefix, stringify!($key)),
                        &[$($doc),+],
                        sections!(@optional $($default)?),
                        sections!(@optional $($example)?),
                        Kind::of::<$Type>(),
                    )
                ),+],
            }
        ),+];

        impl Config {
            /// Reads every setting, telling the reader of each one that is wrong, and then asks each section that could
            /// be read whether it makes sense.
            pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
                $( let $field = $Section::read(reader); )+
                Some(Self { $( $field: $field?, )+ })
            }
        }

        $(
            impl $Section {
                fn read(reader: &mut Reader<'_>) -> Option<Self> {
                    $( let $key = reader.read::<$Type>(concat!($prefix, stringify!($key))); )+
                    let section = Self { $( $key: $key?, )+ };
                    section.validate(reader);
                    Some(section)
                }
            }
        )+
    };
    (@optional) => { None };
    (@optional $text:literal) => { Some($text) };
}

pub(super) use sections;
