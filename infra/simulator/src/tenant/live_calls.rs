//! The live calls of a scenario as contacts of the tenant. They begin when the simulator starts.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::contact::{Channel, Contact, noise};
use super::people::{AGENTS, SKILLS};
use crate::conversations::{Author, Line};
use crate::live::Call;

/// Number of the first live call.
const FIRST_NUMBER: i64 = 128_000_000_001;
/// Time from the last word of a call to its end.
const AFTER_LAST_WORD: i64 = 2000;

/// Something that is said in a live call.
#[derive(Debug, Clone)]
pub(super) struct Utterance {
    pub(super) start: Timestamp,
    half: Timestamp,
    done: Timestamp,
    pub(super) is_customer: bool,
    pub(super) text: String,
}

impl Utterance {
    /// Returns when the utterance is sent: in its middle for an interim text, after its end for the final one.
    pub(super) fn due(&self, is_final: bool) -> Timestamp {
        if is_final { self.done } else { self.half }
    }
}

/// The live calls of a scenario.
#[derive(Debug)]
pub struct LiveCalls {
    started: Timestamp,
    calls: Vec<Call>,
}

impl LiveCalls {
    /// Returns calls that begin at a time.
    #[must_use]
    pub fn new(calls: Vec<Call>, started: Timestamp) -> Self {
        Self { started, calls }
    }

    /// Returns the calls as contacts, whether they have ended or not.
    pub(super) fn contacts(&self) -> Vec<Arc<Contact>> {
        let calls = self.calls.iter().enumerate();
        calls
            .map(|(place, call)| Arc::new(self.contact(place, call)))
            .collect()
    }

    /// Returns what is said in a call, with its times; nothing for an unknown call.
    pub(super) fn utterances(&self, id: i64) -> Vec<Utterance> {
        let place = usize::try_from(id - FIRST_NUMBER).ok();
        let call = place.and_then(|place| self.calls.get(place));
        let after = |millis: i64| self.started + SignedDuration::from_millis(millis);
        let lines = call.into_iter().flat_map(|call| &call.lines);
        lines
            .map(|line| Utterance {
                start: after(line.at_ms),
                half: after(line.at_ms + line.duration_ms / 2),
                done: after(line.at_ms + line.duration_ms + line.final_after_ms),
                is_customer: line.direction == "customer",
                text: line.text.clone(),
            })
            .collect()
    }

    fn contact(&self, place: usize, call: &Call) -> Contact {
        let id = FIRST_NUMBER + place as i64;
        let noise = noise(0, id);
        let after = |millis: i64| self.started + SignedDuration::from_millis(millis);
        let line = |line: &crate::live::Line| Line {
            author: if line.direction == "customer" {
                Author::Customer
            } else {
                Author::Agent
            },
            text: line.text.clone(),
            timestamp: Some(after(line.at_ms).to_string()),
        };
        let ends = call
            .lines
            .iter()
            .map(|line| line.at_ms + line.duration_ms)
            .max();
        Contact {
            id,
            master_id: id,
            channel: Channel::Call,
            start: self.started,
            end: after(ends.unwrap_or(0) + AFTER_LAST_WORD),
            outcome: "resolved".to_owned(),
            lines: Some(call.lines.iter().map(line).collect()),
            language: "en-us",
            agent: &AGENTS[noise as usize % AGENTS.len()],
            skill: &SKILLS[(noise >> 8) as usize % SKILLS.len()],
            has_segment: true,
            noise,
        }
    }
}
