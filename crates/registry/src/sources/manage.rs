//! The administrator's hand on sources: make, change, order, try and delete them.

use hythe_metadata::identity_source::{self, IdentitySource, NewSource};
use hythe_metadata::ids::SourceId;
use hythe_oci::error_code::ErrorCode;
use serde_json::{Map, Value};

use super::rows as stored;
use super::settings::{Settings, SourceKind};
use super::{AT_MOST, Ask};
use crate::Registry;
use crate::access::system_rights::identity_source as right;
use crate::access::{Everywhere, Permit};
use crate::audit::Entry;
use crate::clock;
use crate::configuration::{lock, renew_version};
use crate::error::{Error, Result};

/// Users carry the name, URLs too.
const LONGEST_NAME: usize = 64;

/// A source to be made.
#[derive(Clone, Debug)]
pub struct CreateSource {
    /// Its name, for ever.
    pub name: String,
    /// Its kind.
    pub kind: SourceKind,
    /// Its place in the order; the last where none is given.
    pub position: Option<i64>,
    /// Whether it is asked.
    pub enabled: bool,
    /// Its settings; those left out have their defaults.
    pub settings: Map<String, Value>,
}

/// Changes to a source; what is left out stays.
#[derive(Clone, Debug, Default)]
pub struct UpdateSource {
    /// Its place in the order.
    pub position: Option<i64>,
    /// Whether it is asked.
    pub enabled: Option<bool>,
    /// Settings to change.
    pub settings: Map<String, Value>,
}

impl Registry {
    /// All sources in their order.
    pub async fn list_sources(
        &self,
        _permit: &Permit<right::List, Everywhere>,
    ) -> Result<Vec<IdentitySource>> {
        let mut connection = self.database.connect().await?;
        stored::list(&self.secrets, &mut connection).await
    }

    /// The source of this id.
    pub async fn get_source(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
        id: SourceId,
    ) -> Result<IdentitySource> {
        let mut connection = self.database.connect().await?;
        stored::find(&self.secrets, &mut connection, id).await?.ok_or_else(|| unknown(id))
    }

    /// Makes a source.
    pub async fn create_source(
        &self,
        permit: &Permit<right::Create, Everywhere>,
        wanted: CreateSource,
    ) -> Result<IdentitySource> {
        validate_name(&wanted.name)?;
        let settings = Settings::of_kind(wanted.kind).with(wanted.settings)?;
        settings.validate()?;
        let new = NewSource {
            name: wanted.name,
            kind: wanted.kind.as_str().to_owned(),
            position: wanted.position.unwrap_or(0),
            enabled: wanted.enabled,
            settings: settings.to_row(),
            created_at: clock::now(),
        };
        let at_the_end = wanted.position.is_none();
        let entry = Entry::new(permit.caller(), "create", "identity-source", &new.name);
        let secrets = self.secrets.clone();
        let made = self
            .database
            .try_transaction(move |c| {
                let (mut new, settings, entry) = (new.clone(), settings.clone(), entry.clone());
                let secrets = secrets.clone();
                Box::pin(async move {
                    lock(c).await?;
                    let rows = stored::list(&secrets, c).await?;
                    validate_together(&rows, &new.name, &settings)?;
                    refuse_too_many(&rows)?;
                    if at_the_end {
                        new.position = next_position(&rows);
                    }
                    let made = stored::create(&secrets, c, &new).await?;
                    entry.write(c).await?;
                    renew_version(c).await?;
                    Ok::<_, Error>(made)
                })
            })
            .await?;
        self.reread_configuration().await?;
        Ok(made)
    }

    /// Changes a source.
    pub async fn update_source(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        id: SourceId,
        wanted: UpdateSource,
    ) -> Result<()> {
        let (caller, secrets) = (permit.caller().clone(), self.secrets.clone());
        self.database
            .try_transaction(move |c| {
                let (wanted, caller, secrets) = (wanted.clone(), caller.clone(), secrets.clone());
                Box::pin(async move {
                    lock(c).await?;
                    let rows = stored::list(&secrets, c).await?;
                    let row = rows.iter().find(|row| row.id == id).ok_or_else(|| unknown(id))?;
                    Entry::new(&caller, "update", "identity-source", &row.name).write(c).await?;
                    stored::update(&secrets, c, &changed(&rows, row, wanted)?).await?;
                    renew_version(c).await
                })
            })
            .await?;
        self.reread_configuration().await?;
        Ok(())
    }

