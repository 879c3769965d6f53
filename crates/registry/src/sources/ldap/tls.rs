//! Whom a directory's TLS trusts.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use crate::error::{Error, Result};

/// The operator's own authority where one is given, else the system's.
pub(super) fn client(ca_certificate: &str) -> Result<Arc<ClientConfig>> {
    let roots = if ca_certificate.trim().is_empty() { systems() } else { own(ca_certificate)? };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::internal("TLS cannot be set up", error))?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn systems() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

fn own(pem: &str) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| unreadable(&error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(&error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("there is no certificate in it"));
    }
    Ok(roots)
}

fn unreadable(why: &str) -> Error {
    Error::bad_request(format!("the directory's setting ca_certificate cannot be read as PEM: {why}"))
}
