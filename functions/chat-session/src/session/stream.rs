//! The task that keeps the stream up: connects, reconnects with backoff, and changes to a fresh token in time.

use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cxone::CxoneClient;
use cxone::chat::{Connection, ConnectionEnd, Incoming, StreamTiming};
use insights_core::WithCauses;
use insights_core::backoff::{Backoff, BackoffPolicy, Jitter};
use insights_core::chat::archive::Gap;
use insights_core::chat::message::Message;
use insights_http::exchange::HttpClient;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::arrival::Arrival;
use crate::chat_center::ChatCenter;
use crate::deps::Deps;

/// How long the old connection is read after a new one is open, so that messages on their way over it still arrive.
const RETIRE_AFTER: Duration = Duration::from_secs(1);
/// How long before its token expires a connection is replaced. The token source counts a token as fresh until 60 s before its
/// end, so at this moment it returns a new token.
const RENEW_BEFORE_EXPIRY: Duration = Duration::from_secs(50);
/// Share of a token's life after which a connection is replaced at the earliest, for tokens with a short life.
const EARLIEST_RENEWAL: f64 = 0.6;
/// Shortest time between two replacements of a connection.
const MIN_RENEWAL_INTERVAL: Duration = Duration::from_millis(500);
/// How long a connection must have been up before the next outage begins with the shortest wait again. A stream that breaks right after
/// its first frame is not healthy.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);
/// Number of messages that may wait for the connection.
const OUTBOUND_LIMIT: usize = 16;

/// The task that keeps the stream of an agent up.
pub(super) struct StreamTask {
    pub(super) deps: Arc<Deps>,
    /// The agent whose stream it is.
    pub(super) agent: String,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    /// Canceling this token ends the task.
    pub(super) stop: CancellationToken,
    /// When the stream was last known to be up, if an earlier session lost it.
    pub(super) down_since_ms: Option<i64>,
    /// The conversations that the session has open already.
    pub(super) known: Vec<String>,
}

/// Why reading a connection ended.
enum ReadingEnd {
    /// The task was stopped, or nobody takes arrivals any more.
    Stopped,
    /// The connection to the stream ended.
    ConnectionLost(ConnectionEnd),
}

/// A connection that is being opened.
type Opening = Pin<Box<dyn Future<Output = Result<Connection, cxone::Error>> + Send>>;

impl StreamTask {
    /// Keeps the stream up until the task is stopped, or nobody takes arrivals any more.
    pub(super) async fn run(self) {
        match self.deps.center.clone() {
            ChatCenter::Tutorial { client, stream } => self.run_on_stream(client, stream).await,
            ChatCenter::Tenant(chats) => self.run_on_tenant(chats).await,
        }
    }

