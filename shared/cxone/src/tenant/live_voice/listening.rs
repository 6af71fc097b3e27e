//! Listens to the words of calls for as long as somebody wants them: connects, subscribes, and connects again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use insights_core::backoff::BackoffPolicy;
use insights_http::exchange::HttpClient;
use insights_http::{Deadline, WithCauses};
use tokio::time::Instant;

use super::frames::ServerFrame;
use super::live_calls::LiveCalls;
use super::socket::{NotificationSocket, SocketEnd};
use crate::error::Error;
use crate::tenant::client::TenantClient;
use crate::tenant::websocket::ANSWER_TIMEOUT;

/// Longest time of one attempt to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

/// Time within which a second token that is refused means that no token helps.
const TOKEN_RETRY: Duration = Duration::from_secs(600);

/// How often the socket is asked for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListeningTimes {
    /// Time between two heartbeats.
    pub heartbeat: Duration,
    /// Wait before the next attempt to connect.
    pub reconnect: BackoffPolicy,
    /// Number of failed attempts in a row after which the attempts become rare.
    pub attempts: u32,
    /// Time between two rare attempts.
    pub rare_retry: Duration,
    /// Wait before a call is asked for again that was refused.
    pub refused: BackoffPolicy,
}

impl Default for ListeningTimes {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(20),
            reconnect: BackoffPolicy::LIVE_TRANSCRIPTS,
            attempts: 10,
            rare_retry: Duration::from_secs(300),
            refused: BackoffPolicy::REFUSED_TRANSCRIPT,
        }
    }
}

/// Listens to the calls that are wanted, until it is dropped. `http` comes from
/// [`insights_http::client::build_stream_client`].
pub async fn listen(
    http: HttpClient,
    client: TenantClient,
    calls: Arc<LiveCalls>,
    times: ListeningTimes,
) -> Infallible {
    calls.begin();
    let mut listener = Listener {
        http,
        client,
        calls,
        times,
        attempts: Attempts { times, failures: 0 },
        token_renewed_at: None,
    };
    loop {
        listener.calls.wait_until_wanted().await;
        let wait = listener.listen_once().await;
        tokio::time::sleep(wait).await;
    }
}

/// The attempts to connect that came to nothing, in a row.
#[derive(Debug)]
struct Attempts {
    times: ListeningTimes,
    failures: u32,
}

impl Attempts {
    /// Counts an attempt that came to nothing, and returns how long to wait before the next one.
    fn next_wait(&mut self) -> Duration {
        self.failures = self.failures.saturating_add(1);
        if self.failures < self.times.attempts {
            self.times.reconnect.delay(self.failures, rand::random())
        } else {
            self.times.rare_retry
        }
    }
}

struct Listener {
    http: HttpClient,
    client: TenantClient,
    calls: Arc<LiveCalls>,
    times: ListeningTimes,
    attempts: Attempts,
    /// When a token was renewed last because it was refused.
    token_renewed_at: Option<Instant>,
}

impl Listener {
    /// Listens over one connection, and returns how long to wait before the next one.
    async fn listen_once(&mut self) -> Duration {
        let deadline = Deadline::within(CONNECT_TIMEOUT);
        let heartbeat = self.times.heartbeat;
        let opened = NotificationSocket::open(&self.http, &self.client, heartbeat, deadline).await;
        let socket = match opened {
            Ok(socket) => socket,
            Err(error) => return self.note_failed_attempt(&error).await,
        };
        if let Some(away) = self.calls.note_connected() {
            tracing::info!(
                away_ms = u64::try_from(away.as_millis()).unwrap_or(u64::MAX),
                "the live words of calls are listened to"
            );
        }
        let mut connection = Connection {
            socket,
            calls: &self.calls,
            times: self.times,
            asked: None,
            is_proven: false,
            has_warned_of_frames: false,
            may_renew_token: self.may_renew_token(),
        };
        let Err(end) = connection.serve().await;
        let is_proven = connection.is_proven;
        self.note_end(end, is_proven).await
    }

    async fn note_end(&mut self, end: SocketEnd, is_proven: bool) -> Duration {
        let unheard = self.calls.note_disconnected();
        metrics::counter!("voice_connections_lost").increment(1);
        metrics::counter!("voice_gaps").increment(unheard as u64);
        if end == SocketEnd::TokenExpires {
            tracing::info!(
                cause = %WithCauses(&end),
                unheard_calls = unheard,
                "the notification socket is connected to again with a new token"
            );
        } else {
            tracing::warn!(
                cause = %WithCauses(&end),
                unheard_calls = unheard,
                "the live words of calls are not heard until the next connection, and what is said meanwhile stays unscored"
            );
        }
        if end == SocketEnd::TokenRefused {
            self.renew_token().await;
        }
        if is_proven {
            self.attempts.failures = 0;
            if end == SocketEnd::TokenExpires {
                return Duration::ZERO;
            }
        }
        self.attempts.next_wait()
    }

    async fn note_failed_attempt(&mut self, error: &Error) -> Duration {
        if error.is_unauthorized() && self.may_renew_token() {
            self.renew_token().await;
        }
        let asked = error.retry_after().unwrap_or_default();
        let wait = self.attempts.next_wait().max(asked);
        metrics::counter!("voice_connection_failures").increment(1);
        let failures = self.attempts.failures;
        if failures == self.times.attempts {
            tracing::error!(
                cause = %WithCauses(error),
                attempts = failures,
                "the live words of calls cannot be listened to, which is tried again now and then"
            );
        } else {
            tracing::warn!(
                cause = %WithCauses(error),
                attempt = failures,
                "the notification socket was not connected to, and the words of calls are not heard"
            );
        }
        wait.min(self.times.rare_retry)
    }

