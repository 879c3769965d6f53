//! Trust rules: a robot signs in with a token that its platform gave it, a CI job's or a Kubernetes service account's,
//! and keeps no secret.

mod sign_in;
mod terms;

use hythe_metadata::robot::Robot;
use hythe_metadata::trust_rule::{self, TrustRule};
use hythe_oci::error_code::ErrorCode;
use serde_json::json;

use crate::Registry;
use crate::access::{Caller, rights, system_rights};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::revocations::Subject;
use crate::robots::may_act_as;

pub(crate) use sign_in::{Arrivals, looks_like_id_token};
pub use terms::{WantedTrustRule, patterns};

/// Rules of one robot.
const AT_MOST: usize = 20;

impl Registry {
    /// Makes a rule for a robot. Whoever may change the robot may, as far as they have its permissions themselves.
    pub async fn create_trust_rule(
        &self,
        caller: &Caller,
        robot: i64,
        wanted: WantedTrustRule,
    ) -> Result<TrustRule> {
        let robot = self.changeable_robot(caller, robot, &wanted).await?;
        let terms = wanted.into_terms()?;
        let entry = self.rule_entry(caller, "create", &robot, &terms.name).after(told(&terms)?);
        let (id, now) = (robot.id, clock::now());
        self.database
            .try_transaction(move |c| {
                let (terms, entry) = (terms.clone(), entry.clone());
                Box::pin(async move {
                    if trust_rule::list(c, id).await?.len() >= AT_MOST {
                        return Err(Error::conflict(format!(
                            "a robot has at most {AT_MOST} trust rules; delete one first"
                        )));
                    }
                    let made = trust_rule::create(c, id, &terms, now).await.map_err(taken)?;
                    entry.write(c).await?;
                    Ok(made)
                })
            })
            .await
    }

    /// A robot's rules in the order in which they were made.
    pub async fn list_trust_rules(&self, caller: &Caller, robot: i64) -> Result<Vec<TrustRule>> {
        let robot = self.get_robot(caller, robot).await?;
        let mut c = self.database.connect().await?;
        Ok(trust_rule::list(&mut c, robot.id).await?)
    }

    /// One rule of a robot.
    pub async fn get_trust_rule(&self, caller: &Caller, robot: i64, id: i64) -> Result<TrustRule> {
        let robot = self.get_robot(caller, robot).await?;
        let mut c = self.database.connect().await?;
        trust_rule::find(&mut c, robot.id, id).await?.ok_or_else(|| unknown(id))
    }

    /// Lets a rule say something else. Tokens made for whom it let in before stop working.
    pub async fn update_trust_rule(
        &self,
        caller: &Caller,
        robot: i64,
        id: i64,
        wanted: WantedTrustRule,
    ) -> Result<()> {
        let robot = self.changeable_robot(caller, robot, &wanted).await?;
        let mut c = self.database.connect().await?;
        let found = trust_rule::find(&mut c, robot.id, id).await?.ok_or_else(|| unknown(id))?;
        drop(c);
        let terms = wanted.into_terms()?;
        let entry = self
            .rule_entry(caller, "update", &robot, &found.terms.name)
            .before(told(&found.terms)?)
            .after(told(&terms)?);
        let lifetime = self.longest_token_lifetime();
        self.database
            .try_transaction(move |c| {
                let (terms, entry) = (terms.clone(), entry.clone());
                Box::pin(async move {
                    if !trust_rule::update(c, robot.id, id, &terms).await.map_err(taken)? {
                        return Err(unknown(id));
                    }
                    entry.write(c).await?;
                    Ok(Registry::revoke(c, Subject::TrustRule(id), lifetime).await?)
                })
            })
            .await
    }

    /// Deletes a rule. Tokens made for whom it let in stop working.
    pub async fn delete_trust_rule(&self, caller: &Caller, robot: i64, id: i64) -> Result<()> {
        let robot = self
            .permitted_robot::<rights::robot::Update, system_rights::robot::Update>(caller, robot)
            .await?;
        let mut c = self.database.connect().await?;
        let found = trust_rule::find(&mut c, robot.id, id).await?.ok_or_else(|| unknown(id))?;
        drop(c);
        let entry = self.rule_entry(caller, "delete", &robot, &found.terms.name).before(told(&found.terms)?);
        let lifetime = self.longest_token_lifetime();
        self.database
            .try_transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move {
                    if !trust_rule::delete(c, robot.id, id).await? {
                        return Err(unknown(id));
                    }
                    entry.write(c).await?;
                    Ok(Registry::revoke(c, Subject::TrustRule(id), lifetime).await?)
                })
            })
            .await
    }

    async fn changeable_robot(&self, caller: &Caller, id: i64, wanted: &WantedTrustRule) -> Result<Robot> {
        let robot =
            self.permitted_robot::<rights::robot::Update, system_rights::robot::Update>(caller, id).await?;
        may_act_as(&robot, caller)?;
        if wanted.trusts_the_network()
            && self.permit_everywhere::<system_rights::robot::Update>(caller).await.is_err()
        {
            return Err(Error::bad_request(
                "the issuer's address begins with https; one without can be trusted by an administrator, or with the \
                 issuer's keys in the rule",
            ));
        }
        Ok(robot)
    }

    fn rule_entry(&self, caller: &Caller, operation: &str, robot: &Robot, name: &str) -> Entry {
        let name = format!("{}/{name}", self.full_robot_name(robot));
        Entry::new(caller, operation, "trust-rule", name).in_project_if(robot.project_id)
    }
}

/// A rule for the audit log; certificates and keys are public, and long.
fn told(terms: &trust_rule::Terms) -> Result<serde_json::Value> {
    Ok(json!({
        "issuer": terms.issuer,
        "audience": terms.audience,
        "claims": patterns(terms)?,
        "ca_certificate": terms.ca_certificate.is_some(),
        "keys": terms.keys.is_some(),
    }))
}

fn taken(error: hythe_metadata::Error) -> Error {
    match error {
        hythe_metadata::Error::Conflict { what } => Error::conflict(what),
        other => other.into(),
    }
}

fn unknown(id: i64) -> Error {
    Error::unknown(ErrorCode::NameUnknown, format!("this robot has no trust rule with the id {id}"))
}
