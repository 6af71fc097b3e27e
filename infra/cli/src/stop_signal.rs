//! The signals that ask the command to stop.

/// Waits until the process is asked to stop: by Ctrl-C, or by SIGTERM on Unix.
pub(crate) async fn wait_for_stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ignored = tokio::signal::ctrl_c().await;
}
