//! Directories under an administrator's eyes: try one, look for people and groups, make users ahead of their sign-in.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::identity::{Group, Identity};
use super::oidc::OidcSettings;
use super::settings::{Settings, SourceKind};
use super::{Ask, Directory, Provider};
use crate::Registry;
use crate::access::system_rights::{configuration, ldap_user as right};
use crate::access::{Everywhere, Permit};
use crate::error::{Error, Kind, Result};

/// People that may be imported with one request.
const IMPORTED_AT_MOST: usize = 1_000;

/// Somebody who was not imported, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotImported {
    /// The name that was asked for.
    pub name: String,
    /// One line.
    pub reason: String,
}

impl Registry {
    /// Tries the first directory, or one of its settings with some changed, without keeping them.
    ///
    /// # Errors
    /// With the reason why it does not work.
    pub async fn ping_directory(
        &self,
        _permit: &Permit<configuration::Read, Everywhere>,
        changes: Map<String, Value>,
    ) -> Result<()> {
        let mut connection = self.database.connect().await?;
        let rows = super::rows::list(&self.secrets, &mut connection).await?;
        drop(connection);
        let row = rows.iter().find(|row| row.kind == SourceKind::Ldap.as_str());
        let before = row.map_or_else(|| Ok(Settings::of_kind(SourceKind::Ldap)), Settings::of_row)?;
        let name = row.map_or(SourceKind::Ldap.as_str(), |row| &row.name);
        match before.with(super::harbor::fields(changes))?.ready(name)? {
            Ask::Ldap(directory) => directory.ping().await,
            Ask::Oidc(provider) => self.ping_provider(&provider).await,
        }
    }

    /// Whether there is an OpenID provider at an address.
    ///
    /// # Errors
    /// With the reason why not.
    pub async fn ping_issuer(
        &self,
        _permit: &Permit<configuration::Read, Everywhere>,
        endpoint: &str,
        verify_certificate: bool,
    ) -> Result<()> {
        let settings = OidcSettings {
            endpoint: endpoint.to_owned(),
            client_id: "ping".to_owned(),
            verify_certificate,
            ..OidcSettings::default()
        };
        self.ping_provider(&Provider::new("oidc", settings)?).await
    }

    /// People of all directories whose name contains a text.
    pub async fn search_directory_people(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        part: &str,
    ) -> Result<Vec<Identity>> {
        let mut people = Vec::new();
        for (_, directory) in self.directories()? {
            people.extend(directory.search_people(part).await?);
        }
        Ok(people)
    }

    /// Groups of all directories whose name contains a text, or the one of this distinguished name.
    pub async fn search_directory_groups(
        &self,
        _permit: &Permit<right::List, Everywhere>,
        part: &str,
        dn: &str,
    ) -> Result<Vec<Group>> {
        let mut groups = Vec::new();
        for (_, directory) in self.directories()? {
            groups.extend(directory.search_groups(part, dn).await?);
        }
        Ok(groups)
    }

    /// Makes users of people before they sign in; those for whom that failed.
    pub async fn import_directory_people(
        &self,
        _permit: &Permit<right::Create, Everywhere>,
        names: &[String],
    ) -> Result<Vec<NotImported>> {
        if names.len() > IMPORTED_AT_MOST {
            return Err(Error::bad_request(format!("import {IMPORTED_AT_MOST} people at a time at most")));
        }
        let directories = self.directories()?;
        let mut failed = Vec::new();
        for name in names {
            if let Err(error) = self.import(&directories, name).await {
                failed.push(NotImported { name: name.clone(), reason: error.message().to_owned() });
            }
        }
        Ok(failed)
    }

    async fn import(&self, directories: &[(String, Arc<Directory>)], name: &str) -> Result<()> {
        for (source, directory) in directories {
            if let Some(identity) = directory.find(name).await? {
                return self.admit(SourceKind::Ldap, source, &identity).await.map(|_| ());
            }
        }
        Err(Error::bad_request("no directory knows this name"))
    }

    fn directories(&self) -> Result<Vec<(String, Arc<Directory>)>> {
        let reading = self.live.get();
        let directories: Vec<_> = reading
            .sources
            .directories()
            .map(|(name, directory)| (name.to_owned(), directory.clone()))
            .collect();
        if directories.is_empty() {
            return Err(Error::new(
                Kind::Precondition,
                hythe_oci::error_code::ErrorCode::Denied,
                "there is no directory yet; set ldap_url and ldap_base_dn at /api/v2.0/configurations",
            ));
        }
        Ok(directories)
    }
}
