//! A robot signs in with a token that its platform gave it: checked by the issuer's keys, then held against its rules.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use hythe_metadata::robot::Robot;
use hythe_metadata::trust_rule::{self, TrustRule};
use moka::sync::Cache;
use serde_json::json;

use super::terms::{issuer, misfit, trimmed};
use crate::Registry;
use crate::access::{Caller, Origin, Through};
use crate::audit::Entry;
use crate::clock;
use crate::error::{Error, Result};
use crate::issuer::IdClaims;
use crate::issuer::claims::unchecked;
use crate::robots::is_alive;
use crate::throttle::Attempt;

/// Longer than any robot's secret, so that a secret is never taken for a token.
const SHORTEST_TOKEN: usize = 129;
/// What a stranger wrote into a token is repeated up to here.
const LONGEST_WORD: usize = 200;
/// What the audit log says of a refusal.
const LONGEST_REASON: usize = 2000;
/// Tokens live for minutes; one that is shown for every layer of an image is told of once in this time.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(60 * 60);
const TOLD_AT_MOST: u64 = 20_000;

/// The tokens that the audit log knows of already.
pub(crate) struct Arrivals(Cache<[u8; 32], ()>);

impl Default for Arrivals {
    fn default() -> Self {
        Arrivals(Cache::builder().max_capacity(TOLD_AT_MOST).time_to_live(TOLD_AGAIN_AFTER).build())
    }
}

/// Whether a password is a JSON Web Token, to be held against trust rules.
pub(crate) fn looks_like_id_token(password: &str) -> bool {
    password.len() >= SHORTEST_TOKEN && password.starts_with("eyJ") && password.matches('.').count() == 2
}

/// A token that was checked, and the rule that it fits.
struct Arrival {
    rule: TrustRule,
    claims: IdClaims,
}

impl Registry {
    /// The robot of this full name, shown a token of an issuer that one of its trust rules trusts.
    ///
    /// A stranger learns what is wrong with the token, and not whether there is such a robot: the token is checked
    /// before the robot's rules count, and from there on all refusals have the same words. The audit log has the rest.
    ///
    /// # Errors
    /// [`crate::error::Kind::Unauthenticated`] if the token is not taken, [`crate::error::Kind::Unavailable`] if the
    /// issuer's keys cannot be had, [`crate::error::Kind::TooMany`] after too many failures.
    pub async fn sign_in_with_id_token(
        &self,
        name: &str,
        token: &str,
        origin: &Arc<Origin>,
    ) -> Result<Caller> {
        let attempt = self.begin(Attempt::with_id_token(name, origin)).await?;
        let robot = self.find_robot_by_full_name(name).await?;
        let outcome = self.admit_by_rule(name, robot.as_ref(), token, origin).await;
        let refused = told_of(name, robot.as_ref(), origin);
        let attempt = match &outcome {
            Err(error) => attempt.told_as(refused.refused(&shortened(&error.to_string(), LONGEST_REASON))),
            Ok(_) => attempt,
        };
        self.end_attempt(attempt, &outcome).await?;
        outcome
    }

    async fn admit_by_rule(
        &self,
        name: &str,
        robot: Option<&Robot>,
        token: &str,
        origin: &Arc<Origin>,
    ) -> Result<Caller> {
        let claimed = claimed_issuer(token)?;
        let rules = self.rules_trusting(robot, &claimed).await?;
        let alive = robot.filter(|robot| is_alive(robot, clock::now()));
        let (robot, arrival) = self.find_rule(name, alive, rules, &claimed, token).await?;
        self.tell_arrival(robot, &arrival, token, origin).await?;
        self.uses.note_robot(robot.id);
        self.uses.note_trust_rule(arrival.rule.id);
        let principal = Arc::new(self.robot_principal(robot)?);
        Ok(Caller::robot(principal, Through::TrustRule(arrival.rule.id), origin.clone()))
    }

    /// The robot's rules for this issuer; where it has none, somebody else's, which are good for checking the token.
    async fn rules_trusting(&self, robot: Option<&Robot>, claimed: &str) -> Result<Vec<TrustRule>> {
        let mut c = self.database.connect().await?;
        let mut rules = match robot {
            Some(robot) => trust_rule::list(&mut c, robot.id).await?,
            None => Vec::new(),
        };
        rules.retain(|rule| rule.terms.issuer == claimed);
        if rules.is_empty() {
            rules.extend(trust_rule::find_by_issuer(&mut c, claimed).await?);
        }
        if rules.is_empty() {
            return Err(nobody_trusts(claimed));
        }
        Ok(rules)
    }

