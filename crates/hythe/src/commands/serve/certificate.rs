//! The certificate: the operator's, or one that is made once and kept in the database, so that every node shows the same.

use std::net::SocketAddr;

use hythe_oci::error_code::ErrorCode;
use hythe_registry::Registry;
use hythe_registry::certificate::SelfMadeCertificate;
use hythe_registry::error::{Error, Kind};
use hythe_server::listener::{SelfSigned, Tls, TlsError, self_signed, self_signed_names};

use crate::config::Config;
use crate::failure::Failure;

pub(super) async fn load(
    config: &Config,
    registry: &Registry,
    listening: &[SocketAddr],
) -> Result<Tls, Failure> {
    let failed = |error: TlsError| Failure::new(error.to_string());
    if let (Some(certificate), Some(key)) = (&config.tls.cert, &config.tls.key) {
        return Tls::from_files(certificate, key).map_err(failed);
    }
    let kept = registry.keep_self_made_certificate(|| make(listening)).await;
    let kept = kept.map_err(|error| Failure::new(error.to_string()))?;
    Tls::from_pem(&kept.certificate_pem, &kept.key_pem).map_err(failed)
}

fn make(listening: &[SocketAddr]) -> Result<SelfMadeCertificate, Error> {
    let SelfSigned { certificate_pem, key_pem } = self_signed(&self_signed_names(listening))
        .map_err(|error| Error::new(Kind::Internal, ErrorCode::Unknown, error.to_string()))?;
    tracing::info!("made a certificate of our own for https; tls.cert and tls.key name a better one");
    Ok(SelfMadeCertificate::new(certificate_pem, key_pem))
}
