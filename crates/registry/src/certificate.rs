//! The self-made certificate: one for all nodes and all restarts, so that whoever chose to trust it need not again.

use std::time::Duration;

use hythe_metadata::setting;
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock::{self, Micros};
use crate::error::{Error, Result};

const SETTING: &str = "self_made_certificate";

/// It is made anew well before the year it is good for has passed.
const RENEWED_AFTER: Duration = Duration::from_secs(300 * 24 * 60 * 60);

/// A certificate with its key, both PEM.
#[derive(Clone, Serialize, Deserialize)]
pub struct SelfMadeCertificate {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key.
    pub key_pem: String,
    #[serde(default)]
    made_at: Micros,
}

impl SelfMadeCertificate {
    /// A certificate just made.
    pub fn new(certificate_pem: String, key_pem: String) -> SelfMadeCertificate {
        SelfMadeCertificate { certificate_pem, key_pem, made_at: clock::now() }
    }
}

impl Registry {
    /// The certificate that stands: the kept one, or the one `make` makes if there is none or it has grown old.
    pub async fn keep_self_made_certificate(
        &self,
        make: impl FnOnce() -> Result<SelfMadeCertificate>,
    ) -> Result<SelfMadeCertificate> {
        let mut connection = self.database.connect().await?;
        let kept = setting::find(&mut connection, SETTING).await?;
        drop(connection);
        if let Some(kept) =
            kept.as_deref().and_then(|text| serde_json::from_str::<SelfMadeCertificate>(text).ok())
            && clock::now() - kept.made_at < clock::micros(RENEWED_AFTER)
        {
            return Ok(kept);
        }
        let made = make()?;
        let text = serde_json::to_string(&made)
            .map_err(|error| Error::internal("the certificate cannot be kept", error))?;
        self.database
            .transaction(move |c| {
                let text = text.clone();
                Box::pin(async move { setting::put(c, SETTING, &text).await })
            })
            .await?;
        Ok(made)
    }
}
