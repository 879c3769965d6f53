//! What a browser carries from one step of a sign-in to the next: sealed, so that any node can open it and nobody else.

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hythe_metadata::setting;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Registry;
use crate::clock;
use crate::error::{Error, Result};

/// The row with the key, made by whichever node needs it first.
const SETTING: &str = "sign_in_sealing_key";
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
        let broken = |_| Error::internal("a sign-in cannot be sealed", "encryption failed");
        let sealed = Sealed { content, until: clock::now() + clock::micros(life) };
        let mut bytes = serde_json::to_vec(&sealed).map_err(|error| Error::internal("no JSON", error))?;
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(broken)?;
        self.sealing_key()
            .await?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose), &mut bytes)
            .map_err(broken)?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &bytes].concat()))
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

    async fn sealing_key(&self) -> Result<LessSafeKey> {
        let mut connection = self.database.connect().await?;
        let kept = setting::find(&mut connection, SETTING).await?;
        drop(connection);
        let text = match kept {
            Some(text) => text,
            None => self.make_sealing_key().await?,
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
        let key = UnboundKey::new(&AES_256_GCM, &bytes);
        key.map(LessSafeKey::new).map_err(|_| {
            Error::internal(
                format!("the setting {SETTING} is damaged; delete its row"),
                "it is no key of 32 bytes",
            )
        })
    }

    async fn make_sealing_key(&self) -> Result<String> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| Error::internal("no random numbers", "the generator failed"))?;
        let text = URL_SAFE_NO_PAD.encode(bytes);
        let kept = self
            .database
            .transaction(move |c| {
                let text = text.clone();
                Box::pin(async move { setting::put_if_absent(c, SETTING, &text).await })
            })
            .await?;
        Ok(kept)
    }
}

fn open<T: DeserializeOwned>(key: &LessSafeKey, purpose: &str, text: &str) -> Option<T> {
    if text.len() > LONGEST {
        return None;
    }
    let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    if bytes.len() < NONCE_LEN {
        return None;
    }
    let (nonce, sealed) = bytes.split_at_mut(NONCE_LEN);
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let opened = key.open_in_place(nonce, Aad::from(purpose), sealed).ok()?;
    serde_json::from_slice(opened).ok()
}
