//! A transcript: the lines that agent and customer said, with their times.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::pii::{RedactionPolicy, SpeakerRole, detect_timed_turns};

/// The speaker of a line; lines of the system are not part of a transcript here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// The agent says the line.
    Agent,
    /// The customer says the line.
    Customer,
}

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The speaker of the line.
    pub speaker: Speaker,
    /// The text as it was written down, because case and punctuation carry sentiment.
    pub text: String,
    /// The time at which the line begins, if the time is known.
    pub at: Option<Timestamp>,
}

/// Joins the texts of lines with a space between them; a line of white space adds nothing.
pub fn join_lines<'a>(lines: impl IntoIterator<Item = &'a Line>) -> String {
    let mut text = String::new();
    for line in lines {
        let said = line.text.trim();
        if said.is_empty() {
            continue;
        }
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(said);
    }
    text
}

/// Masks the personal data in lines, which are read in the order of their times, so that a number that is given in pieces over
/// several lines is masked. Returns the lines in that order and the number of masks.
#[must_use]
pub fn mask_spoken_lines(lines: Vec<Line>, policy: &RedactionPolicy) -> (Vec<Line>, usize) {
    let mut lines = sort_by_time(lines);
    let turns = lines.iter().map(|line| {
        let role = match line.speaker {
            Speaker::Agent => SpeakerRole::Agent,
            Speaker::Customer => SpeakerRole::Customer,
        };
        let at_ms = line.at.map(Timestamp::as_millisecond);
        (role, at_ms, line.text.as_str())
    });
    let found = detect_timed_turns(turns, policy);
    let mut masks = 0;
    for (line, findings) in lines.iter_mut().zip(found) {
        if !findings.is_empty() {
            masks += findings.len();
            line.text = policy.mask_findings(&line.text, &findings).0;
        }
    }
    (lines, masks)
}

/// Sorts lines by their times; lines of the same time keep their order. A line without a time stays behind the line above it.
pub(super) fn sort_by_time(lines: Vec<Line>) -> Vec<Line> {
    let mut latest = None;
    let mut timed: Vec<(Option<Timestamp>, Line)> = lines
        .into_iter()
        .map(|line| {
            latest = line.at.or(latest);
            (latest, line)
        })
        .collect();
    timed.sort_by_key(|(at, _)| *at);
    timed.into_iter().map(|(_, line)| line).collect()
}
