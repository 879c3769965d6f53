//! Signed tokens that are refused before they expire: because their user, robot, personal token or trust rule was
//! changed.
//!
//! Each node reads new rows every second, so a revocation holds everywhere within two. A request looks into memory.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use hythe_metadata::{Connection, revocation};

use crate::Registry;
use crate::claims::Claims;
use crate::clock;
use crate::error::Result;

/// How often every node reads new rows.
pub const FOLLOWED_EVERY: Duration = Duration::from_secs(1);

/// Rows are read this far back again: on PostgreSQL a transaction may take its number early and commit late.
const OVERLAP: i64 = 1000;

/// Rows outlive their meaning by this much, so that no node that still refuses by one meets a token that was made
/// after the row was gone.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Whose tokens are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user's.
    User(i64),
    /// A robot's.
    Robot(i64),
    /// Those made for a personal token.
    PersonalToken(i64),
    /// Those of whom a trust rule let in.
    TrustRule(i64),
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::User(id) => write!(f, "user:{id}"),
            Subject::Robot(id) => write!(f, "robot:{id}"),
            Subject::PersonalToken(id) => write!(f, "token:{id}"),
            Subject::TrustRule(id) => write!(f, "trust-rule:{id}"),
        }
    }
}

/// The newest revocation of each subject, as far as this node knows.
#[derive(Default)]
pub(crate) struct Revocations {
    known: RwLock<HashMap<String, (i64, clock::Micros)>>,
    last: AtomicI64,
}

impl Revocations {
    /// Whether a token was made before a revocation that concerns it.
    pub(crate) fn refuse(&self, claims: &Claims) -> bool {
        let known = self.known.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        if known.is_empty() {
            return false;
        }
        let newer = |subject: &String| known.get(subject).is_some_and(|(id, _)| *id > claims.rev);
        subjects(claims).iter().any(newer)
    }

    fn learn(&self, rows: Vec<revocation::Revocation>, now: clock::Micros) {
        let mut known = self.known.write().unwrap_or_else(|poisoned| poisoned.into_inner());
        for row in rows {
            self.last.fetch_max(row.id, Ordering::Relaxed);
            let entry = known.entry(row.subject).or_insert((row.id, row.expires_at));
            *entry = (entry.0.max(row.id), entry.1.max(row.expires_at));
        }
        known.retain(|_, (_, expires_at)| *expires_at > now);
    }
}

/// Who a token speaks for.
pub(crate) fn subjects(claims: &Claims) -> Vec<String> {
    let user = claims.uid.map(Subject::User);
    let robot = claims.rid.map(Subject::Robot);
    let token = claims.pat.map(Subject::PersonalToken);
    let rule = claims.rule.map(Subject::TrustRule);
    [user, robot, token, rule].into_iter().flatten().map(|subject| subject.to_string()).collect()
}

impl Registry {
    /// Refuses from now on, on every node within seconds, the signed tokens made for a subject so far. To be called in
    /// the transaction of the change.
    pub(crate) async fn revoke(
        c: &mut Connection,
        subject: Subject,
        token_lifetime: Duration,
    ) -> std::result::Result<(), hythe_metadata::Error> {
        let now = clock::now();
        // Twice the life of a token, for clocks that differ.
        let expires_at = now.saturating_add(clock::micros(token_lifetime.saturating_mul(2)));
        revocation::create(c, &subject.to_string(), now, expires_at).await.map(|_| ())
    }

    /// Reads what was revoked since the last look.
    pub async fn reread_revocations(&self) -> Result<()> {
        let now = clock::now();
        let after = self.revocations.last.load(Ordering::Relaxed).saturating_sub(OVERLAP);
        let mut c = self.database.connect().await?;
        let rows = revocation::list(&mut c, after, now).await?;
        drop(c);
        self.revocations.learn(rows, now);
        Ok(())
    }

    /// Keeps what is known of revocations fresh, for as long as the node runs.
    pub async fn follow_revocations(&self) {
        let mut failing = false;
        loop {
            let outcome = self.reread_revocations().await;
            if let Err(error) = &outcome
                && !failing
            {
                tracing::warn!(%error, "revocations cannot be read; those known so far stand");
            }
            failing = outcome.is_err();
            tokio::time::sleep(FOLLOWED_EVERY).await;
        }
    }

    /// Removes rows that have not mattered for a day.
    pub(crate) async fn forget_revocations(&self) -> Result<()> {
        let before = clock::now().saturating_sub(clock::micros(KEPT));
        self.database.transaction(move |c| Box::pin(revocation::delete_expired(c, before))).await?;
        Ok(())
    }
}
