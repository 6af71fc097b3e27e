//! The link to the stream: connects, connects again, changes to a fresh token in time, and never lets messages pile up.

use std::sync::Arc;
use std::time::Duration;

use cxone::chat::{Connection, End, Incoming};
use insights_core::backoff::{Backoff, BackoffPolicy, Jitter};
use insights_core::chat::archive::Gap;
use insights_core::chat::envelope::{Event, Malformed};
use insights_core::chat::message::{Identity, Message};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::Deps;

/// How long the old connection is listened to after the new one is open: what was on its way still arrives.
const OVERLAP: Duration = Duration::from_secs(1);
/// A connection changes to a fresh token this long before the old one expires: later than the token source counts a token
/// as fresh (60 s), so that it gives a new one.
const RENEW_BEFORE: Duration = Duration::from_secs(50);

/// Messages that wait for the link at most.
const OUTBOUND: usize = 16;

/// What the link brings.
#[derive(Debug)]
pub(super) enum Arrival {
    /// An event, received at these two times: milliseconds since the epoch, and the monotonic clock.
    Event(Event, i64, Instant),
    /// A frame that is none.
    Malformed(Malformed),
    /// A message that the transcript has and the stream missed.
    Recovered(Message),
    /// The transcripts have been read after the stream came up for the so-manieth time.
    CaughtUp(u64),
    /// A message was written to the stream.
    Sent(Identity),
    /// The stream is up.
    Up {
        /// Since when it was down, if it was up before.
        gap: Option<Gap>,
        /// Takes messages to send, for as long as the stream is up: what it holds as the stream goes down is not sent.
        outbound: mpsc::Sender<Message>,
    },
    /// The stream is down.
    Down {
        /// Why.
        reason: String,
        /// When it is tried again.
        wait: Duration,
    },
    /// The stream was heard at this time, and showed that these messages have arrived.
    Heard(i64, Vec<Identity>),
}

/// The link's task.
pub(super) struct Link {
    pub(super) deps: Arc<Deps>,
    pub(super) arrivals: mpsc::Sender<Arrival>,
    pub(super) stop: CancellationToken,
    /// When the stream was last heard, if an earlier session ended without an end.
    pub(super) down_since: Option<i64>,
}

/// Why a link stops being up.
enum Ended {
    Stopped,
    Down(End),
}

