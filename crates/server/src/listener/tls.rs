//! TLS: a certificate from files that are looked at for changes, from PEM text, or made here.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its key, ready to answer handshakes; the same for all connections.
#[derive(Clone)]
pub struct Tls {
    pub(super) config: Arc<ServerConfig>,
    current: Arc<Current>,
    files: Option<Arc<Files>>,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The certificate's or the key's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate in the text.
    #[error("{origin} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")]
    NoCertificate {
        /// The file, or what else the text is.
        origin: String,
    },
    /// There is no private key in the text.
    #[error("{origin} holds no private key in PEM form (PKCS#8, PKCS#1 or SEC1, not encrypted)")]
    NoKey {
        /// The file, or what else the text is.
        origin: String,
    },
    /// The two do not belong together, or are of a kind that cannot be used.
    #[error("the certificate in {certificate} cannot be used with the key in {key}: {source}")]
    Unusable {
        /// Where the certificate is from.
        certificate: String,
        /// Where the key is from.
        key: String,
        /// What rustls says.
        source: rustls::Error,
    },
    /// The TLS library could not be set up.
    #[error("cannot set up TLS: {0}")]
    Setup(#[from] rustls::Error),
    /// A certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

impl Tls {
    /// From a certificate chain (leaf first) and its key in PEM files, which [`super::serve`] looks at for changes.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files::new(certificate, key);
        // The look comes before the reading: a change between the two is seen at the next look.
        files.has_changed();
        Self::with(files.load()?, Some(Arc::new(files)))
    }

    /// From a certificate chain (leaf first) and its key as PEM text, such as the database keeps.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, TlsError> {
        let origin = |what: &str| format!("the given {what}");
        let pair = parse(certificate.as_bytes(), &origin("certificate"), key.as_bytes(), &origin("key"))?;
        Self::with(pair, None)
    }

    fn with(pair: CertifiedKey, files: Option<Arc<Files>>) -> Result<Self, TlsError> {
        let current = Arc::new(Current(RwLock::new(Arc::new(pair))));
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&current) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        // Tickets alone: what a client keeps needs no room here, and no limit.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), current, files })
    }

    /// Takes the files' new content if they have changed since the last look. A pair that cannot be used leaves
    /// the old one in place. Connections that are open keep what they were made with.
    ///
    /// Reads files: call it where a thread may wait.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let Some(files) = &self.files else { return Ok(false) };
        if !files.has_changed() {
            return Ok(false);
        }
        let pair = Arc::new(files.load()?);
        *self.current.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(true)
    }

    /// The certificate's file, if it came from one.
    pub fn certificate_path(&self) -> Option<&Path> {
        self.files.as_ref().map(|files| files.certificate.as_path())
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certificate", &self.certificate_path()).finish_non_exhaustive()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// The pair that the next handshake gets.
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
    }
}

/// Two files and how they looked last time.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    seen: Mutex<Option<[Look; 2]>>,
}

/// What tells a file from its successor, behind symbolic links, on local and network file systems alike; inotify
/// would miss changes made on another host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
}

impl Files {
    fn new(certificate: &Path, key: &Path) -> Self {
        Self { certificate: certificate.to_owned(), key: key.to_owned(), seen: Mutex::new(None) }
    }

    /// Whether the files look otherwise than at the last call. Files that are gone are not a change: somebody is
    /// replacing them.
    fn has_changed(&self) -> bool {
        let (Ok(certificate), Ok(key)) = (look(&self.certificate), look(&self.key)) else { return false };
        self.seen().replace([certificate, key]) != Some([certificate, key])
    }

    fn load(&self) -> Result<CertifiedKey, TlsError> {
        let origin = |path: &Path| path.display().to_string();
        parse(&read(&self.certificate)?, &origin(&self.certificate), &read(&self.key)?, &origin(&self.key))
    }

    fn seen(&self) -> MutexGuard<'_, Option<[Look; 2]>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look(path: &Path) -> io::Result<Look> {
    let file = fs::metadata(path)?;
    Ok(Look {
        device: file.dev(),
        inode: file.ino(),
        size: file.size(),
        modified: (file.mtime(), file.mtime_nsec()),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), source })
}

/// A chain and a key that belong together.
fn parse(
    certificate: &[u8],
    certificate_origin: &str,
    key: &[u8],
    key_origin: &str,
) -> Result<CertifiedKey, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(TlsError::NoCertificate { origin: certificate_origin.to_owned() });
    }
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey { origin: key_origin.to_owned() })?;
    CertifiedKey::from_der(chain, key, &provider()).map_err(|source| TlsError::Unusable {
        certificate: certificate_origin.to_owned(),
        key: key_origin.to_owned(),
        source,
    })
}

/// A certificate made here and its key, both as PEM text.
#[derive(Clone)]
pub struct SelfSigned {
    /// The certificate.
    pub certificate_pem: String,
    /// Its private key (PKCS#8).
    pub key_pem: String,
}

/// Makes a certificate (ES256, one year) for names and addresses; whoever wants to trust it adds it to his list.
///
/// It is kept nowhere: with several nodes it belongs into the database, so that all show the same one.
pub fn self_signed(names: &[String]) -> Result<SelfSigned, TlsError> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "hythe, self-made");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let date = |date: Date| {
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    // From yesterday: the clocks of clients differ.
    params.not_before = date(today.yesterday().unwrap_or(today));
    params.not_after = date(today.saturating_add(Span::new().years(1)));
    let certificate = params.self_signed(&key)?;
    Ok(SelfSigned { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}

/// The names by which a node is reached without DNS: `localhost`, its host name, and the addresses it listens on.
pub fn self_signed_names(listen: &[SocketAddr]) -> Vec<String> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fixed = ["localhost", "127.0.0.1", "::1", &host].map(str::to_owned);
    let bound = listen.iter().map(SocketAddr::ip).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
    let names: BTreeSet<_> = fixed.into_iter().chain(bound).filter(|name| !name.is_empty()).collect();
    names.into_iter().collect()
}