    async fn run_on_stream(mut self, client: CxoneClient, stream: HttpClient) {
        let opener = Opener {
            client,
            stream,
            timing: self.deps.config.timing,
        };
        let config = &self.deps.config;
        let reconnect_cap = config.reconnect_cap;
        let mut backoff = Backoff::new(BackoffPolicy::new(
            config.reconnect_base,
            reconnect_cap,
            Jitter::Equal,
        ));
        loop {
            let stop = self.stop.clone();
            let opened = tokio::select! {
                opened = opener.open() => opened,
                () = stop.cancelled() => return,
            };
            let (error, retry_after): (Box<dyn Error + Send + Sync>, Duration) = match opened {
                Ok(connection) => {
                    let Ok(outbound) = self.announce_connection().await else {
                        return;
                    };
                    match self.read(&opener, connection, outbound, &mut backoff).await {
                        ReadingEnd::Stopped => return,
                        ReadingEnd::ConnectionLost(end) => (end.into(), Duration::ZERO),
                    }
                }
                Err(error) => {
                    let retry_after = error.retry_after().unwrap_or_default();
                    (error.into(), retry_after)
                }
            };
            let wait = backoff
                .next_delay(rand::random())
                .max(retry_after.min(reconnect_cap));
            tracing::warn!(
                cause = %WithCauses(error.as_ref()),
                attempt = backoff.attempt(),
                wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
                "the stream is down, connecting again"
            );
            let reason = WithCauses(error.as_ref()).to_string();
            let disconnected = Arrival::Disconnected { reason, wait };
            if self.arrivals.send(disconnected).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Announces that the stream is up, and returns the receiver of messages to send over this connection.
    async fn announce_connection(&mut self) -> Result<mpsc::Receiver<Message>, ()> {
        let (outbound, messages) = mpsc::channel(OUTBOUND_LIMIT);
        let now_ms = Timestamp::now().as_millisecond();
        let gap = self.down_since_ms.take().map(|from_ms| Gap {
            from_ms,
            to_ms: now_ms,
        });
        let connected = Arrival::Connected { gap, outbound };
        self.arrivals.send(connected).await.map_err(drop)?;
        Ok(messages)
    }

    /// Reads and writes a connection until it ends, and replaces it before its token expires.
    async fn read(
        &mut self,
        opener: &Opener,
        connection: Connection,
        mut outbound: mpsc::Receiver<Message>,
        backoff: &mut Backoff,
    ) -> ReadingEnd {
        let mut current = connection;
        let mut renew_at = renewal_moment(&current);
        let mut retiring: Option<(Connection, Instant)> = None;
        let mut last_frame_ms = Timestamp::now().as_millisecond();
        let mut opening = None;
        let healthy_at = Instant::now() + HEALTHY_AFTER;
        let stop = self.stop.clone();
        loop {
            let arrival = tokio::select! {
                () = stop.cancelled() => {
                    let goodbye = Incoming::Alive(current.close().await);
                    let _ = self.arrivals.send(arrival_of(goodbye)).await;
                    return ReadingEnd::Stopped;
                }
                incoming = current.next() => match incoming {
                    Ok(incoming) => {
                        if Instant::now() >= healthy_at {
                            backoff.reset();
                        }
                        last_frame_ms = Timestamp::now().as_millisecond();
                        arrival_of(incoming)
                    }
                    Err(end) => {
                        self.down_since_ms = Some(last_frame_ms);
                        return ReadingEnd::ConnectionLost(end);
                    }
                },
                incoming = next_of_retiring(&mut retiring) => match incoming {
                    Some(incoming) => arrival_of(incoming),
                    None => {
                        if let Some((old, _)) = retiring.take() {
                            tokio::spawn(old.close());
                        }
                        continue;
                    }
                },
                Some(message) = outbound.recv() => match current.send(&message).await {
                    Ok(()) => Arrival::Written(message.identity()),
                    Err(end) => {
                        self.down_since_ms = Some(last_frame_ms);
                        return ReadingEnd::ConnectionLost(end);
                    }
                },
                () = tokio::time::sleep_until(renew_at), if opening.is_none() => {
                    let opener = opener.clone();
                    let new: Opening = Box::pin(async move { opener.open().await });
                    opening = Some(new);
                    continue;
                }
                opened = opened(&mut opening) => {
                    opening = None;
                    match opened {
                        Ok(new) => {
                            renew_at = renewal_moment(&new);
                            let mut old = std::mem::replace(&mut current, new);
                            old.ping_now();
                            retiring = Some((old, Instant::now() + RETIRE_AFTER));
                            tracing::info!("the stream changed to a connection with a fresh token");
                        }
                        Err(error) => {
                            renew_at = Instant::now() + backoff.bound();
                            tracing::warn!(
                                cause = %WithCauses(&error),
                                "no connection with a fresh token was opened, trying again"
                            );
                        }
                    }
                    continue;
                }
            };
            if self.arrivals.send(arrival).await.is_err() {
                return ReadingEnd::Stopped;
            }
        }
    }
}

/// What a connection to the stream is opened with.
#[derive(Clone)]
struct Opener {
    client: CxoneClient,
    stream: HttpClient,
    timing: StreamTiming,
}

impl Opener {
    async fn open(&self) -> Result<Connection, cxone::Error> {
        Connection::open(&self.stream, &self.client, self.timing).await
    }
}

/// Waits until the connection that is being opened is open or has failed; forever if none is being opened.
async fn opened(opening: &mut Option<Opening>) -> Result<Connection, cxone::Error> {
    match opening {
        Some(opening) => opening.await,
        None => std::future::pending().await,
    }
}

/// Returns what the retiring connection still brings, or `None` when the connection ends or its time is over. Waits forever
/// if no connection is retiring.
async fn next_of_retiring(retiring: &mut Option<(Connection, Instant)>) -> Option<Incoming> {
    match retiring {
        None => std::future::pending().await,
        Some((old, end)) => tokio::time::timeout_at(*end, old.next()).await.ok()?.ok(),
    }
}

/// Returns when a connection is replaced by a connection with a fresh token.
fn renewal_moment(connection: &Connection) -> Instant {
    let left = connection
        .token_expires_at()
        .duration_since(Timestamp::now());
    let left = Duration::try_from(left).unwrap_or_default();
    Instant::now()
        + left
            .saturating_sub(RENEW_BEFORE_EXPIRY)
            .max(left.mul_f64(EARLIEST_RENEWAL))
            .max(MIN_RENEWAL_INTERVAL)
}

fn arrival_of(incoming: Incoming) -> Arrival {
    let now_ms = Timestamp::now().as_millisecond();
    match incoming {
        Incoming::Event(event) => Arrival::Event(event, now_ms, Instant::now()),
        Incoming::Malformed(reason) => Arrival::Malformed(reason),
        Incoming::Alive(identities) => Arrival::PingAnswered(now_ms, identities),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::center_in_memory::{CenterInMemory, Treatment};
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_after_a_healthy_connection_does_the_wait_begin_anew() {
        // How many seconds each connection lives, and the longest wait after it. Pings are answered after 0 s, 20 s and 40 s.
        let lives = [(0, 2), (1, 4), (1, 8), (29, 16), (45, 2), (1, 4), (1, 8)];
        let left = Mutex::new(lives.into_iter());
        let center = CenterInMemory::new(move |_| match left.lock().unwrap().next() {
            Some((life, _)) => Treatment::Stream(Duration::from_secs(life)),
            None => Treatment::Status(503, Duration::ZERO),
        });
        let (arrivals, mut arrived) = mpsc::channel(64);
        let stop = CancellationToken::new();
        let task = StreamTask {
            deps: center.deps().await,
            agent: "agent-1".to_owned(),
            arrivals,
            stop: stop.clone(),
            down_since_ms: None,
            known: Vec::new(),
        };
        let task = tokio::spawn(task.run());
        let (mut connections, mut waits) = (0, Vec::new());
        while waits.len() < lives.len() {
            match arrived.recv().await.unwrap() {
                Arrival::Connected { .. } => connections += 1,
                Arrival::Disconnected { wait, .. } => waits.push(wait),
                _ => {}
            }
        }
        stop.cancel();
        task.await.unwrap();
        assert_eq!(connections, lives.len(), "each attempt connects");
        for ((life, longest), wait) in lives.into_iter().zip(&waits) {
            let longest = Duration::from_secs(longest);
            let allowed = longest / 2..=longest;
            assert!(allowed.contains(wait), "after {life} s: {waits:?}");
        }
    }
}
