//! People who sign in with an OpenID provider: authorization code with PKCE (RFC 7636), state and nonce.
//!
//! What a sign-in has to see again at its end travels in the browser, sealed: any node can go on with it, and no row is
//! written for a stranger who only looks at the sign-in page.

mod provider;
pub(crate) mod sealed;
mod settings;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use hythe_metadata::sourced_user;
use hythe_metadata::user::User;
use hythe_oci::error_code::ErrorCode;
use serde::{Deserialize, Serialize};

use super::identity::Identity;
use super::settings::SourceKind;
use crate::Registry;
use crate::error::{Error, Kind, Result};
use crate::users::validate_user_name;
use provider::Attempt;
pub use provider::Provider;
pub use settings::OidcSettings;

/// How long people may take at the provider, and to choose a name.
const PATIENCE: Duration = Duration::from_secs(15 * 60);
const SIGN_IN: &str = "oidc sign-in";
const ONBOARD: &str = "oidc onboard";

/// A provider as the sign-in page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderName {
    /// The source's name.
    pub source: String,
    /// What people call it.
    pub display_name: String,
}

/// A sign-in that was begun.
#[derive(Debug)]
pub struct Begun {
    /// The provider's page.
    pub url: String,
    /// What the browser keeps until it comes back.
    pub sealed: String,
}

/// What a provider sends back through the browser (RFC 6749 section 4.1.2).
#[derive(Clone, Default, Deserialize)]
pub struct Returned {
    /// Stands for the tokens.
    pub code: Option<String>,
    /// What was sent along.
    pub state: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
}