    /// Deletes a source. Its users stay, with what they own, and cannot sign in by it any more.
    pub async fn delete_source(
        &self,
        permit: &Permit<right::Delete, Everywhere>,
        id: SourceId,
    ) -> Result<()> {
        let (caller, secrets) = (permit.caller().clone(), self.secrets.clone());
        self.database
            .try_transaction(move |c| {
                let (caller, secrets) = (caller.clone(), secrets.clone());
                Box::pin(async move {
                    lock(c).await?;
                    let rows = stored::list(&secrets, c).await?;
                    let row = rows.iter().find(|row| row.id == id).ok_or_else(|| unknown(id))?;
                    Entry::new(&caller, "delete", "identity-source", &row.name).write(c).await?;
                    if !identity_source::delete(c, id).await? {
                        return Err(unknown(id));
                    }
                    renew_version(c).await
                })
            })
            .await?;
        self.reread_configuration().await?;
        Ok(())
    }

    /// Asks a source whether it works, with some settings changed, without keeping them.
    ///
    /// # Errors
    /// With the reason why it does not.
    pub async fn try_source(
        &self,
        _permit: &Permit<right::Update, Everywhere>,
        id: SourceId,
        changes: Map<String, Value>,
    ) -> Result<()> {
        let mut connection = self.database.connect().await?;
        let row = stored::find(&self.secrets, &mut connection, id).await?.ok_or_else(|| unknown(id))?;
        drop(connection);
        match Settings::of_row(&row)?.with(changes)?.ready(&row.name)? {
            Ask::Ldap(directory) => directory.ping().await,
            Ask::Oidc(provider) => self.ping_provider(&provider).await,
        }
    }
}

/// The settings of a row without secrets, and the names of the secrets that are set.
pub fn shown(row: &IdentitySource) -> Result<(Map<String, Value>, Vec<&'static str>)> {
    Ok(Settings::of_row(row)?.shown())
}

fn changed(rows: &[IdentitySource], row: &IdentitySource, wanted: UpdateSource) -> Result<IdentitySource> {
    let settings = Settings::of_row(row)?.with(wanted.settings)?;
    let enabled = wanted.enabled.unwrap_or(row.enabled);
    if enabled {
        settings.validate()?;
    }
    validate_together(rows, &row.name, &settings)?;
    Ok(IdentitySource {
        position: wanted.position.unwrap_or(row.position),
        enabled,
        settings: settings.to_row(),
        updated_at: clock::now(),
        ..row.clone()
    })
}

/// Refuses a provider whose groups could pass for those of another.
pub(super) fn validate_together(rows: &[IdentitySource], name: &str, settings: &Settings) -> Result<()> {
    let Settings::Oidc(own) = settings else { return Ok(()) };
    if own.groups_claim.is_empty() {
        return Ok(());
    }
    for row in rows.iter().filter(|row| row.name != name) {
        if let Settings::Oidc(other) = Settings::of_row(row)?
            && !other.groups_claim.is_empty()
            && other.group_prefix == own.group_prefix
        {
            let words = format!(
                "providers {name} and {} would share their groups; give one of them another group_prefix",
                row.name
            );
            return Err(Error::conflict(words));
        }
    }
    Ok(())
}

pub(super) fn next_position(rows: &[IdentitySource]) -> i64 {
    rows.iter().map(|row| row.position).max().unwrap_or(0).saturating_add(1)
}

fn refuse_too_many(rows: &[IdentitySource]) -> Result<()> {
    if rows.len() < AT_MOST as usize {
        return Ok(());
    }
    Err(Error::conflict(format!("there are {AT_MOST} sources already, which is the most there may be")))
}

fn validate_name(name: &str) -> Result<()> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    if (1..=LONGEST_NAME).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(LONGEST_NAME).collect();
    let words =
        format!("{} is no name of a source: use 1 to {LONGEST_NAME} of a-z 0-9 - _ .", shown.escape_debug());
    Err(Error::bad_request(words))
}

fn unknown(id: SourceId) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("there is no identity source {id}"))
}
