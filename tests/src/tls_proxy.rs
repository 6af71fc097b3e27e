//! A TLS server in front of another server, which notes when the first connection and the first signed request arrive.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Name of the algorithm with which clients of AWS sign a request.
const SIGNATURE_ALGORITHM: &[u8] = b"AWS4-HMAC-SHA256";

/// When a client did something for the first time.
#[derive(Debug, Clone, Copy, Default)]
pub struct FirstMoments {
    /// A TLS connection was made.
    pub connection: Option<Instant>,
    /// A signed request arrived.
    pub signed_request: Option<Instant>,
    /// An answer went back.
    pub answer: Option<Instant>,
}

/// A running TLS server, with a certificate of its own, that passes everything on to another server.
#[derive(Debug)]
pub struct TlsProxy {
    address: SocketAddr,
    folder: tempfile::TempDir,
    moments: Arc<Mutex<FirstMoments>>,
}

impl TlsProxy {
    /// Starts the server in front of `upstream`, a host and a port.
    ///
    /// # Panics
    /// If no certificate can be made, or there is no free port.
    pub async fn start(upstream: String) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        dev_stack::create_certificate(folder.path(), &["localhost"]);
        let path = |name: &str| folder.path().join(name);
        let certificate = CertificateDer::from_pem_file(path("certificate.pem"));
        let certificate = certificate.expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(path("key.pem")).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a certificate with its key");
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let proxy = Self {
            address: listener.local_addr().expect("an address"),
            folder,
            moments: Arc::default(),
        };
        let moments = Arc::clone(&proxy.moments);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, upstream) = (acceptor.clone(), upstream.clone());
                let moments = Arc::clone(&moments);
                // A connection that breaks is the business of the client alone.
                tokio::spawn(async move { forward(stream, &acceptor, &upstream, &moments).await });
            }
        });
        proxy
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// Returns the path of the certificate, which clients have to trust.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    /// Returns what has happened since the last call, and forgets it.
    #[must_use]
    pub fn take_moments(&self) -> FirstMoments {
        std::mem::take(&mut *self.moments.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Serves one connection until either side ends it.
async fn forward(
    stream: TcpStream,
    acceptor: &TlsAcceptor,
    upstream: &str,
    moments: &Mutex<FirstMoments>,
) -> std::io::Result<()> {
    let note = |change: fn(&mut FirstMoments) -> &mut Option<Instant>| {
        let mut moments = moments.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut moments).get_or_insert_with(Instant::now);
    };
    let (from_client, to_client) = tokio::io::split(acceptor.accept(stream).await?);
    note(|moments| &mut moments.connection);
    let (from_server, to_server) = TcpStream::connect(upstream).await?.into_split();
    let requests = copy(from_client, to_server, |bytes| {
        let is_signed = bytes
            .windows(SIGNATURE_ALGORITHM.len())
            .any(|part| part == SIGNATURE_ALGORITHM);
        if is_signed {
            note(|moments| &mut moments.signed_request);
        }
    });
    let answers = copy(from_server, to_client, |_| {
        note(|moments| &mut moments.answer);
    });
    tokio::try_join!(requests, answers)?;
    Ok(())
}

/// Copies everything, and shows each part to `look` before the part is passed on.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    look: impl Fn(&[u8]),
) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        look(&buffer[..length]);
        to.write_all(&buffer[..length]).await?;
    }
}
