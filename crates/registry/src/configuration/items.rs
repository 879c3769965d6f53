//! Every key of `/api/v2.0/configurations`: its kind, its default, and who reads it. Keys and kinds are Harbor's
//! (`src/lib/config/metadata/metadatalist.go`).

use crate::audit::EVENT_TYPES;

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    /// Its name in the API.
    pub key: &'static str,
    /// What it may be, and what it is where nobody set it.
    pub kind: Kind,
    /// Where its value is kept.
    pub home: Home,
    /// The part of Hythe that acts on it.
    pub read_by: &'static str,
}

/// What a value may be, with the default.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// True or false.
    Truth(bool),
    /// A whole number within bounds.
    Number {
        /// Where nobody set it.
        default: i64,
        /// The least it may be.
        least: i64,
        /// The most it may be.
        most: i64,
    },
    /// Any text.
    Text(&'static str),
    /// One of these words, the first where nobody set it.
    Word(&'static [&'static str]),
    /// Any of these words, apart by commas; none where nobody set it.
    Words(&'static [&'static str]),
    /// A text that is never given back.
    Secret,
    /// Texts by name, written as the text of a JSON object.
    Pairs,
}

/// Where a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// With the other values.
    Here,
    /// In the settings of the first directory, under this name.
    Ldap(&'static str),
    /// In the settings of the first provider, under this name.
    Oidc(&'static str),
}

/// Declares the keys, each as a constant, and the list of all.
macro_rules! items {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $kind:expr, $home:expr, $read_by:literal;)+) => {
        $($(#[$doc])* pub const $name: Item = Item { key: $key, kind: $kind, home: $home, read_by: $read_by };)+

        /// All keys, in the order in which they are shown.
        pub const ITEMS: &[Item] = &[$($name),+];
    };
}

use Home::{Here, Ldap, Oidc};
use Kind::{Number, Pairs, Secret, Text, Truth, Word, Words};

const SCOPE: Kind = Number { default: 2, least: 0, most: 2 };
const LONG: i64 = i32::MAX as i64;

items! {
    /// How people are told to sign in. All sources work at the same time, whatever it says.
    AUTH_MODE = "auth_mode", Word(&["db_auth", "ldap_auth", "oidc_auth"]), Here, "systeminfo, console";
    /// Whether the console goes to the provider at once.
    PRIMARY_AUTH_MODE = "primary_auth_mode", Truth(false), Here, "systeminfo, console";
    /// Who may make projects. Harbor lets everyone; here an administrator has to open it.
    PROJECT_CREATION_RESTRICTION =
        "project_creation_restriction", Word(&["adminonly", "everyone"]), Here, "access";
    /// Whether people may make themselves users.
    SELF_REGISTRATION = "self_registration", Truth(false), Here, "users, systeminfo";
    /// Whether pushes and changes are refused.
    READ_ONLY = "read_only", Truth(false), Here, "access, systeminfo";
    /// Minutes a registry token is good for.
    TOKEN_EXPIRATION = "token_expiration", Number { default: 30, least: 1, most: 24 * 60 }, Here, "tokens";
    /// Minutes a browser's session lasts without use.
    SESSION_TIMEOUT = "session_timeout", Number { default: 60, least: 1, most: 30 * 24 * 60 }, Here, "sessions";
    /// Stands before a robot's name; `robot$` is accepted beside it.
    ROBOT_NAME_PREFIX = "robot_name_prefix", Text("robot_"), Here, "robots";
    /// Days a robot lives where its maker does not say; -1 for ever.
    ROBOT_TOKEN_DURATION = "robot_token_duration", Number { default: 30, least: -1, most: LONG }, Here, "robots";
    /// Whether projects have limits to what they store.
    QUOTA_PER_PROJECT_ENABLE = "quota_per_project_enable", Truth(true), Here, "quotas";
    /// Bytes a new project may store; -1 without limit.
    STORAGE_PER_PROJECT = "storage_per_project", Number { default: -1, least: -1, most: i64::MAX }, Here, "quotas";
    /// A line that the console shows to everybody.
    BANNER_MESSAGE = "banner_message", Text(""), Here, "systeminfo, console";
    /// Whether notifications are sent at all.
    NOTIFICATION_ENABLE = "notification_enable", Truth(true), Here, "notifications";
    /// Where audit events are sent too: `host:port` of a syslog server.
    AUDIT_LOG_FORWARD_ENDPOINT = "audit_log_forward_endpoint", Text(""), Here, "audit";
    /// Whether audit events are kept only until they were sent.
    SKIP_AUDIT_LOG_DATABASE = "skip_audit_log_database", Truth(false), Here, "audit";
    /// Operations that are not recorded, apart by commas, such as `pull_artifact`.
    DISABLED_AUDIT_LOG_EVENT_TYPES = "disabled_audit_log_event_types", Words(EVENT_TYPES), Here, "audit";
    /// Whether pulls are left out of the audit log.
    PULL_AUDIT_LOG_DISABLE = "pull_audit_log_disable", Truth(true), Here, "pulls";
    /// Whether a scanner's pull leaves the time of the last pull alone.
    SCANNER_SKIP_UPDATE_PULLTIME = "scanner_skip_update_pulltime", Truth(false), Here, "pull times";

    /// The directory's servers.
    LDAP_URL = "ldap_url", Text(""), Ldap("url"), "sources";
    /// The account that searches.
    LDAP_SEARCH_DN = "ldap_search_dn", Text(""), Ldap("bind_dn"), "sources";
    /// Its password.
    LDAP_SEARCH_PASSWORD = "ldap_search_password", Secret, Ldap("bind_password"), "sources";
    /// Where people are.
    LDAP_BASE_DN = "ldap_base_dn", Text(""), Ldap("base_dn"), "sources";
    /// What else must be true of them.
    LDAP_FILTER = "ldap_filter", Text(""), Ldap("filter"), "sources";
    /// The attribute that holds the name to sign in with.
    LDAP_UID = "ldap_uid", Text("uid"), Ldap("uid_attribute"), "sources";
    /// 0 the base, 1 one level, 2 everything below.
    LDAP_SCOPE = "ldap_scope", SCOPE, Ldap("scope"), "sources";
    /// Seconds to wait for an answer.
    LDAP_TIMEOUT = "ldap_timeout", Number { default: 5, least: 1, most: 60 }, Ldap("timeout_seconds"), "sources";
    /// Whether certificates are checked.
    LDAP_VERIFY_CERT = "ldap_verify_cert", Truth(true), Ldap("verify_certificate"), "sources";
    /// Where groups are.
    LDAP_GROUP_BASE_DN = "ldap_group_base_dn", Text(""), Ldap("group_base_dn"), "sources";
    /// What else must be true of them.
    LDAP_GROUP_SEARCH_FILTER = "ldap_group_search_filter", Text(""), Ldap("group_filter"), "sources";
    /// The attribute that holds a group's name.
    LDAP_GROUP_ATTRIBUTE_NAME = "ldap_group_attribute_name", Text("cn"), Ldap("group_name_attribute"), "sources";
    /// 0 the base, 1 one level, 2 everything below.
    LDAP_GROUP_SEARCH_SCOPE = "ldap_group_search_scope", SCOPE, Ldap("group_scope"), "sources";
    /// The group whose members are administrators.
    LDAP_GROUP_ADMIN_DN = "ldap_group_admin_dn", Text(""), Ldap("administrator_group_dn"), "sources";
    /// Where a person tells their groups.
    LDAP_GROUP_MEMBERSHIP_ATTRIBUTE =
        "ldap_group_membership_attribute", Text("memberOf"), Ldap("membership_attribute"), "sources";
    /// Harbor's switch for asking for groups side by side; one search suffices here, so that it changes nothing.
    LDAP_GROUP_ATTACH_PARALLEL = "ldap_group_attach_parallel", Truth(false), Here, "nobody";

    /// What people call the provider.
    OIDC_NAME = "oidc_name", Text(""), Oidc("display_name"), "sources, console";
    /// The issuer's address.
    OIDC_ENDPOINT = "oidc_endpoint", Text(""), Oidc("endpoint"), "sources";
    /// What the provider calls this registry.
    OIDC_CLIENT_ID = "oidc_client_id", Text(""), Oidc("client_id"), "sources";
    /// The secret shared with it.
    OIDC_CLIENT_SECRET = "oidc_client_secret", Secret, Oidc("client_secret"), "sources";
    /// What to ask for.
    OIDC_SCOPE = "oidc_scope", Text("openid,profile,email"), Oidc("scope"), "sources";
    /// The claim that holds the user name.
    OIDC_USER_CLAIM = "oidc_user_claim", Text(""), Oidc("user_claim"), "sources";
    /// The claim that holds the groups.
    OIDC_GROUPS_CLAIM = "oidc_groups_claim", Text(""), Oidc("groups_claim"), "sources";
    /// Which groups to take, a regular expression.
    OIDC_GROUP_FILTER = "oidc_group_filter", Text(""), Oidc("group_filter"), "sources";
    /// The group whose members are administrators.
    OIDC_ADMIN_GROUP = "oidc_admin_group", Text(""), Oidc("administrator_group"), "sources";
    /// Whether certificates are checked.
    OIDC_VERIFY_CERT = "oidc_verify_cert", Truth(true), Oidc("verify_certificate"), "sources";
    /// Whether users are made without asking for a name.
    OIDC_AUTO_ONBOARD = "oidc_auto_onboard", Truth(false), Oidc("auto_onboard"), "sources";
    /// Further parameters for the provider's page.
    OIDC_EXTRA_REDIRECT_PARMS =
        "oidc_extra_redirect_parms", Pairs, Oidc("extra_redirect_parameters"), "sources";
    /// Whether to sign out at the provider too.
    OIDC_LOGOUT = "oidc_logout", Truth(false), Oidc("logout"), "sources";
}

/// Keys that Harbor's clients send along and that mean nothing here: mail, which Harbor no longer sends itself, the
/// sign-in ways that were left out, and a schedule that has its own endpoint.
const PASSED_OVER: [&str; 5] = ["email_", "uaa_", "http_authproxy_", "scan_all_policy", "count_per_project"];

/// The key of this name.
pub fn find(key: &str) -> Option<&'static Item> {
    ITEMS.iter().find(|item| item.key == key)
}

/// Whether a key may be sent and is passed over. `ldap_group_id` is an older name that the Terraform provider sends.
pub(super) fn is_passed_over(key: &str) -> bool {
    key == "ldap_group_id" || PASSED_OVER.iter().any(|beginning| key.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn keys_are_told_apart() {
        let keys: BTreeSet<&str> = ITEMS.iter().map(|item| item.key).collect();
        assert_eq!(keys.len(), ITEMS.len());
        assert!(ITEMS.iter().all(|item| !is_passed_over(item.key)));
    }

    #[test]
    fn every_default_is_allowed() {
        for item in ITEMS {
            match item.kind {
                Kind::Number { default, least, most } => {
                    assert!((least..=most).contains(&default), "{}", item.key)
                }
                Kind::Word(words) => assert!(!words.is_empty(), "{}", item.key),
                _ => {}
            }
        }
    }
}