/// How a sign-in ended.
pub enum Arrived {
    /// Somebody is signed in.
    SignedIn {
        /// Who.
        user: Box<User>,
        /// Where the browser wanted to go.
        back_to: String,
    },
    /// Somebody is known to the provider and needs a name here.
    NeedsName {
        /// The name the provider would give them.
        suggestion: String,
        /// What the browser keeps until the name is chosen.
        sealed: String,
        /// Where the browser wanted to go.
        back_to: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Pending {
    source: String,
    attempt: Attempt,
    back_to: String,
}

#[derive(Serialize, Deserialize)]
struct Nameless {
    source: String,
    identity: Identity,
}

impl Registry {
    /// The providers people can choose from, in their order.
    pub fn list_providers(&self) -> Vec<ProviderName> {
        let reading = self.live.get();
        let name = |provider: &Arc<Provider>| ProviderName {
            source: provider.name.clone(),
            display_name: match provider.settings.display_name.as_str() {
                "" => provider.name.clone(),
                name => name.to_owned(),
            },
        };
        reading.sources.providers().map(name).collect()
    }

    /// Begins a sign-in with the provider of this name, or with the first. `back_to` is a path of this server.
    pub async fn begin_oidc(&self, source: Option<&str>, redirect_uri: &str, back_to: &str) -> Result<Begun> {
        let provider = self.provider(source)?;
        let attempt = Attempt::new(redirect_uri)?;
        let issuer = self.issuers.get(&provider.settings.issuer())?;
        let url = provider.sign_in_url(&issuer, &attempt).await?;
        let pending = Pending { source: provider.name.clone(), attempt, back_to: local_path(back_to) };
        Ok(Begun { url, sealed: self.seal(SIGN_IN, PATIENCE, pending).await? })
    }

    /// Ends it with what the provider sent back.
    ///
    /// # Errors
    /// [`Kind::BadRequest`] if this browser did not begin it, [`Kind::Unauthenticated`] if the provider or its token says
    /// no, [`Kind::Conflict`] if the name is another user's here.
    pub async fn finish_oidc(&self, sealed: &str, returned: &Returned) -> Result<Arrived> {
        let pending: Pending = self.unseal(SIGN_IN, sealed).await?;
        if !pending.attempt.is_of(returned.state.as_deref().unwrap_or_default()) {
            return Err(Error::bad_request(
                "this answer belongs to another sign-in (state); begin it again at /c/oidc/login",
            ));
        }
        let provider = self.provider(Some(&pending.source))?;
        let Some(code) = returned.code.as_deref().filter(|code| !code.is_empty()) else {
            return Err(provider.refuses(&refusal(returned)));
        };
        let issuer = self.issuers.get(&provider.settings.issuer())?;
        let identity = provider.redeem(&issuer, &pending.attempt, code).await?;
        self.arrive(&provider, identity, pending.back_to).await
    }

    async fn arrive(&self, provider: &Provider, identity: Identity, back_to: String) -> Result<Arrived> {
        let mut connection = self.database.connect().await?;
        let known = sourced_user::find(&mut connection, &provider.name, &identity.subject).await?.is_some();
        drop(connection);
        if known || provider.settings.auto_onboard {
            let user = self.admit(SourceKind::Oidc, &provider.name, &identity).await?;
            return Ok(Arrived::SignedIn { user: Box::new(user), back_to });
        }
        let suggestion = identity.name.clone();
        let nameless = Nameless { source: provider.name.clone(), identity };
        let sealed = self.seal(ONBOARD, PATIENCE, nameless).await?;
        Ok(Arrived::NeedsName { suggestion, sealed, back_to })
    }

    /// Makes the user under the name they chose.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if the name is another user's, [`Kind::BadRequest`] if it is no name or the browser was too slow.
    pub async fn onboard_oidc(&self, sealed: &str, name: &str) -> Result<User> {
        let Nameless { source, identity } = self.unseal(ONBOARD, sealed).await?;
        validate_user_name(name)?;
        let provider = self.provider(Some(&source))?;
        let identity = Identity { name: name.to_owned(), ..identity };
        self.admit(SourceKind::Oidc, &provider.name, &identity).await
    }

    /// Where to send a browser that signed out, if its provider wants to know.
    pub async fn provider_sign_out_url(&self, user: &User) -> Option<String> {
        let reading = self.live.get();
        let provider = reading.sources.providers().find(|provider| provider.name == user.source)?;
        if !provider.settings.logout {
            return None;
        }
        let issuer = self.issuers.get(&provider.settings.issuer()).ok()?;
        let document = issuer.document().await.ok()?;
        let mut url = url::Url::parse(document.end_session_endpoint.as_deref()?).ok()?;
        url.query_pairs_mut().append_pair("client_id", &provider.settings.client_id);
        Some(url.into())
    }

    /// Whether a provider can be reached and has what a sign-in needs.
    pub(super) async fn ping_provider(&self, provider: &Provider) -> Result<()> {
        let issuer = self.issuers.get(&provider.settings.issuer())?;
        provider.sign_in_url(&issuer, &Attempt::new("http://localhost/c/oidc/callback")?).await.map(|_| ())
    }

    fn provider(&self, source: Option<&str>) -> Result<Arc<Provider>> {
        let reading = self.live.get();
        let mut providers = reading.sources.providers();
        let found = match source {
            None | Some("") => providers.next(),
            Some(name) => providers.find(|provider| provider.name == name),
        };
        found.cloned().ok_or_else(|| {
            Error::new(
                Kind::Precondition,
                ErrorCode::Denied,
                "there is no such OpenID provider; an administrator makes one at /api/v2.0/identity-sources",
            )
        })
    }
}

/// Why the provider sent no code, as one line.
fn refusal(returned: &Returned) -> String {
    let clean = |text: &Option<String>| -> String {
        text.iter().flat_map(|text| text.chars()).filter(|c| !c.is_control()).take(300).collect()
    };
    match (clean(&returned.error), clean(&returned.error_description)) {
        (error, _) if error.is_empty() => "it sent neither a code nor an error".to_owned(),
        (error, description) if description.is_empty() => format!("it says {error}"),
        (error, description) => format!("it says {error}: {description}"),
    }
}

/// A path of this server, or `/`: a link must not lead people elsewhere after they have signed in.
fn local_path(path: &str) -> String {
    let elsewhere =
        !path.starts_with('/') || path.starts_with("//") || path.contains(['\\', '\r', '\n', '\t']);
    if elsewhere { "/".to_owned() } else { path.to_owned() }
}
