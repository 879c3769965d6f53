//! The self-made certificate: one for all nodes and all restarts, so that whoever chose to trust it need not again.

use std::time::Duration;

use hythe_metadata::{Connection, setting};
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock::{self, Micros};
use crate::error::{Error, Result};
use crate::secrets::Secrets;
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

    fn is_young(&self) -> bool {
        clock::now() - self.made_at < clock::micros(RENEWED_AFTER)
    }
}

impl Registry {
    /// The certificate that stands: the kept one, or the one `make` makes if there is none or it has grown old. Of several
    /// nodes that start at once, the first one's.
    pub async fn keep_self_made_certificate(
        &self,
        make: impl FnOnce() -> Result<SelfMadeCertificate>,
    ) -> Result<SelfMadeCertificate> {
        if let Some(kept) = self.find_self_made_certificate().await?.filter(SelfMadeCertificate::is_young) {
            return Ok(kept);
        }
        let made = make()?;
        let text = serde_json::to_string(&made)
            .map_err(|error| Error::internal("the certificate cannot be kept", error))?;
        let secrets = self.secrets.clone();
        self.database
            .try_transaction(move |c| {
                let (made, text, secrets) = (made.clone(), text.clone(), secrets.clone());
                Box::pin(async move {
                    setting::lock(c, SETTING).await?;
                    if let Some(kept) = find(c, &secrets).await?.filter(SelfMadeCertificate::is_young) {
                        return Ok(kept);
                    }
                    let sealed = secrets.seal(c, &of_setting(SETTING), text.as_bytes()).await?;
                    setting::put(c, SETTING, &sealed).await?;
                    Ok::<_, Error>(made)
                })
            })
            .await
    }

    /// The kept certificate, however old: nodes show it until one starts anew.
    pub async fn find_self_made_certificate(&self) -> Result<Option<SelfMadeCertificate>> {
        find(&mut self.database.connect().await?, &self.secrets).await
    }
}

async fn find(c: &mut Connection, secrets: &Secrets) -> Result<Option<SelfMadeCertificate>> {
    let Some(sealed) = setting::find(c, SETTING).await? else { return Ok(None) };
    let text = secrets.open_text(c, &of_setting(SETTING), &sealed).await?;
    Ok(serde_json::from_str(&text).ok())
}
