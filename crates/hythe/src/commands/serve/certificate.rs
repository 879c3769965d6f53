//! The certificate: the operator's, or one that is made once and kept in the database, so that every node shows the same.

use std::net::SocketAddr;

use hythe_metadata::{Database, setting};
use hythe_registry::clock;
use hythe_server::listener::{SelfSigned, Tls, TlsError, self_signed, self_signed_names};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::failure::Failure;

/// The row that holds the self-made pair.
const SETTING: &str = "self_made_certificate";

/// It is good for a year, and made again before clients notice.
const KEPT_DAYS: i64 = 300;
const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// The pair as its row holds it.
#[derive(Serialize, Deserialize)]
struct Kept {
    made_at: i64,
    certificate: String,
    key: String,
}

pub(super) async fn load(
    config: &Config,
    database: &Database,
    listening: &[SocketAddr],
) -> Result<Tls, Failure> {
    let failed = |error: TlsError| Failure::new(error.to_string());
    if let (Some(certificate), Some(key)) = (&config.tls.cert, &config.tls.key) {
        return Tls::from_files(certificate, key).map_err(failed);
    }
    let now = clock::now();
    let kept = match find(database, now).await? {
        Some(kept) => kept,
        None => {
            let made = self_signed(&self_signed_names(listening)).map_err(failed)?;
            keep(database, made, now).await?
        }
    };
    Tls::from_pem(&kept.certificate, &kept.key).map_err(failed)
}

async fn find(database: &Database, now: i64) -> Result<Option<Kept>, Failure> {
    let failed = |error: hythe_metadata::Error| Failure::new(error.to_string());
    let mut connection = database.connect().await.map_err(failed)?;
    let text = setting::find(&mut connection, SETTING).await.map_err(failed)?;
    let kept = text.and_then(|text| serde_json::from_str::<Kept>(&text).ok());
    Ok(kept.filter(|kept| now - kept.made_at < KEPT_DAYS * DAY_MICROS))
}

/// Keeps the pair. Of two nodes that make one at once the later wins, and the other shows its own until it starts again.
async fn keep(database: &Database, made: SelfSigned, now: i64) -> Result<Kept, Failure> {
    let kept = Kept { made_at: now, certificate: made.certificate_pem, key: made.key_pem };
    let text = serde_json::to_string(&kept)
        .map_err(|error| Failure::because("cannot keep the certificate", &error))?;
    database
        .transaction(move |c| {
            let text = text.clone();
            Box::pin(async move { setting::put(c, SETTING, &text).await })
        })
        .await
        .map_err(|error| Failure::new(error.to_string()))?;
    tracing::info!("made a certificate of our own for https: tls.cert names a better one");
    Ok(kept)
}
