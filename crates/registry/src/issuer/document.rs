//! The discovery document: where an issuer's endpoints are (OpenID Connect Discovery 1.0 section 3).

use serde::Deserialize;

use super::fetch::{Http, json};

/// The parts of it that are used here.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Document {
    /// What the `iss` claim is, to the letter.
    pub(crate) issuer: String,
    /// Where its keys are.
    pub(crate) jwks_uri: String,
    /// Where people sign in; an issuer for machines has none.
    pub(crate) authorization_endpoint: Option<String>,
    /// Where a code becomes tokens.
    pub(crate) token_endpoint: Option<String>,
    /// Where claims are that do not fit into a token.
    pub(crate) userinfo_endpoint: Option<String>,
    /// Where people sign out.
    pub(crate) end_session_endpoint: Option<String>,
    /// How a client proves itself; by HTTP Basic where nothing is said (section 3).
    #[serde(default)]
    pub(crate) token_endpoint_auth_methods_supported: Vec<String>,
}

impl Document {
    /// Reads it from below the issuer's address. One that names another issuer is refused (section 4.3), so that a
    /// document from elsewhere does not bring its own keys.
    pub(super) async fn fetch(http: &Http, issuer: &str) -> Result<Document, String> {
        let base = issuer.trim_end_matches('/');
        let found: Document = json(http.get(&format!("{base}/.well-known/openid-configuration"))).await?;
        if found.issuer.trim_end_matches('/') != base {
            return Err(format!("its document says that the issuer is {}; use that address", found.issuer));
        }
        if base.starts_with("https://") && !found.jwks_uri.starts_with("https://") {
            return Err("its document says that its keys are at an address without https".to_owned());
        }
        Ok(found)
    }

    /// Whether the client's secret goes into the form and not into a header.
    pub(crate) fn wants_secret_in_form(&self) -> bool {
        let has = |method| self.token_endpoint_auth_methods_supported.iter().any(|one| one == method);
        has("client_secret_post") && !has("client_secret_basic")
    }
}
