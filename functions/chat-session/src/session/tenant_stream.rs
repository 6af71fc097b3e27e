//! The task that brings what happens in the digital contacts of a tenant, in the place of a stream.

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use insights_core::chat::archive::Gap;

use super::arrival::Arrival;
use super::stream::StreamTask;
use crate::tenant_chats::{TenantChats, Watched};

/// Number of messages of the agent that may wait. None is sent.
const OUTBOUND_LIMIT: usize = 16;

impl StreamTask {
    /// Brings what happens in the contacts of an agent until the task is stopped, or nobody takes arrivals any more.
    pub(super) async fn run_on_tenant(mut self, chats: std::sync::Arc<TenantChats>) {
        let mut events = chats.watch(&self.agent);
        let mut is_up = false;
        // Held for as long as the watch is up. What an agent writes here is not sent: a tenant has no call for it.
        let mut unsent = None;
        loop {
            let watched = tokio::select! {
                watched = events.recv() => watched,
                () = self.stop.cancelled() => return,
            };
            let now_ms = Timestamp::now().as_millisecond();
            let arrival = match watched {
                // Another session of the same agent has taken the watch over.
                None => return std::future::pending().await,
                Some(Watched::Listed) if is_up => Arrival::PingAnswered(now_ms, Vec::new()),
                Some(Watched::Listed) => {
                    is_up = true;
                    let (outbound, receiver) = mpsc::channel(OUTBOUND_LIMIT);
                    unsent = Some(receiver);
                    let gap = self.down_since_ms.take().map(|from_ms| Gap {
                        from_ms,
                        to_ms: now_ms,
                    });
                    Arrival::Connected { gap, outbound }
                }
                Some(Watched::Event(event)) => Arrival::Event(event, now_ms, Instant::now()),
                Some(Watched::Down { reason, wait }) => {
                    if !std::mem::take(&mut is_up) {
                        continue;
                    }
                    unsent = None;
                    self.down_since_ms = Some(now_ms);
                    Arrival::Disconnected { reason, wait }
                }
            };
            if self.arrivals.send(arrival).await.is_err() {
                break;
            }
        }
        drop(unsent);
    }
}
