//! What can happen to a live call, and what is to be done then.

use jiff::Timestamp;

use super::interaction::{Reason, Suggestion};
use super::segment::{Direction, Segment, SegmentId};
use super::window::Readings;
use crate::scale::Score;

/// A segment with what the model says of it.
#[derive(Debug, Clone)]
pub struct Scored {
    /// The segment.
    pub segment: Segment,
    /// Its score.
    pub score: Score,
    /// The emotions heard in it.
    pub emotions: Vec<String>,
    /// What the speaker wants, if recognised.
    pub intent: Option<String>,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody asks that the call be scored; it may be already, or may have ended.
    Register,
    /// Somebody asks that it no longer be.
    Stop,
    /// A process wants to work on it.
    Claim {
        /// The process.
        holder: String,
    },
    /// The holder hands over.
    Release,
    /// The holder's next round begins.
    Tick,
    /// Segments came.
    Fetched {
        /// As served: partials, repeats and late ones among them.
        segments: Vec<Segment>,
        /// Whether they were read from behind the cursor.
        sweep: bool,
    },
    /// Segments were scored.
    Scored {
        /// In the order of [`Effect::Score`].
        batch: Vec<Scored>,
        /// Whether more of the same answer follow.
        more: bool,
    },
    /// The contact centre took the attributes of this revision, or will never take them.
    Patched {
        /// As in [`Effect::Patch`].
        revision: u64,
    },
    /// The contact centre took a suggestion.
    Posted {
        /// Its key.
        key: String,
        /// The contact centre's id of it.
        id: Option<String>,
    },
    /// The contact centre will never take a suggestion.
    Refused {
        /// Its key.
        key: String,
    },
}

/// Why a process must leave a call alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Somebody else works on it until then.
    Held(Timestamp),
    /// It has ended and nothing is left to send.
    Ended(Reason),
}

/// A batch that is in the state now, for whoever watches.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Identity, start and end in ms, speaker and score of each.
    pub segments: Vec<(SegmentId, i64, i64, Direction, Score)>,
    /// The readings after it.
    pub readings: Readings,
    /// The suggestion it raised.
    pub suggestion: Option<Suggestion>,
}

/// Something to do, in order. What follows a [`Effect::Save`] is done only once the state is written; a send is done only
/// while the lease lasts, and one that fails is left: the state still has it, and the next [`Event::Tick`] repeats it.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write the state, if nobody else did since it was read; otherwise drop it and claim anew.
    Save,
    /// Leave the call alone.
    Leave(Left),
    /// Get the segments that end at or after `from` ms; answer with [`Event::Fetched`].
    Fetch {
        /// In ms.
        from: i64,
        /// Whether this reads from behind the cursor.
        sweep: bool,
    },
    /// Segments that will never be scored: the memory no longer reaches them, or their times make no sense.
    Skipped {
        /// Behind the horizon.
        late: usize,
        /// Ending before they start, or in the far future.
        implausible: usize,
    },
    /// Score these; answer with [`Event::Scored`].
    Score {
        /// In order of their ends.
        segments: Vec<Segment>,
        /// Whether there are more: fetch again without waiting.
        more: bool,
    },
    /// Tell whoever watches.
    Report(Batch),
    /// Send the attributes; answer with [`Event::Patched`].
    Patch {
        /// Which batch they are of.
        revision: u64,
        /// Names and values.
        attributes: Vec<(&'static str, String)>,
    },
    /// Send a suggestion; answer with [`Event::Posted`] or [`Event::Refused`].
    Post(Suggestion),
}
