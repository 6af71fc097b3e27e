//! What was heard in one call: each utterance once, in the order of its time, as far as there is room.

use std::collections::{HashSet, VecDeque};

use insights_core::live::{Segment, Speaker};
use jiff::Timestamp;

use super::frames::Utterance;

/// Largest number of utterances that are kept of a call; a call has some hundred in an hour.
const MAX_UTTERANCES: usize = 2000;

/// Largest number of bytes of text that are kept of a call.
const MAX_TEXT_BYTES: usize = 256 << 10;

/// Largest number of utterances by whose identity a repeat is recognized.
const MAX_IDENTITIES: usize = 4 * MAX_UTTERANCES;

/// What came of an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hearing {
    /// The utterance is new.
    New,
    /// The utterance was heard before.
    Repeated,
}

/// By what an utterance is recognized: its id, else its number and participant, else its time and words.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Identity {
    Event(String),
    Serial(Option<String>, String),
    Words(Option<Timestamp>, String),
}

impl Identity {
    fn of(said: &Utterance) -> Self {
        match (&said.event_id, &said.serial) {
            (Some(id), _) => Self::Event(id.clone()),
            (None, Some(serial)) => Self::Serial(said.participant.clone(), serial.clone()),
            (None, None) => Self::Words(said.at, said.text.clone()),
        }
    }
}

/// An utterance that is kept.
struct Kept {
    segment: Segment,
    /// Whether somebody has read it.
    is_read: bool,
    /// Whether its time is that of its arrival, so that another process gives it another time.
    is_timed_by_arrival: bool,
}

/// What was heard in one call. `Debug` leaves the texts out.
#[derive(Default)]
pub(super) struct HeardUtterances {
    kept: VecDeque<Kept>,
    bytes: usize,
    identities: HashSet<Identity>,
    identity_order: VecDeque<Identity>,
    has_been_read: bool,
    lost: u64,
}

impl std::fmt::Debug for HeardUtterances {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeardUtterances")
            .field("utterances", &self.kept.len())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl HeardUtterances {
    /// Takes an utterance that arrived at `now`.
    pub(super) fn take(&mut self, said: Utterance, speaker: Speaker, now: Timestamp) -> Hearing {
        let identity = Identity::of(&said);
        if !self.identities.insert(identity.clone()) {
            return Hearing::Repeated;
        }
        self.identity_order.push_back(identity);
        if self.identity_order.len() > MAX_IDENTITIES
            && let Some(oldest) = self.identity_order.pop_front()
        {
            self.identities.remove(&oldest);
        }
        // How long it took to say is not known, so that it counts as said at one moment.
        let at = said.at.unwrap_or(now).as_millisecond();
        self.bytes += said.text.len();
        self.kept.push_back(Kept {
            segment: Segment {
                text: said.text,
                start: at,
                end: at,
                speaker,
                is_final: true,
            },
            is_read: false,
            is_timed_by_arrival: said.at.is_none(),
        });
        while self.kept.len() > MAX_UTTERANCES || self.bytes > MAX_TEXT_BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.segment.text.len();
            self.lost += u64::from(!oldest.is_read);
        }
        Hearing::New
    }

    /// Returns whether something was heard that nobody has read.
    pub(super) fn has_unread(&self) -> bool {
        self.kept.iter().any(|kept| !kept.is_read)
    }

    /// Returns what ended at or after `from`, in milliseconds since 1970.
    ///
    /// The first read is that of a process that takes the call over. What it heard before then and timed by arrival is left to the process
    /// that had the call, which gave it another time: read here, it would count twice.
    pub(super) fn read(&mut self, from: i64) -> Vec<Segment> {
        if !std::mem::replace(&mut self.has_been_read, true) {
            let unread = self
                .kept
                .iter()
                .filter(|kept| kept.is_timed_by_arrival && !kept.is_read);
            self.lost += unread.count() as u64;
            self.kept.retain(|kept| !kept.is_timed_by_arrival);
            self.bytes = self.kept.iter().map(|kept| kept.segment.text.len()).sum();
        }
        let mut segments = Vec::new();
        for kept in &mut self.kept {
            if kept.segment.end >= from {
                kept.is_read = true;
                segments.push(kept.segment.clone());
            }
        }
        segments.sort_by_key(|segment| segment.end);
        segments
    }

    /// Notes that another process may have had the call meanwhile: the next read is again the first one.
    pub(super) fn note_takeover(&mut self) {
        self.has_been_read = false;
    }

