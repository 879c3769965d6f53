//! When robots, personal tokens and trust rules were used last: noted in memory, written down together, never while a request
//! waits.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use hythe_metadata::{personal_token, robot, trust_rule};

use crate::Registry;
use crate::access::Origin;
use crate::clock;
use crate::error::Result;

/// How often what was noted is written down.
const WRITTEN_EVERY: Duration = Duration::from_secs(10);

/// What was used since the last writing.
#[derive(Default)]
pub(crate) struct Uses(Mutex<Noted>);

#[derive(Default)]
struct Noted {
    robots: HashMap<i64, clock::Micros>,
    tokens: HashMap<i64, (clock::Micros, String)>,
    rules: HashMap<i64, clock::Micros>,
}

impl Uses {
    pub(crate) fn note_robot(&self, id: i64) {
        self.lock().robots.insert(id, clock::now());
    }

    pub(crate) fn note_personal_token(&self, id: i64, origin: &Origin) {
        self.lock().tokens.insert(id, (clock::now(), origin.address.clone()));
    }

    pub(crate) fn note_trust_rule(&self, id: i64) {
        self.lock().rules.insert(id, clock::now());
    }

    fn take(&self) -> Noted {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Registry {
    /// Writes uses down for as long as the node runs. What a crash takes is ten seconds of them.
    pub async fn write_uses_regularly(&self) {
        loop {
            tokio::time::sleep(WRITTEN_EVERY).await;
            if let Err(error) = self.write_uses().await {
                tracing::debug!(%error, "the last uses of robots and tokens could not be written down");
            }
        }
    }

    /// Writes down what was noted.
    pub async fn write_uses(&self) -> Result<()> {
        let noted = self.uses.take();
        if noted.robots.is_empty() && noted.tokens.is_empty() && noted.rules.is_empty() {
            return Ok(());
        }
        let noted = std::sync::Arc::new(noted);
        self.database
            .transaction(move |c| {
                let noted = noted.clone();
                Box::pin(async move {
                    for (id, at) in &noted.robots {
                        robot::update_used(c, *id, *at).await?;
                    }
                    for (id, (at, from)) in &noted.tokens {
                        personal_token::update_used(c, *id, *at, from).await?;
                    }
                    for (id, at) in &noted.rules {
                        trust_rule::update_used(c, *id, *at).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(())
    }
}
