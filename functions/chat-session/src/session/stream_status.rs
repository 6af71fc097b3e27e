//! The status of the stream: whether it is up, when a frame arrived last, and when it was down.

use std::time::Duration;

use insights_core::chat::archive::Gap;
use jiff::Timestamp;

/// Number of outages remembered; the oldest is forgotten first.
const OUTAGE_LIMIT: usize = 500;

/// The status of the stream of a session.
#[derive(Debug)]
pub(super) struct StreamStatus {
    /// Whether the stream is up.
    pub(super) connected: bool,
    /// Whether the stream is up and the transcripts of all open conversations have been read since, as far as they can be.
    pub(super) has_caught_up: bool,
    /// Number of connections opened so far, which is the number of the latest connection.
    pub(super) connections: u64,
    /// When a frame arrived last, in this session or in the one before it, in milliseconds since the epoch.
    pub(super) last_frame_ms: i64,
    /// When the stream of an earlier session was last known to be up, if that session left open conversations or died.
    pub(super) down_since_ms: Option<i64>,
    /// When the stream was up again after the latest part that was missed, by this session or by one before it, in milliseconds since
    /// the epoch.
    pub(super) missed_until_ms: Option<i64>,
    outages: Vec<Gap>,
}

impl StreamStatus {
    /// Creates the status of a stream that has not been up.
    pub(super) fn new() -> Self {
        Self {
            connected: false,
            has_caught_up: false,
            connections: 0,
            last_frame_ms: Timestamp::now().as_millisecond(),
            down_since_ms: None,
            missed_until_ms: None,
            outages: Vec::new(),
        }
    }

    /// Returns whether conversations that no session has seen may have begun and not ended since: a conversation ends after `silence`
    /// without a message.
    pub(super) fn may_have_missed_conversations(&self, silence: Duration) -> bool {
        let silence_ms = i64::try_from(silence.as_millis()).unwrap_or(i64::MAX);
        self.missed_until_ms.is_some_and(|missed_until_ms| {
            let since_ms = Timestamp::now()
                .as_millisecond()
                .saturating_sub(missed_until_ms);
            since_ms <= silence_ms
        })
    }

    /// Notes that a part of the stream was missed that is over at `at_ms`, in milliseconds since the epoch.
    pub(super) fn note_missed_until(&mut self, at_ms: i64) {
        self.missed_until_ms = self.missed_until_ms.max(Some(at_ms));
    }

    /// Returns the remembered outages.
    pub(super) fn outages(&self) -> &[Gap] {
        &self.outages
    }

    /// Remembers an outage of the stream.
    pub(super) fn add_outage(&mut self, gap: Gap) {
        if self.outages.len() >= OUTAGE_LIMIT {
            self.outages.remove(0);
        }
        self.outages.push(gap);
    }
}
