//! The tasks beside the event loop that bring arrivals: the stream, and the reading of transcripts after an outage.

use std::sync::Arc;

use insights_core::WithCauses;
use insights_core::chat::message::Message;
use jiff::Timestamp;
use store::state::State;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::arrival::Arrival;
use super::stream::StreamTask;
use super::transcripts::TranscriptReader;
use crate::deps::Deps;
use crate::records::{self, OpenRecord};

/// Number of arrivals that may wait for the event loop. While the channel is full, the socket is not read, and TCP slows the
/// server down.
const ARRIVAL_LIMIT: usize = 1024;
/// How long ago a message was taken that counts as left by its session if it is still noted as unsent, in milliseconds.
const SETTLED_AFTER_MS: i64 = 10_000;

/// The tasks that bring arrivals, and the channel through which they bring them. The tasks end when this is dropped.
pub(super) struct TaskSet {
    state: State,
    agent: String,
    pub(super) arrivals: mpsc::Receiver<Arrival>,
    to_event_loop: mpsc::Sender<Arrival>,
    /// The task that reads the notes of unsent messages, if one does.
    notes: Option<JoinHandle<()>>,
    /// The task that reads which conversations are noted as ended, if one does.
    ended_notes: Option<JoinHandle<()>>,
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
            arrivals: to_event_loop.clone(),
            stop: stop_stream.clone(),
            down_since_ms,
            known,
        };
        Self {
            state: deps.state.clone(),
            agent: agent.to_owned(),
            to_event_loop,
            notes: None,
            ended_notes: None,
            arrivals,
            stream: tokio::spawn(stream.run()),
            stop_stream,
            transcripts,
        }
    }

    /// Reads the notes of the agent's unsent messages beside the event loop, unless that is under way. A message that was taken a moment
    /// ago is left out: its session still works on it.
    pub(super) fn read_unsent_notes(&mut self) {
        if self.notes.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        let (state, agent) = (self.state.clone(), self.agent.clone());
        let to_event_loop = self.to_event_loop.clone();
        self.notes = Some(tokio::spawn(async move {
            let mut noted = match unsent_messages(&state, &agent).await {
                Ok(noted) => noted,
                Err(error) => {
                    tracing::warn!(
                        agent_id = agent,
                        cause = %WithCauses(&error),
                        "the notes of unsent messages were not read, they are read again soon"
                    );
                    return;
                }
            };
            let latest_ms = Timestamp::now().as_millisecond() - SETTLED_AFTER_MS;
            noted.retain(|message| message.timestamp_ms <= latest_ms);
            if !noted.is_empty() {
                // Without an event loop there is nobody to send them.
                let _ = to_event_loop.send(Arrival::UnsentNotes(noted)).await;
            }
        }));
    }

    /// Reads beside the event loop which conversations are noted as ended, unless that is under way. A session that hands over hears ends
    /// that this one, which had read the notes and was not connected yet, did not hear.
    pub(super) fn read_ended_notes(&mut self) {
        let mut reading = self.ended_notes.iter();
        if reading.any(|task| !task.is_finished()) {
            return;
        }
        let (state, agent) = (self.state.clone(), self.agent.clone());
        let to_event_loop = self.to_event_loop.clone();
        self.ended_notes = Some(tokio::spawn(async move {
            match ended_conversations(&state, &agent).await {
                Ok(ended) if ended.is_empty() => {}
                // Without an event loop nobody works on them.
                Ok(ended) => drop(to_event_loop.send(Arrival::EndedNotes(ended)).await),
                Err(error) => tracing::warn!(
                    agent_id = agent,
                    cause = %WithCauses(&error),
                    "the notes of ended conversations were not read, they are read again soon"
                ),
            }
        }));
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
        for notes in self.notes.iter().chain(&self.ended_notes) {
            notes.abort();
        }
    }
}

/// Returns the conversations of an agent that are noted as ended, with when they ended, in milliseconds since the epoch.
async fn ended_conversations(
    state: &State,
    agent: &str,
) -> Result<Vec<(String, i64)>, store::Error> {
    let partition = records::agent_partition(agent);
    let noted = records::list_all::<OpenRecord>(state, &partition, "open#", Timestamp::now());
    let ended = noted.await?.into_iter().filter_map(|(item, record)| {
        let conversation = item.key.sort.strip_prefix("open#")?.to_owned();
        Some((conversation, record.ended_at_ms()?))
    });
    Ok(ended.collect())
}

/// Returns the messages of an agent that are not known to have arrived, in the order of sending.
pub(super) async fn unsent_messages(
    state: &State,
    agent: &str,
) -> Result<Vec<Message>, store::Error> {
    let partition = records::agent_partition(agent);
    let noted = records::list_all(state, &partition, "out#", Timestamp::now()).await?;
    Ok(noted.into_iter().map(|(_, message)| message).collect())
}
