//! Merging what the stream brought, what the transcript holds and what was archived before into one archive.
//!
//! A union by identity: merging again, or with more, never doubles and never loses a message, so that two sessions that
//! archive the same conversation come to the same lines.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::archive::{Gap, Line, Source};
use super::message::{Identity, Message};

/// How a stored message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// By the stream.
    Stream,
    /// By the transcript, after the stream had been down.
    Recovered,
    /// It was sent from here.
    Outbound,
}

/// A message as a session stores it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Heard {
    /// The message.
    #[serde(flatten)]
    pub message: Message,
    /// How it came.
    pub via: Via,
    /// Its number by arrival: the order among messages of one millisecond.
    pub arrival: u64,
    /// From send to receive in milliseconds, where it came by stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<i64>,
    /// The model's score in `[0, 1]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_sentiment: Option<f64>,
}

/// How much earlier and later than it was sent the contact centre may have stamped an outbound message, in milliseconds.
const RESTAMP_MS: std::ops::RangeInclusive<i64> = -5_000..=60_000;

/// The archive of a conversation, in order of time; messages of one millisecond in the transcript's order, then by arrival.
///
/// `earlier` is what is archived already, `transcript` the whole transcript or `None` if there is none, `outages` when the
/// stream was down. Without a transcript each outage is marked as a gap at the message behind it.
#[must_use]
pub fn merge(
    earlier: Vec<Line>,
    heard: Vec<Heard>,
    transcript: Option<Vec<Message>>,
    outages: &[Gap],
) -> Vec<Line> {
    let complete = transcript.is_some();
    let mut union = Union::default();
    for line in earlier {
        union.add_archived(line);
    }
    for message in heard {
        union.add_heard(message);
    }
    for (place, message) in transcript.into_iter().flatten().enumerate() {
        union.add_transcript(message, place);
    }
    let mut lines = union.into_lines();
    if !complete {
        mark_gaps(&mut lines, outages);
    }
    lines
}

/// Where a line stands among those of its millisecond: transcript, earlier archive and arrival, in this order.
type Place = (usize, usize, u64);

#[derive(Default)]
struct Union {
    lines: HashMap<Identity, (Line, Place)>,
    archived: usize,
}

impl Union {
    fn add_archived(&mut self, line: Line) {
        let place = (usize::MAX, self.archived, u64::MAX);
        self.archived += 1;
        self.lines
            .entry(line.message.identity())
            .or_insert((line, place));
    }

    fn add_heard(&mut self, heard: Heard) {
        let source = match heard.via {
            Via::Stream => Source::Stream,
            Via::Recovered => Source::Transcript,
            Via::Outbound => Source::Outbound,
        };
        let place = (usize::MAX, usize::MAX, heard.arrival);
        let identity = heard.message.identity();
        let (line, place_now) = self
            .lines
            .entry(identity)
            .or_insert_with(|| (Line::new(heard.message, source), place));
        line.source = both(line.source, source);
        line.latency_ms = line.latency_ms.or(heard.latency_ms);
        line.model_sentiment = line.model_sentiment.or(heard.model_sentiment);
        place_now.2 = place_now.2.min(heard.arrival);
    }

    fn add_transcript(&mut self, message: Message, place: usize) {
        let entry = self.lines.entry(message.identity());
        let (line, place_now) = entry.or_insert_with(|| {
            (
                Line::new(message, Source::Transcript),
                (place, usize::MAX, u64::MAX),
            )
        });
        line.source = both(line.source, Source::Transcript);
        place_now.0 = place_now.0.min(place);
    }

    fn into_lines(self) -> Vec<Line> {
        let mut lines: Vec<(Line, Place)> = self.lines.into_values().collect();
        lines.sort_by_cached_key(|(line, place)| {
            (line.message.timestamp_ms, *place, line.message.identity())
        });
        let mut lines: Vec<Line> = lines.into_iter().map(|(line, _)| line).collect();
        drop_restamped(&mut lines);
        lines
    }
}

/// The source of a message that came in two ways.
fn both(one: Source, other: Source) -> Source {
    match (one, other) {
        (Source::Outbound, seen) | (seen, Source::Outbound) => seen,
        (one, other) if one == other => one,
        _ => Source::Both,
    }
}

/// Drops an outbound message that neither stream nor transcript has shown, if the contact centre shows the same words of
/// the same sender under a time stamp of its own, each of these standing for one.
fn drop_restamped(lines: &mut Vec<Line>) {
    let mut claimed = vec![false; lines.len()];
    let keep: Vec<bool> = lines
        .iter()
        .map(|own| {
            if own.source != Source::Outbound {
                return true;
            }
            let copy = lines.iter().enumerate().position(|(at, other)| {
                !claimed[at]
                    && other.source != Source::Outbound
                    && other.message.from == own.message.from
                    && other.message.text == own.message.text
                    && RESTAMP_MS.contains(&(other.message.timestamp_ms - own.message.timestamp_ms))
            });
            copy.map(|at| claimed[at] = true).is_none()
        })
        .collect();
    let mut keep = keep.into_iter();
    lines.retain(|_| keep.next().unwrap_or(true));
}

fn mark_gaps(lines: &mut [Line], outages: &[Gap]) {
    for outage in outages {
        // Messages sent in the outage and heard later are known; what may be missing ends at the first one behind its start.
        if let Some(line) = lines
            .iter_mut()
            .find(|line| line.message.timestamp_ms > outage.from_ms)
        {
            line.gap_before = Some(line.gap_before.map_or(*outage, |gap| widen(gap, *outage)));
        } else if let Some(last) = lines.last_mut() {
            last.gap_after = Some(last.gap_after.map_or(*outage, |gap| widen(gap, *outage)));
        }
    }
}

fn widen(one: Gap, other: Gap) -> Gap {
    Gap {
        from_ms: one.from_ms.min(other.from_ms),
        to_ms: one.to_ms.max(other.to_ms),
    }
}

#[cfg(test)]
mod tests;
