//! The settings of a source of any kind: JSON in rows and in the API, a struct in between.

use std::sync::Arc;

use hythe_metadata::identity_source::IdentitySource;
use hythe_metadata::user_group;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Ask;
use super::ldap::{Directory, LdapSettings};
use super::oidc::{OidcSettings, Provider};
use crate::error::{Error, Result};

/// The settings that are never given back.
const SECRETS: [&str; 2] = ["bind_password", "client_secret"];

/// What kind of source it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A directory: LDAP or Active Directory.
    Ldap,
    /// An OpenID provider.
    Oidc,
}

impl SourceKind {
    /// The word for it, in rows and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            SourceKind::Ldap => "ldap",
            SourceKind::Oidc => "oidc",
        }
    }

    /// The kind of this word.
    pub fn parse(word: &str) -> Result<SourceKind> {
        let known = [SourceKind::Ldap, SourceKind::Oidc].into_iter().find(|kind| kind.as_str() == word);
        known.ok_or_else(|| {
            let shown: String = word.chars().take(64).collect();
            Error::bad_request(format!("{} is no kind of source; ldap and oidc are", shown.escape_debug()))
        })
    }

    /// Harbor's number for groups of such a source.
    pub(crate) fn of_groups(self) -> i16 {
        match self {
            SourceKind::Ldap => user_group::LDAP,
            SourceKind::Oidc => user_group::OIDC,
        }
    }
}

/// Settings of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settings {
    /// Of a directory.
    Ldap(Box<LdapSettings>),
    /// Of a provider.
    Oidc(Box<OidcSettings>),
}

impl Settings {
    /// Settings nobody has changed yet.
    pub fn of_kind(kind: SourceKind) -> Settings {
        match kind {
            SourceKind::Ldap => Settings::Ldap(Box::default()),
            SourceKind::Oidc => Settings::Oidc(Box::default()),
        }
    }

    /// Reads a row. This and [`Settings::to_row`] are where secrets go into rows and out of them.
    pub(crate) fn of_row(row: &IdentitySource) -> Result<Settings> {
        let settings = Settings::of_kind(SourceKind::parse(&row.kind)?);
        let stored: Map<String, Value> = serde_json::from_str(&row.settings).map_err(|error| {
            Error::internal(format!("the settings of source {} are damaged", row.name), error)
        })?;
        settings.with(stored)
    }

    /// What goes into a row.
    pub(crate) fn to_row(&self) -> String {
        Value::Object(self.fields()).to_string()
    }

    /// With some fields changed, those left out as they were. Unknown fields and wrong types are refused with words.
    pub fn with(&self, changes: Map<String, Value>) -> Result<Settings> {
        let mut fields = self.fields();
        fields.extend(changes);
        Ok(match self {
            Settings::Ldap(_) => Settings::Ldap(Box::new(read(fields)?)),
            Settings::Oidc(_) => Settings::Oidc(Box::new(read(fields)?)),
        })
    }

    /// Every field, secrets too.
    pub(crate) fn fields(&self) -> Map<String, Value> {
        match self {
            Settings::Ldap(settings) => fields(settings),
            Settings::Oidc(settings) => fields(settings),
        }
    }

    /// Every field but secrets, and which secrets are set.
    pub fn shown(&self) -> (Map<String, Value>, Vec<&'static str>) {
        let mut fields = self.fields();
        let set =
            |name: &&str| fields.get(*name).and_then(Value::as_str).is_some_and(|secret| !secret.is_empty());
        let secrets = SECRETS.into_iter().filter(set).collect();
        SECRETS.iter().for_each(|name| drop(fields.remove(*name)));
        (fields, secrets)
    }

    /// Refuses what could never work.
    pub fn validate(&self) -> Result<()> {
        match self {
            Settings::Ldap(settings) => settings.validate(),
            Settings::Oidc(settings) => settings.validate(),
        }
    }

    /// Whether they name no server yet: a source in the making.
    pub(crate) fn is_draft(&self) -> bool {
        match self {
            Settings::Ldap(settings) => settings.url.is_empty() || settings.base_dn.is_empty(),
            Settings::Oidc(settings) => settings.endpoint.is_empty() || settings.client_id.is_empty(),
        }
    }

    pub(super) fn ready(self, name: &str) -> Result<Ask> {
        Ok(match self {
            Settings::Ldap(settings) => Ask::Ldap(Arc::new(Directory::new(name, *settings)?)),
            Settings::Oidc(settings) => Ask::Oidc(Arc::new(Provider::new(name, *settings)?)),
        })
    }
}

fn fields(settings: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(fields)) => fields,
        _ => Map::new(),
    }
}

fn read<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(fields))
        .map_err(|error| Error::bad_request(format!("the settings of the source cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn what_is_left_out_stays_and_secrets_are_not_shown() {
        let first = Settings::of_kind(SourceKind::Ldap);
        let changed = first.with(object(json!({ "url": "ldap://a", "bind_password": "hush" }))).unwrap();
        let again = changed.with(object(json!({ "base_dn": "dc=a" }))).unwrap();
        let (shown, secrets) = again.shown();
        assert_eq!((&shown["url"], &shown["base_dn"]), (&json!("ldap://a"), &json!("dc=a")));
        assert_eq!(secrets, ["bind_password"]);
        assert!(!Value::Object(shown).to_string().contains("hush"));
        assert!(!format!("{again:?}").contains("hush"));
        assert!(again.to_row().contains("hush"));
    }

    #[test]
    fn an_unknown_setting_is_refused_by_name() {
        let first = Settings::of_kind(SourceKind::Oidc);
        let error = first.with(object(json!({ "endpiont": "x" }))).unwrap_err();
        assert!(error.message().contains("endpiont"), "{}", error.message());
        assert!(first.with(object(json!({ "auto_onboard": "perhaps" }))).is_err());
    }
}
