//! The tasks beside the event loop that bring arrivals: the stream, and the reading of transcripts after an outage.

use std::sync::Arc;
use std::time::Duration;

use cxone::chat::read_transcript as fetch_transcript;
use futures::StreamExt;
use insights_core::WithCauses;
use insights_http::Deadline;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use super::arrival::Arrival;
use super::stream::StreamTask;
use crate::deps::Deps;

/// Number of arrivals that may wait for the event loop. While the channel is full, the socket is not read, and TCP slows the
/// server down.
const ARRIVAL_LIMIT: usize = 1024;
/// Time limit for reading all transcripts after an outage.
const TRANSCRIPTS_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of transcripts that are read at the same time.
const TRANSCRIPT_CONCURRENCY: usize = 8;

/// The tasks that bring arrivals, and the channel through which they bring them.
pub(super) struct TaskSet {
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    /// The task that keeps the stream up.
    pub(super) stream: JoinHandle<()>,
    stop_stream: CancellationToken,
    /// The readings of transcripts.
    pub(super) transcripts: JoinSet<()>,
    to_event_loop: mpsc::Sender<Arrival>,
}

impl TaskSet {
    /// Starts the task that keeps the stream up. `down_since_ms` is when an earlier session lost the stream, if one did.
    pub(super) fn start(deps: &Arc<Deps>, down_since_ms: Option<i64>) -> Self {
        let (to_event_loop, arrivals) = mpsc::channel(ARRIVAL_LIMIT);
        let stop_stream = CancellationToken::new();
        let stream = StreamTask {
            deps: Arc::clone(deps),
            arrivals: to_event_loop.clone(),
            stop: stop_stream.clone(),
            down_since_ms,
        };
        Self {
            arrivals,
            stream: tokio::spawn(stream.run()),
            stop_stream,
            transcripts: JoinSet::new(),
            to_event_loop,
        }
    }

    /// Asks the stream task to end.
    pub(super) fn stop_stream(&self) {
        self.stop_stream.cancel();
    }

    /// Returns whether the stream task ended although nobody asked for that.
    pub(super) fn has_stream_failed(&self) -> bool {
        self.stream.is_finished() && !self.stop_stream.is_cancelled()
    }

    /// Starts to read the transcripts of conversations for messages that the stream missed before `connection` came up.
    ///
    /// A second outage meanwhile starts a second reading. A message that both readings bring is recognized as a repeat.
    pub(super) fn read_transcripts(
        &mut self,
        deps: &Deps,
        conversations: Vec<String>,
        connection: u64,
    ) {
        let (client, arrivals) = (deps.client.clone(), self.to_event_loop.clone());
        self.transcripts.spawn(async move {
            let deadline = Deadline::within(TRANSCRIPTS_TIMEOUT);
            let reading = conversations.into_iter().map(|conversation| {
                read_transcript(client.clone(), conversation, arrivals.clone(), deadline)
            });
            futures::stream::iter(reading)
                .buffer_unordered(TRANSCRIPT_CONCURRENCY)
                .collect::<Vec<()>>()
                .await;
            let _ = arrivals.send(Arrival::TranscriptsRead(connection)).await;
        });
    }

    /// Ends all readings of transcripts.
    pub(super) async fn abort_transcripts(&mut self) {
        self.transcripts.abort_all();
        while self.transcripts.join_next().await.is_some() {}
    }
}

async fn read_transcript(
    client: cxone::CxoneClient,
    conversation: String,
    arrivals: mpsc::Sender<Arrival>,
    deadline: Deadline,
) {
    match fetch_transcript(&client, &conversation, deadline).await {
        Ok(found) => {
            for message in found.into_iter().flat_map(|transcript| transcript.messages) {
                if arrivals.send(Arrival::Recovered(message)).await.is_err() {
                    return;
                }
            }
        }
        Err(error) => {
            tracing::warn!(
                conversation_id = conversation,
                cause = %WithCauses(&error),
                "the transcript was not read after an outage"
            );
        }
    }
}
