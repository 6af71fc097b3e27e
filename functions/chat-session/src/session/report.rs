//! The report of a session: how the session ended, and what it did.

use insights_core::chat::frame::MalformedCounts;
use insights_core::chat::pacing::PacingCounts;
use insights_core::chat::sla::SlaSummary;
use serde::Serialize;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Another session holds the lease of the agent; nothing was done.
    Held,
    /// The session was stopped, or its deadline came without a successor: conversations are archived, the agent is offline.
    Ended,
    /// A successor took over.
    HandedOver,
    /// The session lost its lease; the new holder of the lease continues.
    Lost,
}

/// What a session did. Each message is counted once, however often it was received.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Messages received by stream.
    pub messages: u64,
    /// Messages that the stream missed and a transcript brought.
    pub recovered: u64,
    /// Repeated messages, which were dropped.
    pub duplicates: u64,
    /// Messages that were sent for the agent. A message that an earlier session wrote and whose echo this session received counts in both.
    pub sent: u64,
    /// Malformed frames, by reason.
    pub malformed: MalformedCounts,
    /// Counts of messages that were processed at once, queued in memory, and spilled to the store.
    pub pace: PacingCounts,
    /// Time from sending to receiving a message, compared with the service level.
    pub sla: SlaSummary,
    /// Time in milliseconds that the session adds, from the socket until a message is stored and scored: the 50th, 95th and
    /// 99th percentile and the maximum, over the messages that did not have to be queued.
    pub added_ms: [Option<f64>; 4],
    /// Connections opened to the stream.
    pub connections: u64,
    /// Escalations that the session raised.
    pub escalations: u64,
    /// Archives that the session wrote.
    pub archived: u64,
    /// Messages that the model did not score, because too many were waiting for it.
    pub unscored: u64,
    /// Updates dropped, because their receiver was too slow.
    pub not_shown: u64,
}

/// How a session ended, and what it did.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// How the session ended.
    pub outcome: Outcome,
    /// What the session did; `None` if another session holds the lease.
    pub summary: Option<Summary>,
}
