//! The self-made certificate: one for all nodes and all restarts, so that whoever chose to trust it need not again.

use std::time::Duration;

use hythe_metadata::setting;
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock::{self, Micros};
use crate::error::{Error, Result};
use crate::secrets::places::of_setting;

pub(crate) const SETTING: &str = "self_made_certificate";

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
        let kept = match setting::find(&mut connection, SETTING).await? {
            Some(sealed) => {
                Some(self.secrets.open_text(&mut connection, &of_setting(SETTING), &sealed).await?)
            }
            None => None,
        };
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
        let secrets = self.secrets.clone();
        self.database
            .try_transaction(move |c| {
                let (text, secrets) = (text.clone(), secrets.clone());
                Box::pin(async move {
                    let sealed = secrets.seal(c, &of_setting(SETTING), text.as_bytes()).await?;
                    Ok::<_, Error>(setting::put(c, SETTING, &sealed).await?)
                })
            })
            .await?;
        Ok(made)
    }
}
