//! A door before a server: connections go through it until it is shut, which cuts those that are open.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A forwarding listener on a port of its own.
pub(crate) struct Door {
    pub(crate) addr: SocketAddr,
    open: Arc<watch::Sender<bool>>,
}

impl Door {
    /// A door to a server, open.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let open = Arc::new(watch::channel(true).0);
        let state = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let mut state = state.subscribe();
                if !*state.borrow_and_update() {
                    continue;
                }
                tokio::spawn(async move {
                    let Ok(mut server) = TcpStream::connect(server).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
                        _ = state.wait_for(|open| !open) => {}
                    }
                });
            }
        });
        Self { addr, open }
    }

    /// Cuts all connections and lets no new one through.
    pub(crate) fn shut(&self) {
        self.open.send_replace(false);
    }

    /// Lets connections through again.
    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }
}
