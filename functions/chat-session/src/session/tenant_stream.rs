//! The task that brings what happens in the digital contacts of a tenant, in the place of a stream.

use std::time::Duration;

use cxone::tenant::agents::read_presence;
use insights_core::WithCauses;
use insights_core::chat::archive::Gap;
use insights_core::chat::frame::ChatEvent;
use insights_http::Deadline;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::arrival::Arrival;
use super::stream::StreamTask;
use crate::tenant_chats::{EVERYBODY, TenantChats, Watched};

/// Longest time of one reading of the presence.
const PRESENCE_TIMEOUT: Duration = Duration::from_secs(10);

/// Number of messages of the agent that may wait. None is sent.
const OUTBOUND_LIMIT: usize = 16;

impl StreamTask {
    /// Brings what happens in the contacts of an agent until the task is stopped, or nobody takes arrivals any more.
    pub(super) async fn run_on_tenant(mut self, chats: std::sync::Arc<TenantChats>) {
        let mut events = chats.watch(&self.agent, std::mem::take(&mut self.known));
        if self.agent != EVERYBODY {
            tokio::spawn(log_presence(
                std::sync::Arc::clone(&chats),
                self.agent.clone(),
            ));
        }
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
                // The watch failed: the session ends, and begins again with a new one.
                None => return,
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
                // How long a message took to get here is a matter of the polls, and no service level.
                Some(Watched::Event(ChatEvent::Message(message))) => Arrival::Recovered(message),
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

/// Reads the presence of the agent and logs it. A presence belongs to its agent in a tenant, and is never set.
async fn log_presence(chats: std::sync::Arc<TenantChats>, agent: String) {
    match read_presence(chats.client(), &agent, Deadline::within(PRESENCE_TIMEOUT)).await {
        Ok(presence) => tracing::info!(
            agent_id = agent,
            presence = presence.as_deref().unwrap_or("unknown"),
            "the contacts of an agent are watched, whose presence is as read"
        ),
        Err(error) => tracing::debug!(
            agent_id = agent,
            cause = %WithCauses(&error),
            "the presence of an agent was not read"
        ),
    }
}