    fn may_renew_token(&self) -> bool {
        let renewed = self.token_renewed_at;
        renewed.is_none_or(|at| at.elapsed() > TOKEN_RETRY)
    }

    /// Forgets the current token, so that the next connection has another.
    async fn renew_token(&mut self) {
        self.token_renewed_at = Some(Instant::now());
        let deadline = Deadline::within(CONNECT_TIMEOUT);
        if let Ok(token) = self.client.tokens().token(deadline).await {
            self.client.tokens().invalidate(&token, deadline).await;
        }
    }
}

/// What the server was asked for and has not answered. One thing is asked at a time, because a refusal does not say of what.
#[derive(Debug)]
struct Asked {
    contact_id: String,
    is_subscription: bool,
    until: Instant,
}

/// An open connection with the calls that it serves.
struct Connection<'a> {
    socket: NotificationSocket,
    calls: &'a LiveCalls,
    times: ListeningTimes,
    asked: Option<Asked>,
    /// Whether the connection has shown that it works.
    is_proven: bool,
    /// Whether a frame that cannot be read was logged.
    has_warned_of_frames: bool,
    /// Whether a refusal for the token is answered by another token.
    may_renew_token: bool,
}

impl Connection<'_> {
    /// Subscribes and listens until the connection is over.
    async fn serve(&mut self) -> Result<Infallible, SocketEnd> {
        loop {
            self.ask().await?;
            let asked_until = self.asked.as_ref().map(|asked| asked.until);
            let wake_at = asked_until.or_else(|| self.calls.next_due());
            let wake = async {
                match wake_at {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                frame = self.socket.next_frame() => self.take(frame?)?,
                () = self.calls.changed() => {}
                () = wake => self.note_missing_answer(),
            }
        }
    }

    /// Asks for the next thing, unless something is asked already.
    async fn ask(&mut self) -> Result<(), SocketEnd> {
        if self.asked.is_some() {
            return Ok(());
        }
        let (contact_id, is_subscription) = match self.calls.take_due() {
            Some(id) => (id, true),
            None => match self.calls.take_left() {
                Some(id) => (id, false),
                None => return Ok(()),
            },
        };
        if is_subscription {
            self.socket.subscribe(&contact_id).await?;
        } else {
            self.socket.unsubscribe(&contact_id).await?;
        }
        self.asked = Some(Asked {
            contact_id,
            is_subscription,
            until: Instant::now() + ANSWER_TIMEOUT,
        });
        Ok(())
    }

    fn take(&mut self, frame: ServerFrame) -> Result<(), SocketEnd> {
        match frame {
            ServerFrame::HeartbeatAcknowledged => self.is_proven = true,
            ServerFrame::Subscribed(named) => {
                // What no subscription is asked for is an answer that came late.
                let asked = self.asked.take_if(|asked| {
                    asked.is_subscription
                        && named
                            .as_ref()
                            .is_none_or(|named| *named == asked.contact_id)
                });
                if let Some(id) = named.or(asked.map(|asked| asked.contact_id)) {
                    self.calls.accept(&id);
                }
            }
            ServerFrame::Unsubscribed => {
                self.asked.take_if(|asked| !asked.is_subscription);
            }
            ServerFrame::Refused(code) => self.take_refusal(code)?,
            ServerFrame::Utterance(said) => {
                self.is_proven = true;
                self.calls.hear(said);
            }
            ServerFrame::Unreadable => {
                metrics::counter!("voice_frames_unreadable").increment(1);
                if !std::mem::replace(&mut self.has_warned_of_frames, true) {
                    tracing::warn!("the notification socket sends frames that cannot be read");
                }
            }
            ServerFrame::Connected | ServerFrame::Other => {}
        }
        Ok(())
    }

    fn take_refusal(&mut self, code: Option<u16>) -> Result<(), SocketEnd> {
        if code == Some(401) && self.may_renew_token {
            return Err(SocketEnd::TokenRefused);
        }
        let Some(asked) = self.asked.take() else {
            tracing::debug!(
                code,
                "the notification socket refused something that was not asked"
            );
            return Ok(());
        };
        if asked.is_subscription {
            metrics::counter!("voice_subscriptions_refused").increment(1);
            if self.postpone(&asked.contact_id) {
                tracing::warn!(
                    interaction_id = asked.contact_id,
                    code,
                    "the contact center does not give the live words of this call, which is scored once it was analyzed"
                );
            }
        }
        Ok(())
    }

    fn note_missing_answer(&mut self) {
        let is_over = |asked: &mut Asked| asked.until <= Instant::now();
        let Some(asked) = self.asked.take_if(is_over) else {
            return;
        };
        if asked.is_subscription && self.postpone(&asked.contact_id) {
            tracing::warn!(
                interaction_id = asked.contact_id,
                "the contact center does not answer whether it gives the live words of this call"
            );
        }
    }

    /// Asks for a call again later, and returns whether that is the first time.
    fn postpone(&self, contact_id: &str) -> bool {
        self.calls
            .refuse(contact_id, self.times.refused, rand::random())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_wait_longer_each_time_and_become_rare_after_ten() {
        let mut attempts = Attempts {
            times: ListeningTimes::default(),
            failures: 0,
        };
        let mut waits = (0..12).map(|_| attempts.next_wait().as_secs());
        let first: Vec<u64> = waits.by_ref().take(9).collect();
        assert_eq!(first, [2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(waits.collect::<Vec<_>>(), [300, 300, 300]);
    }
}
