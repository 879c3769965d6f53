//! How to sign people in through a provider: the settings of a source of kind `oidc`.

use std::collections::BTreeMap;

use regex::Regex;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::error::{Error, Result};
use crate::issuer::Issuer;
use crate::sources::Secret;

/// Bounds on what an operator's pattern may cost.
const LARGEST_PATTERN: usize = 1_000;
/// Parameters that the sign-in itself sets.
const OWN_PARAMETERS: [&str; 8] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
];

/// Settings of an OpenID provider. The provider has to know the client, with `…/c/oidc/callback` as its redirect URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcSettings {
    /// What people call it; empty to show the source's name.
    pub display_name: String,
    /// The issuer's address, below which discovery is.
    pub endpoint: String,
    /// The name by which the provider knows this registry.
    pub client_id: String,
    /// The secret it shares with this registry; empty for a public client, which PKCE protects.
    pub client_secret: Secret,
    /// What to ask for, apart by commas or blanks; `openid` is asked for always.
    pub scope: String,
    /// Whether certificates are checked.
    pub verify_certificate: bool,
    /// PEM certificates to trust beside the system's.
    pub ca_certificate: String,
    /// The claim that holds the user name; empty for `preferred_username`, else `email`.
    pub user_claim: String,
    /// The claim that holds the groups, a list of texts; dots lead into objects. Empty to take no groups.
    pub groups_claim: String,
    /// Groups that this pattern does not match are left out; empty for all.
    pub group_filter: String,
    /// Stands before each group's name. Two providers must differ in it, so that the groups of one cannot pass for
    /// those of the other.
    pub group_prefix: String,
    /// The group, as the provider calls it, whose members are administrators; empty for none.
    pub administrator_group: String,
    /// How many groups one person may be in; further ones are left out, with a warning.
    pub groups_at_most: u32,
    /// Make the user at the first sign-in, under the name of the claim; otherwise people choose their name.
    pub auto_onboard: bool,
    /// Further parameters for the provider's sign-in page, such as `prompt` or `domain_hint`.
    pub extra_redirect_parameters: BTreeMap<String, String>,
    /// Sign out at the provider too.
    pub logout: bool,
}

impl Default for OidcSettings {
    fn default() -> Self {
        OidcSettings {
            display_name: String::new(),
            endpoint: String::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
            scope: "openid,profile,email".to_owned(),
            verify_certificate: true,
            ca_certificate: String::new(),
            user_claim: String::new(),
            groups_claim: String::new(),
            group_filter: String::new(),
            group_prefix: String::new(),
            administrator_group: String::new(),
            groups_at_most: 500,
            auto_onboard: false,
            extra_redirect_parameters: BTreeMap::new(),
            logout: false,
        }
    }
}

impl OidcSettings {
    /// Refuses what could never work, so that the mistake shows where it is made and not at the next sign-in.
    pub fn validate(&self) -> Result<()> {
        match Url::parse(&self.endpoint) {
            Ok(url) if matches!(url.scheme(), "https" | "http") && url.query().is_none() => {}
            _ => return Err(wrong("endpoint", "it is no http or https address of an issuer")),
        }
        if self.client_id.is_empty() {
            return Err(wrong("client_id", "it is empty; register this registry with the provider"));
        }
        if self.groups_claim.is_empty() && !self.administrator_group.is_empty() {
            return Err(wrong("administrator_group", "without groups_claim nobody is known to be in it"));
        }
        if let Some(own) =
            OWN_PARAMETERS.iter().find(|name| self.extra_redirect_parameters.contains_key(**name))
        {
            return Err(wrong("extra_redirect_parameters", &format!("{own} is set by the sign-in itself")));
        }
        if !(1..=5_000).contains(&self.groups_at_most) {
            return Err(wrong("groups_at_most", "it is not between 1 and 5000"));
        }
        self.group_pattern().map(|_| ())
    }

    /// The pattern of groups to take; none takes all.
    pub(super) fn group_pattern(&self) -> Result<Option<Regex>> {
        if self.group_filter.is_empty() {
            return Ok(None);
        }
        if self.group_filter.len() > LARGEST_PATTERN {
            return Err(wrong("group_filter", &format!("it is longer than {LARGEST_PATTERN} bytes")));
        }
        let pattern = Regex::new(&self.group_filter);
        pattern.map(Some).map_err(|_| wrong("group_filter", "it is no regular expression"))
    }

    pub(super) fn issuer(&self) -> Issuer {
        Issuer {
            url: self.endpoint.trim_end_matches('/').to_owned(),
            ca_certificate: Some(self.ca_certificate.clone()).filter(|pem| !pem.trim().is_empty()),
            verify_certificate: self.verify_certificate,
            keys: None,
        }
    }

    /// The `scope` parameter: `openid` and what else was asked for, each once.
    pub(super) fn scopes(&self) -> String {
        let mut scopes = vec!["openid"];
        for scope in self.scope.split([',', ' ']).filter(|scope| !scope.is_empty()) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes.join(" ")
    }
}

fn wrong(key: &str, reason: &str) -> Error {
    Error::bad_request(format!("the provider's setting {key} cannot be used: {reason}"))
        .with_detail(serde_json::json!({ "setting": key }))
}
