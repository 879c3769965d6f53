//! A listener under test, and clients for it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use axum::routing::get;
use hythe_server::listener::{self, ConnectionInfo, Drained, Listener, Options, Tls};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme, SupportedProtocolVersion};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A listener that answers, until told to stop or dropped.
pub(crate) struct House {
    pub(crate) address: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    cut: Option<oneshot::Sender<()>>,
    done: JoinHandle<Drained>,
}

/// Serves `router` with a self-made certificate.
pub(crate) fn open(router: Router, options: Options) -> House {
    open_with(router, options, Some(self_made()))
}

pub(crate) fn open_with(router: Router, options: Options, tls: Option<Tls>) -> House {
    let listener = Listener::bind(&["127.0.0.1:0".parse().unwrap()]).unwrap();
    let address = listener.local_addr();
    let (shutdown, shutdown_comes) = oneshot::channel();
    let (cut, cut_comes) = oneshot::channel();
    let done = tokio::spawn(listener::serve(
        listener,
        router,
        options,
        tls,
        async { shutdown_comes.await.unwrap_or(()) },
        async { cut_comes.await.unwrap_or(()) },
    ));
    House { address, shutdown: Some(shutdown), cut: Some(cut), done }
}

impl House {
    pub(crate) fn url(&self, scheme: &str, path: &str) -> String {
        format!("{scheme}://{}{path}", self.address)
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    pub(crate) fn shut_down(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    pub(crate) fn cut(&mut self) {
        self.cut.take().unwrap().send(()).unwrap();
    }

    pub(crate) async fn drained(self) -> Drained {
        within(20, self.done).await.unwrap()
    }
}

pub(crate) fn self_made() -> Tls {
    let made = listener::self_signed(&["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    Tls::from_pem(&made.certificate_pem, &made.key_pem).unwrap()
}

/// `GET /` tells how the request came in.
pub(crate) fn mirror() -> Router {
    async fn tell(Extension(info): Extension<ConnectionInfo>) -> String {
        let sendfile = info.sendfile.is_some();
        format!("{} {:?} sendfile={sendfile} {}", info.scheme.as_str(), info.protocol, info.local)
    }
    Router::new().route("/", get(tell))
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    let _ = default_provider().install_default();
    reqwest::Client::builder().tls_danger_accept_invalid_certs(true)
}

/// Sends `request` on a connection of its own, and returns all that comes back until the server closes.
pub(crate) async fn say(house: &House, request: &[u8]) -> String {
    let mut stream = house.connect().await;
    stream.write_all(request).await.unwrap();
    read_to_end(&mut stream).await
}

pub(crate) async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    within(20, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// Reads until `end` was seen.
pub(crate) async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut seen = String::new();
    while !seen.contains(end) {
        let mut buffer = [0; 4096];
        let len = within(20, stream.read(&mut buffer)).await.unwrap();
        assert_ne!(len, 0, "closed after {seen:?}");
        seen.push_str(std::str::from_utf8(&buffer[..len]).unwrap());
    }
    seen
}

/// Whether the server has closed, with or without a reset.
pub(crate) async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = vec![0; 1 << 20];
    within(20, async {
        loop {
            match stream.read(&mut buffer).await {
                Ok(0) | Err(_) => return true,
                Ok(_) => {}
            }
        }
    })
    .await
}

/// What hangs is a failure, with a place.
#[track_caller]
pub(crate) fn within<F: Future>(seconds: u64, future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match tokio::time::timeout(Duration::from_secs(seconds), future).await {
            Ok(output) => output,
            Err(_) => panic!("waited {seconds} s in vain at {caller}"),
        }
    }
}

/// A TLS client that trusts anybody and offers what it is told.
pub(crate) fn tls_client(versions: &[&'static SupportedProtocolVersion], alpn: &[&str]) -> TlsConnector {
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Trusting))
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

pub(crate) async fn handshake(house: &House, client: &TlsConnector) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from("localhost").unwrap();
    within(20, client.connect(name, house.connect().await)).await
}

#[derive(Debug)]
struct Trusting;

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}
