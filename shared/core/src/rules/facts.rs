//! The facts of a conversation that rules are answered from: moments, spoken intervals, gaps. They hold no words.

use super::condition::AtomId;
use super::scanner::Occurrence;
use super::utterance::{ConversationFacts, TimeSource};
use crate::live::Speaker;

/// An utterance without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spoken {
    pub(super) end: i64,
    pub(super) start: i64,
    pub(super) speaker: Speaker,
    /// A digest of the identity, which tells utterances of the same speaker and time apart, such as two chat messages of one
    /// millisecond.
    pub(super) tag: u16,
    /// The score in ten-thousandths, if the utterance has one.
    pub(super) score: Option<u16>,
}

/// The facts of a conversation in order of time, each once.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Facts {
    pub(super) start: Option<i64>,
    pub(super) conversation: ConversationFacts,
    pub(super) occurrences: Vec<Occurrence>,
    pub(super) spoken: Vec<Spoken>,
    pub(super) gaps: Vec<(i64, i64)>,
    pub(super) holds: Vec<(i64, i64)>,
    /// Until when occurrences of an atom were forgotten, because there were too many.
    pub(super) forgotten: Vec<(AtomId, i64)>,
    /// Until when spoken intervals were forgotten, because there were too many.
    pub(super) spoken_forgotten: Option<i64>,
    pub(super) time_source: Option<TimeSource>,
    /// Whether an utterance has no vector, so that nobody knows what it is like.
    pub(super) lacks_vectors: bool,
}

impl Facts {
    /// Adds an occurrence, and returns whether it was new.
    pub(super) fn add_occurrence(&mut self, occurrence: Occurrence) -> bool {
        match self.occurrences.binary_search(&occurrence) {
            Ok(_) => false,
            Err(at) => {
                self.occurrences.insert(at, occurrence);
                true
            }
        }
    }

    /// Adds a spoken interval, and returns whether it was new. The same utterance with another score is a repeat.
    pub(super) fn add_spoken(&mut self, spoken: Spoken) -> bool {
        let key = |spoken: &Spoken| (spoken.end, spoken.start, spoken.speaker, spoken.tag);
        match self.spoken.binary_search_by_key(&key(&spoken), key) {
            Ok(at) => {
                // Of a repeat with a score and one without, whichever came first, the score counts; of two, the smaller one.
                let known = &mut self.spoken[at].score;
                let merged = match (*known, spoken.score) {
                    (Some(one), Some(other)) => Some(one.min(other)),
                    (one, other) => one.or(other),
                };
                let is_new = *known != merged;
                *known = merged;
                is_new
            }
            Err(at) => {
                self.spoken.insert(at, spoken);
                true
            }
        }
    }

    /// Adds a time in which words may be missing; times that touch become one.
    pub(super) fn add_gap(&mut self, from: i64, to: i64) {
        merge_interval(&mut self.gaps, from.min(to), from.max(to));
    }

    /// Notes how the times of words are known; the least exact source is named.
    pub(super) fn note_time_source(&mut self, source: TimeSource) {
        let rank = |source| match source {
            TimeSource::WordTimes => 0,
            TimeSource::ShareOfCharacters => 1,
            TimeSource::Utterance => 2,
        };
        if self
            .time_source
            .is_none_or(|known| rank(source) > rank(known))
        {
            self.time_source = Some(source);
        }
    }

    /// Returns whether words may be missing between two times, both included.
    pub(super) fn has_gap(&self, from: i64, to: i64) -> bool {
        self.gaps
            .iter()
            .any(|(start, end)| *start <= to && *end >= from)
    }

    /// Returns whether occurrences of an atom may be missing between two times.
    pub(super) fn may_lack(&self, atom: AtomId, from: i64, to: i64) -> bool {
        self.has_gap(from, to)
            || self
                .forgotten
                .iter()
                .any(|(of, until)| *of == atom && *until >= from)
    }
}

/// Adds an interval to a sorted list of intervals that do not touch each other.
fn merge_interval(intervals: &mut Vec<(i64, i64)>, from: i64, to: i64) {
    let (mut from, mut to) = (from, to);
    intervals.retain(|(start, end)| {
        let touches = *start <= to.saturating_add(1) && *end >= from.saturating_sub(1);
        if touches {
            from = from.min(*start);
            to = to.max(*end);
        }
        !touches
    });
    let at = intervals.partition_point(|(start, _)| *start < from);
    intervals.insert(at, (from, to));
}
