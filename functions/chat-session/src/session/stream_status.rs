//! The status of the stream: whether it is up, when a frame arrived last, and when it was down.

use insights_core::chat::archive::Gap;
use jiff::Timestamp;

/// Number of outages remembered; the oldest is forgotten first.
const OUTAGE_LIMIT: usize = 500;

/// The status of the stream of a session.
#[derive(Debug)]
pub(super) struct StreamStatus {
    /// Whether the stream is up.
    pub(super) connected: bool,
    /// Number of connections opened so far, which is the number of the latest connection.
    pub(super) connections: u64,
    /// When a frame arrived last, in milliseconds since the epoch.
    pub(super) last_frame_ms: i64,
    /// When the stream of an earlier session was last known to be up, if that session left open conversations or died.
    pub(super) down_since_ms: Option<i64>,
    /// Whether this session missed a part of the stream.
    pub(super) had_gap: bool,
    /// Whether the session before this one missed a part of the stream, or ended before this one began.
    pub(super) predecessor_had_gap: bool,
    outages: Vec<Gap>,
}

impl StreamStatus {
    /// Creates the status of a stream that has not been up.
    pub(super) fn new() -> Self {
        Self {
            connected: false,
            connections: 0,
            last_frame_ms: Timestamp::now().as_millisecond(),
            down_since_ms: None,
            had_gap: false,
            predecessor_had_gap: false,
            outages: Vec::new(),
        }
    }

    /// Returns whether conversations may have begun that no session has seen.
    pub(super) const fn may_have_missed_conversations(&self) -> bool {
        self.had_gap || self.predecessor_had_gap
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
