//! Hosts with names of NICE on this machine: a proxy that ends TLS and leads each host to a server of the test.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Largest request for a tunnel in bytes.
const MAX_HEAD_BYTES: usize = 8 << 10;

/// Servers of the test by the host that they stand for.
type Upstreams = BTreeMap<String, String>;

/// A running proxy. Hosts that it does not know are refused, so that nothing leaves this machine.
pub(crate) struct NiceCloud {
    port: u16,
    folder: tempfile::TempDir,
}

impl NiceCloud {
    /// Starts a proxy that leads each host to a server, a base URL of this machine.
    pub(crate) async fn start(hosts: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let names: Vec<_> = hosts.iter().map(|(host, _)| *host).collect();
        dev_stack::create_certificate(folder.path(), &names);
        let path = |name: &str| folder.path().join(name);
        let certificate = CertificateDer::from_pem_file(path("certificate.pem"));
        let key = PrivateKeyDer::from_pem_file(path("key.pem")).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("protocol versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.expect("a certificate")], key)
            .expect("a certificate with its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let upstreams: Upstreams = hosts
            .iter()
            .map(|(host, url)| {
                let address = url.trim_start_matches("http://").to_owned();
                ((*host).to_owned(), address)
            })
            .collect();
        let upstreams = Arc::new(upstreams);
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, upstreams) = (acceptor.clone(), Arc::clone(&upstreams));
                // A connection that breaks is the business of the client alone.
                tokio::spawn(async move { tunnel(stream, &acceptor, &upstreams).await });
            }
        });
        Self { port, folder }
    }

    /// Returns the variables with which a process reaches the hosts.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        let certificate: PathBuf = self.folder.path().join("certificate.pem");
        [
            ("HTTPS_PROXY", format!("http://127.0.0.1:{}", self.port)),
            ("SSL_CERT_FILE", certificate.display().to_string()),
        ]
    }
}

/// Serves one tunnel until either side ends it.
async fn tunnel(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
    upstreams: &Upstreams,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < MAX_HEAD_BYTES {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let host = head
        .strip_prefix("CONNECT ")
        .and_then(|rest| rest.split(':').next())
        .and_then(|host| upstreams.get(host));
    let Some(upstream) = host else {
        return stream
            .write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            .await;
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut client = acceptor.accept(stream).await?;
    let mut server = TcpStream::connect(upstream).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}
