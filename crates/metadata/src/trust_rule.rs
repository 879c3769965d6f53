//! Trust rules: whose tokens a robot signs in with, in place of a secret.

use crate::database::connection::Connection;
use crate::database::statement::statements;
use crate::database::value::{FromRow, Row};
use crate::error::{Error, Result};
use crate::ids::Micros;

/// A row of `trust_rule`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRule {
    /// Its id.
    pub id: i64,
    /// The robot that it lets in.
    pub robot_id: i64,
    /// What it says.
    pub terms: Terms,
    /// When it was made.
    pub created_at: Micros,
    /// When it let somebody in last, some seconds late.
    pub used_at: Option<Micros>,
}

/// What a rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What it is called, unique among its robot's.
    pub name: String,
    /// The `iss` claim, without a slash at the end.
    pub issuer: String,
    /// What the `aud` claim has to hold.
    pub audience: String,
    /// What further claims have to be, a JSON object of patterns.
    pub claims: String,
    /// PEM certificates to trust the issuer by, beside the system's.
    pub ca_certificate: Option<String>,
    /// The issuer's keys (a JWK set), where it is not to be asked for them.
    pub keys: Option<String>,
}

/// Makes a rule. [`Error::Conflict`] if its robot has one of this name.
pub async fn create(c: &mut Connection, robot_id: i64, terms: &Terms, at: Micros) -> Result<TrustRule> {
    let arguments = [
        robot_id.into(),
        (&terms.name).into(),
        (&terms.issuer).into(),
        (&terms.audience).into(),
        (&terms.claims).into(),
        terms.ca_certificate.as_ref().into(),
        terms.keys.as_ref().into(),
        at.into(),
    ];
    let made = c.query_optional(&CREATE, &arguments).await?;
    made.ok_or_else(|| taken(&terms.name))
}

/// Lets a rule say something else; false if there is none of this id. [`Error::Conflict`] if its robot has another one
/// of this name.
pub async fn update(c: &mut Connection, robot_id: i64, id: i64, terms: &Terms) -> Result<bool> {
    if c.query_optional::<i64>(&FIND_OTHER, &[robot_id.into(), id.into(), (&terms.name).into()])
        .await?
        .is_some()
    {
        return Err(taken(&terms.name));
    }
    let arguments = [
        robot_id.into(),
        id.into(),
        (&terms.name).into(),
        (&terms.issuer).into(),
        (&terms.audience).into(),
        (&terms.claims).into(),
        terms.ca_certificate.as_ref().into(),
        terms.keys.as_ref().into(),
    ];
    c.changes(&UPDATE, &arguments).await
}

/// The rule of this id, if it is this robot's.
pub async fn find(c: &mut Connection, robot_id: i64, id: i64) -> Result<Option<TrustRule>> {
    c.query_optional(&FIND, &[robot_id.into(), id.into()]).await
}

/// The oldest rule that trusts an issuer, whichever robot it lets in.
pub async fn find_by_issuer(c: &mut Connection, issuer: &str) -> Result<Option<TrustRule>> {
    c.query_optional(&FIND_BY_ISSUER, &[issuer.into()]).await
}

/// All rules of a robot in the order in which they were made.
pub async fn list(c: &mut Connection, robot_id: i64) -> Result<Vec<TrustRule>> {
    let mut rules: Vec<TrustRule> = c.query(&LIST, &[robot_id.into()]).await?;
    rules.sort_unstable_by_key(|rule| rule.id);
    Ok(rules)
}

/// Deletes a robot's rule; false if there is none.
pub async fn delete(c: &mut Connection, robot_id: i64, id: i64) -> Result<bool> {
    c.changes(&DELETE, &[robot_id.into(), id.into()]).await
}

/// Notes when a rule let somebody in.
pub async fn update_used(c: &mut Connection, id: i64, at: Micros) -> Result<bool> {
    c.changes(&UPDATE_USED, &[id.into(), at.into()]).await
}

fn taken(name: &str) -> Error {
    Error::Conflict { what: format!("a trust rule named {name} exists already") }
}

impl FromRow for TrustRule {
    fn from_row(row: &mut Row) -> Result<TrustRule> {
        Ok(TrustRule {
            id: row.take("id")?,
            robot_id: row.take("robot_id")?,
            terms: Terms {
                name: row.take("name")?,
                issuer: row.take("issuer")?,
                audience: row.take("audience")?,
                claims: row.take("claims")?,
                ca_certificate: row.take("ca_certificate")?,
                keys: row.take("keys")?,
            },
            created_at: row.take("created_at")?,
            used_at: row.take("used_at")?,
        })
    }
}

macro_rules! columns {
    () => {
        "id, robot_id, name, issuer, audience, claims, ca_certificate, keys, created_at, used_at"
    };
}

statements! { "trust_rule";
    CREATE = ("INSERT INTO trust_rule
            (robot_id, name, issuer, audience, claims, ca_certificate, keys, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING ", columns!());
    UPDATE = "UPDATE trust_rule
        SET name = $3, issuer = $4, audience = $5, claims = $6, ca_certificate = $7, keys = $8
        WHERE robot_id = $1 AND id = $2";
    FIND_OTHER = "SELECT id FROM trust_rule WHERE robot_id = $1 AND id <> $2 AND name = $3";
    FIND = ("SELECT ", columns!(), " FROM trust_rule WHERE robot_id = $1 AND id = $2");
    FIND_BY_ISSUER = ("SELECT ", columns!(), " FROM trust_rule WHERE issuer = $1 ORDER BY id LIMIT 1");
    LIST = ("SELECT ", columns!(), " FROM trust_rule WHERE robot_id = $1");
    DELETE = "DELETE FROM trust_rule WHERE robot_id = $1 AND id = $2";
    UPDATE_USED = "UPDATE trust_rule SET used_at = $2 WHERE id = $1";
}
