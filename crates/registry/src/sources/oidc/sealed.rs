//! What a browser carries from one step of a sign-in to the next: sealed, so that any node can open it and nobody else.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hythe_metadata::setting;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock;
use crate::error::{Error, Result};
use crate::secrets;
use crate::secrets::places::of_setting;

/// The row with the key, made by whichever node needs it first.
pub(crate) const SETTING: &str = "sign_in_sealing_key";
/// Browsers keep cookies up to 4 KiB; one with many groups is longer and is refused by them, not by us.
const LONGEST: usize = 64 * 1024;

#[derive(Serialize, Deserialize)]
struct Sealed<T> {
    content: T,
    until: i64,
}

impl Registry {
    /// Seals a value for a while. What was sealed for one purpose opens for no other.
    pub(super) async fn seal<T: Serialize>(
        &self,
        purpose: &str,
        life: Duration,
        content: T,
    ) -> Result<String> {
        let sealed = Sealed { content, until: clock::now() + clock::micros(life) };
        let bytes = serde_json::to_vec(&sealed).map_err(|error| Error::internal("no JSON", error))?;
        let key = self.sealing_key().await?;
        Ok(URL_SAFE_NO_PAD.encode(secrets::seal_bytes(&key, purpose, &bytes)?))
    }

    /// Opens it again, if it was sealed for this purpose and its time is not over.
    pub(super) async fn unseal<T: DeserializeOwned>(&self, purpose: &str, text: &str) -> Result<T> {
        let key = self.sealing_key().await?;
        let opened: Option<Sealed<T>> = open(&key, purpose, text);
        match opened.filter(|opened| opened.until > clock::now()) {
            Some(opened) => Ok(opened.content),
            None => Err(Error::bad_request(
                "this sign-in was not begun in this browser or took too long; begin it again at /c/oidc/login",
            )),
        }
    }

    async fn sealing_key(&self) -> Result<[u8; 32]> {
        let mut connection = self.database.connect().await?;
        let sealed = match setting::find(&mut connection, SETTING).await? {
            Some(sealed) => sealed,
            None => self.make_sealing_key().await?,
        };
        let text = self.secrets.open_text(&mut connection, &of_setting(SETTING), &sealed).await?;
        let key = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        key.ok_or_else(|| {
            Error::internal(
                format!("the setting {SETTING} is damaged; delete its row"),
                "it is no key of 32 bytes",
            )
        })
    }

    /// As it is kept: this node's, or that of one that was quicker.
    async fn make_sealing_key(&self) -> Result<String> {
        let text = URL_SAFE_NO_PAD.encode(secrets::random_key()?);
        let secrets = self.secrets.clone();
        self.database
            .try_transaction(move |c| {
                let (text, secrets) = (text.clone(), secrets.clone());
                Box::pin(async move {
                    let sealed = secrets.seal(c, &of_setting(SETTING), text.as_bytes()).await?;
                    Ok::<_, Error>(setting::put_if_absent(c, SETTING, &sealed).await?)
                })
            })
            .await
    }
}

fn open<T: DeserializeOwned>(key: &[u8; 32], purpose: &str, text: &str) -> Option<T> {
    if text.len() > LONGEST {
        return None;
    }
    let sealed = URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&secrets::open_bytes(key, purpose, &sealed)?).ok()
}
