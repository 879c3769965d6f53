//! What an administrator changes while nodes run: Harbor's configuration, and the sources people come from.
//!
//! A change writes rows and a new version in one transaction. Every node looks at the version again and again and
//! reads the rows when it is another, so that a change is everywhere within seconds and a request reads memory only.

pub mod items;
mod value;

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use hythe_metadata::{Connection, setting, usage};
use serde_json::{Map, Value};

use crate::Registry;
use crate::access::system_rights::configuration as right;
use crate::access::{Everywhere, Permit};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::secrets::Secrets;
use crate::sources::{self, SourceKind, Sources, harbor};
use items::{
    AUDIT_LOG_FORWARD_ENDPOINT, DISABLED_AUDIT_LOG_EVENT_TYPES, Home, Item, Kind, SKIP_AUDIT_LOG_DATABASE,
};

/// How often every node looks at the version.
pub const FOLLOWED_EVERY: Duration = Duration::from_secs(1);

/// The row of the version, and the one of the values that somebody set, a JSON object.
const VERSION: &str = "configuration_version";
const VALUES: &str = "configuration";
/// Names the lock that keeps two changes apart.
const LOCK: &str = "configuration";

/// The configuration as this node last read it. Values that nobody set have their defaults.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    values: Map<String, Value>,
}

impl Configuration {
    /// A key that is true or false.
    pub fn truth(&self, item: &Item) -> bool {
        let Kind::Truth(default) = item.kind else { return false };
        self.values.get(item.key).and_then(Value::as_bool).unwrap_or(default)
    }

    /// A key that is a number.
    pub fn number(&self, item: &Item) -> i64 {
        let Kind::Number { default, .. } = item.kind else { return 0 };
        self.values.get(item.key).and_then(Value::as_i64).unwrap_or(default)
    }

    /// A key that is a number, if somebody set it.
    pub fn number_set(&self, item: &Item) -> Option<i64> {
        self.values.get(item.key).and_then(Value::as_i64)
    }

    /// A key that is a text or a word.
    pub fn text(&self, item: &Item) -> String {
        let default = match item.kind {
            Kind::Text(default) => default,
            Kind::Word(words) => words.first().copied().unwrap_or_default(),
            _ => "",
        };
        self.values.get(item.key).and_then(Value::as_str).unwrap_or(default).to_owned()
    }

    fn value(&self, item: &Item) -> Value {
        match item.kind {
            Kind::Truth(_) => self.truth(item).into(),
            Kind::Number { .. } => self.number(item).into(),
            Kind::Text(_) | Kind::Word(_) | Kind::Words(_) | Kind::Secret | Kind::Pairs => {
                self.text(item).into()
            }
        }
    }
}

/// One reading of the rows.
#[derive(Default)]
pub(crate) struct Live {
    read: RwLock<Arc<Reading>>,
}

#[derive(Default)]
pub(crate) struct Reading {
    version: Option<String>,
    pub(crate) configuration: Arc<Configuration>,
    pub(crate) sources: Arc<Sources>,
}

impl Reading {
    pub(crate) fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

impl Live {
    pub(crate) fn get(&self) -> Arc<Reading> {
        self.read.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn put(&self, reading: Reading) {
        *self.read.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(reading);
    }
}

impl Registry {
    /// The configuration as it stands, some moments old at most while [`Registry::follow_configuration`] runs.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.live.get().configuration.clone()
    }

    /// Reads the rows if they have another version than what is in memory; whether they had.
    pub async fn reread_configuration(&self) -> Result<bool> {
        let mut connection = self.database.connect().await?;
        let version = setting::find(&mut connection, VERSION).await?;
        if version.is_none() || version == self.live.get().version {
            return Ok(false);
        }
        let values = stored(&mut connection).await?;
        let rows = sources::rows::list(&self.secrets, &mut connection).await?;
        drop(connection);
        let before = self.live.get();
        self.live.put(Reading {
            version,
            configuration: Arc::new(Configuration { values }),
            sources: Arc::new(Sources::read(rows, &before.sources)),
        });
        Ok(true)
    }

    /// Keeps the configuration in memory like the rows, for as long as the node runs. An error is said once, and the
    /// node goes on with what it has.
    pub async fn follow_configuration(&self) {
        let mut failing = false;
        loop {
            let outcome = self.reread_configuration().await;
            if let Err(error) = &outcome
                && !failing
            {
                tracing::warn!(%error, "the configuration cannot be read; the last one stands");
            }
            failing = outcome.is_err();
            tokio::time::sleep(FOLLOWED_EVERY).await;
        }
    }

    /// Every key with its value, but those of secrets.
    pub async fn get_configuration(
        &self,
        _permit: &Permit<right::Read, Everywhere>,
    ) -> Result<BTreeMap<&'static str, Value>> {
        self.reread_configuration().await?;
        let mut connection = self.database.connect().await?;
        let rows = sources::rows::list(&self.secrets, &mut connection).await?;
        let configuration = self.configuration();
        let (ldap, oidc) = (harbor::first(&rows, SourceKind::Ldap)?, harbor::first(&rows, SourceKind::Oidc)?);
        let shown = items::ITEMS.iter().filter(|item| !matches!(item.kind, Kind::Secret));
        let value = |item: &Item| match item.home {
            Home::Here => configuration.value(item),
            Home::Ldap(field) => harbor::shown(item, ldap.get(field)),
            Home::Oidc(field) => harbor::shown(item, oidc.get(field)),
        };
        Ok(shown.map(|item| (item.key, value(item))).collect())
    }

