//! The reading of transcripts for messages that the stream missed. A transcript that cannot be read is tried again until it is read, and
//! only then are the messages of an outage known to be complete.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use backends::erasure::erased_at;
use cxone::chat::ChatTranscript;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use insights_core::WithCauses;
use insights_http::Deadline;
use insights_http::backoff::{Backoff, BackoffPolicy};
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::arrival::Arrival;
use crate::archive::is_refusal;
use crate::deps::Deps;

/// Time limit for one attempt to read a transcript.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of transcripts that are read at the same time.
const CONCURRENCY: usize = 8;

/// What is to be read.
#[derive(Debug)]
struct Request {
    conversations: Vec<String>,
    /// The number of the connection before which the stream was down; `None` for conversations that are seen for the first time.
    connection: Option<u64>,
}

/// The task that reads transcripts, one reading of a conversation at a time.
#[derive(Debug)]
pub(super) struct TranscriptReader {
    requests: mpsc::UnboundedSender<Request>,
    task: JoinHandle<()>,
}

impl TranscriptReader {
    /// Starts the task, which brings messages as arrivals.
    pub(super) fn start(deps: Arc<Deps>, arrivals: mpsc::Sender<Arrival>) -> Self {
        let (requests, requested) = mpsc::unbounded_channel();
        let reading = Reading {
            deps,
            arrivals,
            waiting: HashMap::new(),
            running: FuturesUnordered::new(),
            in_progress: HashMap::new(),
            unannounced: None,
        };
        Self {
            requests,
            task: tokio::spawn(reading.run(requested)),
        }
    }

    /// Reads the transcripts of conversations after `connection` came up. Once all of them are read, [`Arrival::TranscriptsRead`] tells
    /// so. A later call of this for another connection takes the place of the earlier one.
    pub(super) fn read_after_outage(&self, conversations: Vec<String>, connection: u64) {
        self.request(conversations, Some(connection));
    }

    /// Reads the transcripts of conversations that may have begun while nobody listened.
    pub(super) fn read_first_seen(&self, conversations: Vec<String>) {
        self.request(conversations, None);
    }

    /// Ends the task that reads transcripts.
    pub(super) fn stop(&self) {
        self.task.abort();
    }

    fn request(&self, conversations: Vec<String>, connection: Option<u64>) {
        // The task ends with the session only.
        let _ = self.requests.send(Request {
            conversations,
            connection,
        });
    }
}

impl Drop for TranscriptReader {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A conversation whose transcript is to be read.
struct Wanted {
    connection: Option<u64>,
    backoff: Backoff,
    not_before: Instant,
}

/// A conversation whose transcript is being read.
struct InProgress {
    wanted: Wanted,
    /// Whether the transcript was asked for again meanwhile: the reading may have begun before the latest outage.
    must_repeat: bool,
}

type Answer = (String, Result<Option<ChatTranscript>, cxone::Error>);

/// The state of the task.
struct Reading {
    deps: Arc<Deps>,
    arrivals: mpsc::Sender<Arrival>,
    waiting: HashMap<String, Wanted>,
    running: FuturesUnordered<BoxFuture<'static, Answer>>,
    in_progress: HashMap<String, InProgress>,
    /// The connection for which not all transcripts are read yet, and whether one of them is refused for good.
    unannounced: Option<(u64, bool)>,
}

impl Reading {
    async fn run(mut self, mut requested: mpsc::UnboundedReceiver<Request>) {
        loop {
            self.start_due();
            if !self.announce().await {
                return;
            }
            let has_room = self.in_progress.len() < CONCURRENCY;
            let next_due = self.waiting.values().map(|wanted| wanted.not_before).min();
            tokio::select! {
                request = requested.recv() => match request {
                    Some(request) => self.take(request),
                    None => return,
                },
                Some((conversation, answer)) = self.running.next() => {
                    if !self.finish(conversation, answer).await {
                        return;
                    }
                }
                () = sleep_until(next_due), if has_room => {}
            }
        }
    }

    fn take(&mut self, request: Request) {
        if let Some(connection) = request.connection {
            self.unannounced = Some((connection, false));
        }
        for conversation in request.conversations {
            if let Some(running) = self.in_progress.get_mut(&conversation) {
                running.must_repeat = true;
                running.wanted.connection = request.connection.or(running.wanted.connection);
                continue;
            }
            let wanted = self.waiting.entry(conversation).or_insert_with(|| Wanted {
                connection: None,
                backoff: Backoff::new(BackoffPolicy::BATCH),
                not_before: Instant::now(),
            });
            wanted.connection = request.connection.or(wanted.connection);
        }
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        let room = CONCURRENCY.saturating_sub(self.in_progress.len());
        let due: Vec<String> = self
            .waiting
            .iter()
            .filter(|(_, wanted)| wanted.not_before <= now)
            .map(|(conversation, _)| conversation.clone())
            .take(room)
            .collect();
        for conversation in due {
            let Some(wanted) = self.waiting.remove(&conversation) else {
                continue;
            };
            let deps = Arc::clone(&self.deps);
            let id = conversation.clone();
            self.running.push(Box::pin(async move {
                let deadline = Deadline::within(READ_TIMEOUT);
                let mut answer = deps.center.read_transcript(&id, deadline).await;
                if let Ok(Some(transcript)) = &mut answer {
                    leave_out_erased(&deps, &id, transcript).await;
                }
                (id, answer)
            }));
            let reading = InProgress {
                wanted,
                must_repeat: false,
            };
            self.in_progress.insert(conversation, reading);
        }
    }

