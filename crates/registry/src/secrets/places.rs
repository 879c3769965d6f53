//! Every place among the rows that holds a secret: what is sealed at first, and sealed anew with another data key.

use hythe_metadata::{Connection, identity_source, setting, signing_key};

use super::{DataKey, SEALED, Sealed, Secrets};
use crate::error::Result;
use crate::{certificate, sources};

/// The settings that hold a secret.
const SETTINGS: [&str; 2] = [certificate::SETTING, sources::oidc::sealed::SETTING];

/// What the private half of a signing key is bound to.
pub(crate) fn of_signing_key(id: &str) -> String {
    format!("signing key {id}")
}

/// What the settings of an identity source are bound to.
pub(crate) fn of_source(name: &str) -> String {
    format!("identity source {name}")
}

/// What a setting is bound to.
pub(crate) fn of_setting(name: &str) -> String {
    format!("setting {name}")
}

/// From one data key, or from none, to another.
struct Change<'a> {
    from: Option<&'a DataKey>,
    to: &'a DataKey,
}

impl Change<'_> {
    fn apply(&self, place: &str, stored: &[u8]) -> Result<String> {
        let text = std::str::from_utf8(stored).ok().filter(|text| text.starts_with(SEALED));
        match (text, self.from) {
            (Some(text), Some(from)) => self.to.seal(place, &from.open(place, &Sealed::parse(place, text)?)?),
            (None, None) => self.to.seal(place, stored),
            (Some(_), None) => Err(super::damaged(place, "it is sealed, and the data key's row is gone")),
            (None, Some(_)) => Err(super::damaged(place, "it is not sealed")),
        }
    }
}

impl Secrets {
    /// Seals every secret with another data key, in one transaction with the change of the key itself.
    pub(super) async fn seal_all(
        &self,
        c: &mut Connection,
        from: Option<&DataKey>,
        to: &DataKey,
    ) -> Result<()> {
        let change = Change { from, to };
        for key in signing_key::list_live(c, 0).await? {
            let sealed = change.apply(&of_signing_key(&key.id), &key.private_der)?;
            signing_key::set_private_key(c, &key.id, sealed.as_bytes()).await?;
        }
        for source in identity_source::list(c, sources::AT_MOST).await? {
            let settings = change.apply(&of_source(&source.name), source.settings.as_bytes())?;
            identity_source::update(c, &identity_source::IdentitySource { settings, ..source }).await?;
        }
        for name in SETTINGS {
            if let Some(value) = setting::find(c, name).await? {
                setting::put(c, name, &change.apply(&of_setting(name), value.as_bytes())?).await?;
            }
        }
        Ok(())
    }
}