    /// Sets keys; those left out stay. Keys of Harbor's that mean nothing here are passed over, others are refused.
    pub async fn update_configuration(
        &self,
        permit: &Permit<right::Update, Everywhere>,
        given: &Map<String, Value>,
    ) -> Result<()> {
        let wanted = Wanted::read(given)?;
        // The keys and not their values, some of which are secrets.
        let keys: Vec<&String> = given.keys().collect();
        let entry = Entry::new(permit.caller(), "update", "configuration", "configuration")
            .after(serde_json::json!({ "keys": keys }));
        let secrets = self.secrets.clone();
        self.database
            .try_transaction(move |c| {
                let (wanted, entry, secrets) = (wanted.clone(), entry.clone(), secrets.clone());
                Box::pin(async move {
                    entry.write(c).await?;
                    wanted.write(&secrets, c).await
                })
            })
            .await?;
        self.reread_configuration().await?;
        Ok(())
    }
}

/// The settings of a directory among Harbor's keys, for a trial of them. `ldap_connection_timeout` is what Harbor calls
/// `ldap_timeout` there.
///
/// # Errors
/// [`Kind::BadRequest`](crate::error::Kind::BadRequest) for a key or value that cannot be.
pub fn ldap_fields(given: &Map<String, Value>) -> Result<Map<String, Value>> {
    let renamed =
        |key: &String| if key == "ldap_connection_timeout" { "ldap_timeout".to_owned() } else { key.clone() };
    let given: Map<String, Value> = given.iter().map(|(key, value)| (renamed(key), value.clone())).collect();
    Ok(Wanted::read(&given)?.ldap)
}

/// Values that were read and found right, by where they go.
#[derive(Clone, Default)]
struct Wanted {
    here: Map<String, Value>,
    ldap: Map<String, Value>,
    oidc: Map<String, Value>,
}

impl Wanted {
    fn read(given: &Map<String, Value>) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        for (key, given) in given {
            let Some(item) = items::find(key) else {
                if items::is_passed_over(key) {
                    continue;
                }
                return Err(unknown_key(key));
            };
            // Clients that know no other way to leave a key out send null.
            if given.is_null() {
                continue;
            }
            let value = value::read(item, given)?;
            match item.home {
                Home::Here => wanted.here.insert(item.key.to_owned(), value),
                Home::Ldap(field) => wanted.ldap.insert(field.to_owned(), value),
                Home::Oidc(field) => wanted.oidc.insert(field.to_owned(), value),
            };
        }
        Ok(wanted)
    }

    async fn write(self, secrets: &Secrets, c: &mut Connection) -> Result<()> {
        lock(c).await?;
        if let Some(enforced) = self.here.get(items::QUOTA_PER_PROJECT_ENABLE.key).and_then(Value::as_bool) {
            usage::enforce(c, enforced).await?;
        }
        if !self.here.is_empty() {
            let mut values = stored(c).await?;
            values.extend(self.here);
            validate_together(&values)?;
            setting::put(c, VALUES, &Value::Object(values).to_string()).await?;
        }
        let rows = sources::rows::list(secrets, c).await?;
        harbor::set_first(secrets, c, &rows, SourceKind::Ldap, self.ldap).await?;
        harbor::set_first(secrets, c, &rows, SourceKind::Oidc, self.oidc).await?;
        renew_version(c).await
    }
}

/// What makes sense only with something else.
fn validate_together(values: &Map<String, Value>) -> Result<()> {
    let configuration = Configuration { values: values.clone() };
    if configuration.truth(&SKIP_AUDIT_LOG_DATABASE)
        && configuration.text(&AUDIT_LOG_FORWARD_ENDPOINT).is_empty()
    {
        return Err(Error::bad_request(
            "skip_audit_log_database needs audit_log_forward_endpoint: audit events are kept until they were sent there",
        ));
    }
    Ok(())
}

/// Whether somebody left events of this type out of the audit log, as the row has it in this transaction: what is not
/// recorded any more is the same on all nodes from one moment on.
pub(crate) async fn is_left_out(
    c: &mut Connection,
    event_type: &str,
) -> std::result::Result<bool, hythe_metadata::Error> {
    let text = setting::find(c, VALUES).await?.unwrap_or_default();
    let values: Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
    let list = Configuration { values }.text(&DISABLED_AUDIT_LOG_EVENT_TYPES);
    Ok(list.split(',').any(|word| word == event_type))
}

/// Keeps other changes of the configuration waiting until this transaction ends.
pub(crate) async fn lock(c: &mut Connection) -> Result<()> {
    Ok(setting::lock(c, LOCK).await?)
}

/// Tells every node to read the rows again.
pub(crate) async fn renew_version(c: &mut Connection) -> Result<()> {
    let version = format!("{} {}", clock::now(), uuid::Uuid::new_v4().simple());
    Ok(setting::put(c, VERSION, &version).await?)
}

async fn stored(c: &mut Connection) -> Result<Map<String, Value>> {
    let text = setting::find(c, VALUES).await?;
    let values = text.map(|text| serde_json::from_str(&text)).transpose();
    let values =
        values.map_err(|error| Error::internal(format!("the setting {VALUES} is damaged"), error))?;
    Ok(values.unwrap_or_default())
}

fn unknown_key(key: &str) -> Error {
    let shown: String = key.chars().take(64).collect();
    Error::bad_request(format!(
        "there is no key {}; GET /api/v2.0/configurations lists them",
        shown.escape_debug()
    ))
}
