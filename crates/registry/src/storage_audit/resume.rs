//! Where an audit from the command line goes on after it was broken off: a setting, so that any machine can.

use std::sync::Arc;

use hythe_metadata::setting;
use serde::{Deserialize, Serialize};

use super::{Audit, Options, Position};
use crate::Registry;
use crate::access::system_rights::garbage_collection as right;
use crate::access::{Everywhere, Permit};
use crate::error::{Error, Result};

const SETTING: &str = "storage_audit";

/// What the setting holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    options: Options,
    position: Position,
}

impl Registry {
    /// An audit that goes on where one with the same options was broken off, or begins.
    pub async fn resume_storage_audit(
        self: &Arc<Self>,
        _permit: &Permit<right::Create, Everywhere>,
        options: Options,
    ) -> Result<Audit> {
        let kept = setting::find(&mut self.database.connect().await?, SETTING).await?;
        let kept = kept.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
        let position = kept.filter(|kept| kept.options == options).map(|kept| kept.position);
        Ok(Audit::new(self.clone(), options, position.unwrap_or_default()))
    }
}

impl Audit {
    /// Whether this goes on with another one's work.
    pub fn goes_on(&self) -> bool {
        self.position != Position::default()
    }

    /// Keeps the position, or forgets it when the audit is done.
    pub async fn keep(&self) -> Result<()> {
        let kept = Kept { options: self.options, position: self.position.clone() };
        let text = serde_json::to_string(&kept)
            .map_err(|error| Error::internal("the position of the audit cannot be written", error))?;
        let text = if self.position.done { String::new() } else { text };
        let kept = self.registry.database.transaction(move |c| {
            let text = text.clone();
            Box::pin(async move { setting::put(c, SETTING, &text).await })
        });
        Ok(kept.await?)
    }
}