impl Link {
    /// Keeps the stream up until it is stopped, or nobody takes what it brings.
    pub(super) async fn keep(mut self) {
        let config = &self.deps.config;
        let mut backoff = Backoff::new(BackoffPolicy::new(
            config.reconnect_base,
            config.reconnect_cap,
            Jitter::Equal,
        ));
        loop {
            let stop = self.stop.clone();
            let opened = tokio::select! {
                opened = open(&self.deps) => opened,
                () = stop.cancelled() => return,
            };
            let (reason, asked) = match opened {
                Ok(connection) => {
                    let Ok(outbound) = self.up().await else {
                        return;
                    };
                    match self.listen(connection, outbound, &mut backoff).await {
                        Ended::Stopped => return,
                        Ended::Down(end) => (end.to_string(), None),
                    }
                }
                Err(error) => (error.to_string(), error.retry_after()),
            };
            let wait = backoff
                .next_delay(rand::random())
                .max(asked.unwrap_or_default().min(config_cap(&self.deps)));
            tracing::warn!(
                reason,
                attempt = backoff.attempt(),
                wait_ms = millis(wait),
                "stream down"
            );
            if self
                .arrivals
                .send(Arrival::Down { reason, wait })
                .await
                .is_err()
            {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    /// Says that the stream is up and where to hand what is to be sent; what the session handed to the place before is
    /// forgotten here, so nothing can overtake what goes again.
    async fn up(&mut self) -> Result<mpsc::Receiver<Message>, ()> {
        let (outbound, messages) = mpsc::channel(OUTBOUND);
        let now_ms = Timestamp::now().as_millisecond();
        let gap = self.down_since.take().map(|from_ms| Gap {
            from_ms,
            to_ms: now_ms,
        });
        let up = Arrival::Up { gap, outbound };
        self.arrivals.send(up).await.map_err(drop)?;
        Ok(messages)
    }

    /// Listens until the connection ends; changes to a new one before its token expires.
    async fn listen(
        &mut self,
        connection: Connection,
        mut outbound: mpsc::Receiver<Message>,
        backoff: &mut Backoff,
    ) -> Ended {
        let mut current = connection;
        let mut renew_at = renewal(&current);
        let mut retiring: Option<(Connection, Instant)> = None;
        let mut heard_ms = Timestamp::now().as_millisecond();
        let mut opening = None;
        let stop = self.stop.clone();
        loop {
            let arrived = tokio::select! {
                () = stop.cancelled() => {
                    let goodbye = Incoming::Alive(current.close().await);
                    let _ = self.arrivals.send(arrival(goodbye)).await;
                    return Ended::Stopped;
                }
                incoming = current.next() => match incoming {
                    Ok(incoming) => {
                        // A frame or a pong: the connection is healthy.
                        backoff.reset();
                        heard_ms = Timestamp::now().as_millisecond();
                        arrival(incoming)
                    }
                    Err(end) => {
                        self.down_since = Some(heard_ms);
                        return Ended::Down(end);
                    }
                },
                incoming = until(&mut retiring) => match incoming {
                    Some(incoming) => arrival(incoming),
                    None => {
                        if let Some((old, _)) = retiring.take() {
                            tokio::spawn(old.close());
                        }
                        continue;
                    }
                },
                Some(message) = outbound.recv() => match current.send(&message).await {
                    Ok(()) => Arrival::Sent(message.identity()),
                    Err(end) => {
                        self.down_since = Some(heard_ms);
                        return Ended::Down(end);
                    }
                },
                () = tokio::time::sleep_until(renew_at), if opening.is_none() => {
                    let deps = Arc::clone(&self.deps);
                    let new: Opening = Box::pin(async move { open(&deps).await });
                    opening = Some(new);
                    continue;
                }
                opened = opened(&mut opening) => {
                    opening = None;
                    match opened {
                        Ok(new) => {
                            renew_at = renewal(&new);
                            let mut old = std::mem::replace(&mut current, new);
                            old.ask();
                            retiring = Some((old, Instant::now() + OVERLAP));
                            tracing::info!("changed to a connection with a fresh token");
                        }
                        Err(error) => {
                            renew_at = Instant::now() + backoff.bound();
                            tracing::warn!(error = %error, "no connection with a fresh token yet");
                        }
                    }
                    continue;
                }
            };
            if self.arrivals.send(arrived).await.is_err() {
                return Ended::Stopped;
            }
        }
    }
}

async fn open(deps: &Deps) -> Result<Connection, insights_http::Error> {
    Connection::open(&deps.stream, &deps.client, deps.config.timing).await
}

/// A connection that is being opened.
type Opening =
    std::pin::Pin<Box<dyn Future<Output = Result<Connection, insights_http::Error>> + Send>>;

/// The connection that is being opened, if one is.
async fn opened(opening: &mut Option<Opening>) -> Result<Connection, insights_http::Error> {
    match opening {
        Some(opening) => opening.await,
        None => std::future::pending().await,
    }
}

/// What the retiring connection still brings; `None` when it ends or its time is over.
async fn until(retiring: &mut Option<(Connection, Instant)>) -> Option<Incoming> {
    match retiring {
        None => std::future::pending().await,
        Some((old, end)) => tokio::time::timeout_at(*end, old.next()).await.ok()?.ok(),
    }
}

/// When a connection is changed for one with a fresh token; within the life of even a very short-lived one.
fn renewal(connection: &Connection) -> Instant {
    let left = connection
        .token_expires_at()
        .duration_since(Timestamp::now());
    let left = Duration::try_from(left).unwrap_or_default();
    Instant::now()
        + left
            .saturating_sub(RENEW_BEFORE)
            .max(left.mul_f64(0.6))
            .max(Duration::from_millis(500))
}

fn arrival(incoming: Incoming) -> Arrival {
    let now_ms = Timestamp::now().as_millisecond();
    match incoming {
        Incoming::Event(event) => Arrival::Event(event, now_ms, Instant::now()),
        Incoming::Malformed(reason) => Arrival::Malformed(reason),
        Incoming::Alive(arrived) => Arrival::Heard(now_ms, arrived),
    }
}

fn config_cap(deps: &Deps) -> Duration {
    deps.config.reconnect_cap
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
