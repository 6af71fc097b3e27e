//! A proxy that does to connections what networks do.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the proxy does with connections, those that are open included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Forward,
    Delay(Duration),
    Hang,
    Cut,
}

/// A proxy on a port of its own that forwards TCP connections to a server, and that cuts, hangs or delays them on demand.
/// A new proxy forwards everything. Dropping the proxy closes its listener.
#[derive(Debug)]
pub struct TcpProxy {
    addr: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl TcpProxy {
    /// Starts a proxy in front of `server`, on a free loopback port.
    ///
    /// # Panics
    /// If no port can be bound.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        let mode = Arc::new(watch::channel(Mode::Forward).0);
        let changes = Arc::clone(&mode);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(serve(client, server, changes.subscribe()));
            }
        });
        Self {
            addr,
            mode,
            accepting,
        }
    }

    /// Returns the address at which the proxy listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Cuts all open connections, and every new one as soon as it is accepted, until [`TcpProxy::restore`].
    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    /// Keeps connections open without forwarding anything, until [`TcpProxy::restore`]. Bytes sent meanwhile are delivered
    /// afterwards.
    pub fn hang(&self) {
        self.mode.send_replace(Mode::Hang);
    }

    /// Delays everything that is forwarded, in either direction, until [`TcpProxy::restore`].
    pub fn delay(&self, delay: Duration) {
        self.mode.send_replace(Mode::Delay(delay));
    }

    /// Forwards connections without any disturbance again.
    pub fn restore(&self) {
        self.mode.send_replace(Mode::Forward);
    }
}

/// Forwards one connection until either side closes it or the proxy cuts it.
async fn serve(client: TcpStream, server: SocketAddr, mut mode: watch::Receiver<Mode>) {
    let forward = forward(client, server, mode.clone());
    tokio::select! {
        _ = mode.wait_for(|mode| *mode == Mode::Cut) => {}
        _ = forward => {}
    }
}

async fn forward(
    client: TcpStream,
    server: SocketAddr,
    mode: watch::Receiver<Mode>,
) -> std::io::Result<()> {
    let server = TcpStream::connect(server).await?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        copy(from_client, to_server, mode.clone()),
        copy(from_server, to_client, mode),
    )?;
    Ok(())
}

/// Copies one direction, obeying the proxy's mode before each write.
async fn copy(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut mode: watch::Receiver<Mode>,
) -> std::io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if mode.wait_for(|mode| *mode != Mode::Hang).await.is_err() {
            return Ok(());
        }
        let current = *mode.borrow();
        if let Mode::Delay(delay) = current {
            tokio::time::sleep(delay).await;
        }
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    /// A server that sends back what it receives.
    async fn echo() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        addr
    }

    async fn exchange(stream: &mut TcpStream) -> std::io::Result<[u8; 4]> {
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    #[tokio::test]
    async fn a_cut_closes_open_and_new_connections_until_it_is_restored() {
        let proxy = TcpProxy::start(echo().await).await;
        let mut open = TcpStream::connect(proxy.addr()).await.expect("accepted");
        assert_eq!(&exchange(&mut open).await.expect("an answer"), b"ping");
        proxy.cut();
        assert!(exchange(&mut open).await.is_err());
        let mut new = TcpStream::connect(proxy.addr()).await.expect("accepted");
        assert!(exchange(&mut new).await.is_err());
        proxy.restore();
        let mut new = TcpStream::connect(proxy.addr()).await.expect("accepted");
        assert_eq!(&exchange(&mut new).await.expect("an answer"), b"ping");
    }

    #[tokio::test]
    async fn a_hanging_connection_delivers_its_bytes_when_it_is_restored() {
        let proxy = TcpProxy::start(echo().await).await;
        let mut stream = TcpStream::connect(proxy.addr()).await.expect("accepted");
        proxy.hang();
        let short = Duration::from_millis(100);
        let hung = tokio::time::timeout(short, exchange(&mut stream)).await;
        assert!(hung.is_err(), "nothing is forwarded");
        proxy.restore();
        let mut answer = [0; 4];
        stream.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"ping");
    }

    #[tokio::test]
    async fn a_delay_holds_back_both_directions() {
        let proxy = TcpProxy::start(echo().await).await;
        proxy.delay(Duration::from_millis(60));
        let began = Instant::now();
        let mut stream = TcpStream::connect(proxy.addr()).await.expect("accepted");
        assert_eq!(&exchange(&mut stream).await.expect("an answer"), b"ping");
        assert!(began.elapsed() >= Duration::from_millis(120));
    }
}