    /// Returns how many utterances were dropped unread since the last time.
    pub(super) fn take_lost(&mut self) -> u64 {
        std::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn said(id: &str, at: Option<i64>, text: &str) -> Utterance {
        Utterance {
            contact_id: "5".to_owned(),
            event_id: (!id.is_empty()).then(|| id.to_owned()),
            text: text.to_owned(),
            at: at.map(|at| Timestamp::from_millisecond(at).expect("a moment")),
            ..Utterance::default()
        }
    }

    fn take(heard: &mut HeardUtterances, said: Utterance) -> Hearing {
        heard.take(said, Speaker::Customer, NOW)
    }

    fn texts(segments: &[Segment]) -> Vec<&str> {
        segments
            .iter()
            .map(|segment| segment.text.as_str())
            .collect()
    }

    #[test]
    fn each_utterance_is_kept_once_and_read_in_the_order_of_its_time() {
        let mut heard = HeardUtterances::default();
        assert_eq!(take(&mut heard, said("b", Some(2000), "two")), Hearing::New);
        assert_eq!(take(&mut heard, said("a", Some(1000), "one")), Hearing::New);
        assert_eq!(
            take(&mut heard, said("b", Some(2000), "two again")),
            Hearing::Repeated
        );
        assert!(heard.has_unread());
        assert_eq!(texts(&heard.read(0)), ["one", "two"]);
        assert!(!heard.has_unread());
        assert_eq!(texts(&heard.read(1500)), ["two"]);
        assert_eq!(heard.take_lost(), 0);
    }

    #[test]
    fn without_an_id_number_and_participant_or_time_and_words_tell_repeats() {
        let mut heard = HeardUtterances::default();
        let numbered = |participant: &str, serial: &str, text: &str| Utterance {
            participant: Some(participant.to_owned()),
            serial: Some(serial.to_owned()),
            ..said("", Some(1000), text)
        };
        for (said, expected) in [
            (numbered("p-1", "1", "yes"), Hearing::New),
            (numbered("p-2", "1", "yes"), Hearing::New),
            (numbered("p-1", "1", "yes"), Hearing::Repeated),
            (numbered("p-1", "3", "yes"), Hearing::New),
            (said("", Some(1000), "yes"), Hearing::New),
            (said("", Some(1000), "yes"), Hearing::Repeated),
            (said("", Some(1001), "yes"), Hearing::New),
        ] {
            assert_eq!(take(&mut heard, said), expected);
        }
    }

    #[test]
    fn what_finds_no_room_is_counted_unless_it_was_read() {
        let mut heard = HeardUtterances::default();
        for place in 0..MAX_UTTERANCES + 3 {
            take(
                &mut heard,
                said(&format!("e-{place}"), Some(place as i64), "word"),
            );
        }
        assert_eq!(heard.take_lost(), 3);
        assert_eq!(heard.read(0).len(), MAX_UTTERANCES);
        take(&mut heard, said("more", Some(9000), "word"));
        assert_eq!(heard.take_lost(), 0);
        let long = "x".repeat(100 << 10);
        for place in 0..4 {
            take(
                &mut heard,
                said(&format!("long-{place}"), Some(9001 + place), &long),
            );
        }
        assert_eq!(
            heard.take_lost(),
            3,
            "two of four have room, and `more` was never read"
        );
        assert!(heard.bytes <= MAX_TEXT_BYTES);
    }

    #[test]
    fn what_has_no_time_is_timed_by_arrival_once_this_process_reads_the_call() {
        let mut heard = HeardUtterances::default();
        take(&mut heard, said("a", None, "before"));
        take(&mut heard, said("b", Some(1), "timed"));
        assert_eq!(texts(&heard.read(0)), ["timed"]);
        assert_eq!(heard.take_lost(), 1);
        take(&mut heard, said("c", None, "after"));
        assert_eq!(texts(&heard.read(0)), ["after", "timed"]);
        // Another process had the call for a while, and gave the same words another time.
        heard.note_takeover();
        take(&mut heard, said("d", None, "meanwhile"));
        assert_eq!(texts(&heard.read(0)), ["timed"]);
        assert_eq!(heard.take_lost(), 1, "what was read before is not lost");
    }

    #[test]
    fn debug_has_no_text() {
        let mut heard = HeardUtterances::default();
        take(&mut heard, said("a", None, "confidential"));
        assert!(!format!("{heard:?}").contains("confidential"));
    }
}
