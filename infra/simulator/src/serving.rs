//! One listener of the simulator, with the task that answers its requests.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::socket::{ConnectionSwitch, CuttableListener};

/// Longest time that open connections may take to end at a shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// A listener that serves until it is shut down or dropped.
#[derive(Debug)]
pub(crate) struct Serving {
    addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Serving {
    /// Serves the requests of a bound listener from now on.
    ///
    /// # Errors
    /// The error of the operating system, if the address of the listener cannot be read.
    pub(crate) fn begin(listener: TcpListener, router: Router) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let service = router.into_make_service_with_connect_info::<ConnectionSwitch>();
        let serving =
            axum::serve(CuttableListener(listener), service).with_graceful_shutdown(async {
                // A dropped handle stops the server too.
                let _ = stopped.await;
            });
        let task = tokio::spawn(async move {
            // The result is always `Ok`: axum handles failures of single connections itself.
            let _ = serving.await;
        });
        Ok(Self {
            addr,
            stop: Some(stop),
            task,
        })
    }

    /// Returns the address of the listener.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops the listener and waits up to a second for its connections to end.
    pub(crate) async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}
