//! The tasks beside the event loop that bring arrivals: the stream, and the reading of transcripts after an outage.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::arrival::Arrival;
use super::stream::StreamTask;
use super::transcripts::TranscriptReader;
use crate::deps::Deps;

/// Number of arrivals that may wait for the event loop. While the channel is full, the socket is not read, and TCP slows the
/// server down.
const ARRIVAL_LIMIT: usize = 1024;

/// The tasks that bring arrivals, and the channel through which they bring them. The tasks end when this is dropped.
pub(super) struct TaskSet {
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    /// The task that keeps the stream up.
    pub(super) stream: JoinHandle<()>,
    stop_stream: CancellationToken,
    /// The task that reads transcripts.
    pub(super) transcripts: TranscriptReader,
}

impl TaskSet {
    /// Starts the task that keeps the stream up. `down_since_ms` is when an earlier session lost the stream, if one did.
    /// `known` are the conversations that the session has open already.
    pub(super) fn start(
        deps: &Arc<Deps>,
        agent: &str,
        down_since_ms: Option<i64>,
        known: Vec<String>,
    ) -> Self {
        let (to_event_loop, arrivals) = mpsc::channel(ARRIVAL_LIMIT);
        let stop_stream = CancellationToken::new();
        let transcripts = TranscriptReader::start(Arc::clone(deps), to_event_loop.clone());
        let stream = StreamTask {
            deps: Arc::clone(deps),
            agent: agent.to_owned(),
            arrivals: to_event_loop,
            stop: stop_stream.clone(),
            down_since_ms,
            known,
        };
        Self {
            arrivals,
            stream: tokio::spawn(stream.run()),
            stop_stream,
            transcripts,
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
}

impl Drop for TaskSet {
    fn drop(&mut self) {
        self.stop_stream();
    }
}
