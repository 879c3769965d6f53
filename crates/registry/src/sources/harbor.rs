//! Harbor's `ldap_…` and `oidc_…` keys: they speak of the first directory and of the first provider.

use hythe_metadata::Connection;
use hythe_metadata::identity_source::{IdentitySource, NewSource};
use serde_json::{Map, Value};

use super::ldap::Scope;
use super::manage::validate_together;
use super::rows as stored;
use super::settings::{Settings, SourceKind};
use crate::clock;
use crate::configuration::items::{Item, Kind};
use crate::error::Result;
use crate::secrets::Secrets;

/// The fields of the first source of a kind, or those of one nobody has made yet.
pub(crate) fn first(rows: &[IdentitySource], kind: SourceKind) -> Result<Map<String, Value>> {
    let settings = find(rows, kind).map_or_else(|| Ok(Settings::of_kind(kind)), Settings::of_row);
    Ok(settings?.fields())
}

/// A field as Harbor writes it: scopes are numbers, and an object is the text of one.
pub(crate) fn shown(item: &Item, field: Option<&Value>) -> Value {
    match (item.kind, field) {
        (Kind::Number { default, .. }, Some(word @ Value::String(_))) => {
            let scope: Option<Scope> = serde_json::from_value(word.clone()).ok();
            scope.map_or(default, Scope::number).into()
        }
        (Kind::Pairs, Some(pairs)) => pairs.to_string().into(),
        (_, Some(field)) => field.clone(),
        (_, None) => Value::Null,
    }
}

/// Changes fields of the first source of a kind. It is made if there is none, and asked once it names a server.
pub(crate) async fn set_first(
    secrets: &Secrets,
    c: &mut Connection,
    rows: &[IdentitySource],
    kind: SourceKind,
    changes: Map<String, Value>,
) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let present = find(rows, kind);
    let before = present.map_or_else(|| Ok(Settings::of_kind(kind)), Settings::of_row)?;
    let settings = before.with(fields(changes))?;
    if !settings.is_draft() {
        settings.validate()?;
        validate_together(rows, present.map_or(kind.as_str(), |row| &row.name), &settings)?;
    }
    let enabled = !settings.is_draft() && (before.is_draft() || present.is_none_or(|row| row.enabled));
    match present {
        Some(row) => {
            let changed = IdentitySource {
                enabled,
                settings: settings.to_row(),
                updated_at: clock::now(),
                ..row.clone()
            };
            stored::update(secrets, c, &changed).await?;
        }
        None => {
            let new = NewSource {
                name: kind.as_str().to_owned(),
                kind: kind.as_str().to_owned(),
                position: super::manage::next_position(rows),
                enabled,
                settings: settings.to_row(),
                created_at: clock::now(),
            };
            stored::create(secrets, c, &new).await?;
        }
    }
    Ok(())
}

fn find(rows: &[IdentitySource], kind: SourceKind) -> Option<&IdentitySource> {
    rows.iter().find(|row| row.kind == kind.as_str())
}

/// Fields as they are kept.
pub(super) fn fields(harbors: Map<String, Value>) -> Map<String, Value> {
    harbors.into_iter().map(|(name, value)| field(&name, value)).collect()
}

/// A field as it is kept. Harbor leaves the attribute of a group's name empty to mean `cn`.
fn field(name: &str, value: Value) -> (String, Value) {
    let value = match (name, &value) {
        ("scope" | "group_scope", Value::Number(number)) => {
            let scope = number.as_i64().and_then(Scope::from_number).unwrap_or_default();
            serde_json::to_value(scope).unwrap_or(value)
        }
        ("group_name_attribute", Value::String(text)) if text.is_empty() => "cn".into(),
        ("membership_attribute", Value::String(text)) if text.is_empty() => "memberOf".into(),
        ("uid_attribute", Value::String(text)) if text.is_empty() => "uid".into(),
        _ => value,
    };
    (name.to_owned(), value)
}