    /// The first rule of the robot that the token fits. Where none checks it, what is wrong with the token is said;
    /// where one does, that its claims do not fit.
    async fn find_rule<'r>(
        &self,
        name: &str,
        robot: Option<&'r Robot>,
        rules: Vec<TrustRule>,
        claimed: &str,
        token: &str,
    ) -> Result<(&'r Robot, Arrival)> {
        let (mut refusal, mut checked, mut misfits) = (None, None, Vec::new());
        for rule in rules {
            match self.check_by(&rule, token).await {
                Ok(claims) => match let_in(robot, &rule, &claims)? {
                    Ok(robot) => return Ok((robot, Arrival { rule, claims })),
                    Err(why) => {
                        misfits.push(why);
                        checked = Some(claims);
                    }
                },
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        match (checked, refusal) {
            (Some(claims), _) => Err(not_taken(name, claimed, &claims, &misfits.join("; "))),
            (None, Some(refusal)) => Err(refusal),
            (None, None) => Err(nobody_trusts(claimed)),
        }
    }

    async fn check_by(&self, rule: &TrustRule, token: &str) -> Result<IdClaims> {
        self.issuers.get(&issuer(&rule.terms))?.verify_for_any_audience(token).await
    }

    /// A sign-in is told of in the audit log, each token once: which issuer, whom it speaks of, and by which rule.
    async fn tell_arrival(
        &self,
        robot: &Robot,
        arrival: &Arrival,
        token: &str,
        origin: &Arc<Origin>,
    ) -> Result<()> {
        let known = fingerprint(arrival.rule.id, token);
        if self.arrivals.0.contains_key(&known) {
            return Ok(());
        }
        let principal = Arc::new(self.robot_principal(robot)?);
        let caller = Caller::robot(principal, Through::TrustRule(arrival.rule.id), origin.clone());
        let entry = Entry::new(&caller, "login", "robot", self.full_robot_name(robot))
            .in_project_if(robot.project_id)
            .after(json!({
                "issuer": arrival.claims.issuer,
                "subject": arrival.claims.subject,
                "rule": arrival.rule.terms.name,
            }));
        self.database
            .transaction(move |c| {
                let entry = entry.clone();
                Box::pin(async move { entry.write(c).await })
            })
            .await?;
        self.arrivals.0.insert(known, ());
        Ok(())
    }
}

/// The robot, if this rule of it lets in whom a checked token speaks of; else why not.
fn let_in<'r>(
    robot: Option<&'r Robot>,
    rule: &TrustRule,
    claims: &IdClaims,
) -> Result<std::result::Result<&'r Robot, String>> {
    let Some(robot) = robot else {
        return Ok(Err("there is no such robot, or it is disabled or has expired".to_owned()));
    };
    if rule.robot_id != robot.id {
        return Ok(Err("the robot has no rule for this issuer".to_owned()));
    }
    let why = misfit(&rule.terms, claims)?;
    Ok(why.map_or(Ok(robot), |why| Err(format!("rule {}: {why}", rule.terms.name))))
}

/// The `iss` claim of a token that nobody has checked yet.
fn claimed_issuer(token: &str) -> Result<String> {
    let claims = unchecked(token);
    let issuer = claims.as_ref().and_then(|claims| claims.get("iss")).and_then(serde_json::Value::as_str);
    issuer.map(|issuer| trimmed(issuer).to_owned()).ok_or_else(|| {
        Error::unauthenticated("the token is refused: it is no JSON Web Token with an iss claim")
    })
}

fn not_taken(name: &str, claimed: &str, claims: &IdClaims, why: &str) -> Error {
    let audiences = claims.texts("aud").join(", ");
    Error::unauthenticated(format!(
        "a token of {} is refused: no trust rule of a robot {} takes one for the audience {} and the subject {}; the \
         audit log says which claim does not fit",
        shown(claimed),
        shown(name),
        shown(&audiences),
        shown(&claims.subject)
    ))
    .with_cause(shortened(why, LONGEST_REASON))
}

fn nobody_trusts(claimed: &str) -> Error {
    Error::unauthenticated(format!("no trust rule of this registry trusts the issuer {}", shown(claimed)))
}

fn told_of(name: &str, robot: Option<&Robot>, origin: &Arc<Origin>) -> Entry {
    let name = shortened(name, LONGEST_WORD);
    Entry::new(&Caller::anonymous(origin.clone()), "login", "robot", &name)
        .by(&name, "robot")
        .in_project_if(robot.and_then(|robot| robot.project_id))
}

/// A stranger's words on one line.
fn shown(text: &str) -> String {
    shortened(text, LONGEST_WORD).escape_debug().to_string()
}

fn shortened(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn fingerprint(rule: i64, token: &str) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(&rule.to_be_bytes());
    context.update(token.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.finish().as_ref());
    bytes
}
