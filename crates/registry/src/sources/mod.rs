//! Where people come from who are not the registry's own: directories and OpenID providers, asked in their order.
//!
//! A source is a row with settings; a node holds the sources of its last reading ready to ask. The registry's own users
//! come before them all, so that an administrator can get in whatever has become of the sources.

pub mod directories;
pub(crate) mod harbor;
pub mod identity;
pub mod ldap;
pub mod manage;
pub mod oidc;
mod people;
pub(crate) mod rows;
mod secret;
mod settings;
mod sign_in;

use std::sync::Arc;

use hythe_metadata::identity_source::IdentitySource;

pub use identity::{Group, Identity};
pub use ldap::Directory;
pub use oidc::Provider;
pub use secret::Secret;
pub use settings::{Settings, SourceKind};
pub(crate) use sign_in::SignIns;

/// Sources there may be.
pub(crate) const AT_MOST: u32 = 50;

/// The sources that are asked, in their order.
#[derive(Default)]
pub(crate) struct Sources(Vec<Arc<Source>>);

/// A source that can be asked.
pub(crate) struct Source {
    row: IdentitySource,
    pub(crate) ask: Ask,
}

/// How it is asked.
pub(crate) enum Ask {
    Ldap(Arc<Directory>),
    Oidc(Arc<Provider>),
}

impl Sources {
    /// Makes the rows ready. One that has not changed is taken over with all it has kept in memory; one that cannot be
    /// used is said in the log and left out.
    pub(crate) fn read(rows: Vec<IdentitySource>, before: &Sources) -> Sources {
        let enabled = rows.into_iter().filter(|row| row.enabled);
        Sources(enabled.filter_map(|row| before.keep(&row).or_else(|| Source::ready(row))).collect())
    }

    fn keep(&self, row: &IdentitySource) -> Option<Arc<Source>> {
        self.0.iter().find(|source| source.row == *row).cloned()
    }

    pub(crate) fn named(&self, name: &str) -> Option<&Arc<Source>> {
        self.0.iter().find(|source| source.name() == name)
    }

    /// The directories with their names.
    pub(crate) fn directories(&self) -> impl Iterator<Item = (&str, &Arc<Directory>)> {
        self.0.iter().filter_map(|source| match &source.ask {
            Ask::Ldap(directory) => Some((source.name(), directory)),
            Ask::Oidc(_) => None,
        })
    }

    /// The providers.
    pub(crate) fn providers(&self) -> impl Iterator<Item = &Arc<Provider>> {
        self.0.iter().filter_map(|source| match &source.ask {
            Ask::Oidc(provider) => Some(provider),
            Ask::Ldap(_) => None,
        })
    }
}

impl Source {
    fn ready(row: IdentitySource) -> Option<Arc<Source>> {
        let ask = Settings::of_row(&row).and_then(|settings| settings.ready(&row.name));
        match ask {
            Ok(ask) => Some(Arc::new(Source { row, ask })),
            Err(error) => {
                tracing::warn!(source = row.name, %error, "a source of users cannot be used");
                None
            }
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.row.name
    }
}