    /// Takes the answer of a reading. Returns whether anybody takes its messages.
    async fn finish(
        &mut self,
        conversation: String,
        answer: Result<Option<ChatTranscript>, cxone::Error>,
    ) -> bool {
        let Some(InProgress {
            mut wanted,
            must_repeat,
        }) = self.in_progress.remove(&conversation)
        else {
            return true;
        };
        match answer {
            Ok(found) => {
                for message in found.into_iter().flat_map(|transcript| transcript.messages) {
                    if self
                        .arrivals
                        .send(Arrival::Recovered(message))
                        .await
                        .is_err()
                    {
                        return false;
                    }
                }
                if must_repeat {
                    wanted.backoff.reset();
                    wanted.not_before = Instant::now();
                    self.waiting.insert(conversation, wanted);
                }
            }
            Err(error) => {
                let is_final = is_refusal(&error);
                tracing::warn!(
                    conversation_id = conversation,
                    cause = %WithCauses(&error),
                    is_final,
                    "the transcript was not read after an outage"
                );
                if !is_final {
                    let wait = wanted.backoff.next_delay(rand::random());
                    wanted.not_before = Instant::now() + wait;
                    self.waiting.insert(conversation, wanted);
                } else if wanted.connection.is_some()
                    && let Some((_, is_refused)) = &mut self.unannounced
                {
                    *is_refused = true;
                }
            }
        }
        true
    }

    /// Tells that all transcripts are read after the latest outage, once they are. Returns whether anybody takes that.
    async fn announce(&mut self) -> bool {
        let Some((connection, is_refused)) = self.unannounced else {
            return true;
        };
        let in_progress = self.in_progress.values().map(|running| &running.wanted);
        let mut left = self.waiting.values().chain(in_progress);
        if left.any(|wanted| wanted.connection.is_some()) {
            return true;
        }
        self.unannounced = None;
        let read = Arrival::TranscriptsRead {
            connection,
            is_complete: !is_refused,
        };
        self.arrivals.send(read).await.is_ok()
    }
}

/// Takes the messages of before an erasure out of a transcript, which the contact center keeps.
async fn leave_out_erased(deps: &Deps, conversation: &str, transcript: &mut ChatTranscript) {
    match erased_at(&deps.state, conversation, Timestamp::now()).await {
        Ok(Some(erased)) => transcript
            .messages
            .retain(|message| message.timestamp_ms > erased.as_millisecond()),
        Ok(None) => {}
        // The archive of the conversation leaves them out once the store answers.
        Err(error) => tracing::warn!(
            conversation_id = conversation,
            cause = %WithCauses(&error),
            "the record of an erasure was not read"
        ),
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::center_in_memory::{CenterInMemory, Treatment};
    use super::*;

    /// Lets the stream reconnect each second, and each time asks for the transcript of the same conversation. Returns the arrivals.
    async fn reconnect_each_second(
        center: &Arc<CenterInMemory>,
        times: u64,
    ) -> (TranscriptReader, mpsc::Receiver<Arrival>) {
        let (arrivals, arrived) = mpsc::channel(64);
        let reader = TranscriptReader::start(center.deps().await, arrivals);
        for connection in 1..=times {
            reader.read_after_outage(vec!["chat-1".to_owned()], connection);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        (reader, arrived)
    }

    /// Asserts that the next arrival tells that the transcripts are read after this connection.
    async fn assert_read_after(arrived: &mut mpsc::Receiver<Arrival>, wanted: u64) {
        let arrival = arrived.recv().await.unwrap();
        let Arrival::TranscriptsRead {
            connection,
            is_complete,
        } = arrival
        else {
            panic!("{arrival:?}");
        };
        assert_eq!((connection, is_complete), (wanted, true));
    }

    #[tokio::test(start_paused = true)]
    async fn a_transcript_is_read_once_at_a_time_however_often_the_stream_reconnects() {
        let reading = Duration::from_millis(7500);
        let center = CenterInMemory::new(move |_| Treatment::Status(404, reading));
        let (_reader, mut arrived) = reconnect_each_second(&center, 7).await;
        assert_eq!(center.requests("/transcript"), 1, "the first one goes on");
        assert_read_after(&mut arrived, 7).await;
        // The first reading may have begun before the last outage, so that one more follows, however many outages there were.
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(center.requests("/transcript"), 2);
        assert_eq!(center.most_in_progress(), 1);
        assert!(arrived.try_recv().is_err(), "that is told once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reconnect_does_not_hurry_a_transcript_that_cannot_be_read() {
        let is_well = Arc::new(AtomicBool::new(false));
        let shown = Arc::clone(&is_well);
        let center = CenterInMemory::new(move |_| {
            let is_well = shown.load(Ordering::SeqCst);
            Treatment::Status(if is_well { 404 } else { 429 }, Duration::from_millis(1))
        });
        let (_reader, mut arrived) = reconnect_each_second(&center, 600).await;
        // One request at first, then five waits from 1 s to 16 s, then one of 30 s after the other; all may be half as long.
        let requests = center.requests("/transcript");
        assert!((20..=45).contains(&requests), "{requests}");
        assert!(arrived.try_recv().is_err(), "nothing is read yet");
        is_well.store(true, Ordering::SeqCst);
        assert_read_after(&mut arrived, 600).await;
    }
}
