//! Merging of stored messages, the transcript and the previous archive into one archive.
//!
//! The result is the union of the three sources by message identity. Merging is therefore repeatable: merging again, or
//! with more messages, neither duplicates nor loses a message, and two sessions that archive the same conversation produce
//! the same lines.

use std::collections::HashMap;

use super::archive::{ArchiveLine, Gap, Source};
use super::message::{Identity, Message};
use super::stored_message::{StoredMessage, Via};

/// Difference between the timestamp that the contact center gives an outbound message and the timestamp with which the
/// session sent the message, in milliseconds.
const RESTAMP_RANGE_MS: std::ops::RangeInclusive<i64> = -5_000..=60_000;

/// Merges all sources of a conversation into the lines of its archive.
///
/// `archived` holds the lines of the previous archive, `stored` the messages that sessions stored, `transcript` the whole
/// transcript or `None` if the conversation has none, and `outages` the periods in which the stream was down.
///
/// The lines are in order of time. Messages of one millisecond are in the order of the transcript, then in the order of the
/// previous archive, then by arrival. Without a transcript, each outage is marked as a gap at the first message after the
/// start of the outage.
#[must_use]
pub fn merge(
    archived: Vec<ArchiveLine>,
    stored: Vec<StoredMessage>,
    transcript: Option<Vec<Message>>,
    outages: &[Gap],
) -> Vec<ArchiveLine> {
    let has_transcript = transcript.is_some();
    let mut union = Union::default();
    for line in archived {
        union.add_archived(line);
    }
    for message in stored {
        union.add_stored(message);
    }
    for (index, message) in transcript.into_iter().flatten().enumerate() {
        union.add_transcript(message, index);
    }
    let mut lines = union.into_lines();
    if !has_transcript {
        mark_gaps(&mut lines, outages);
    }
    lines
}

/// The order of a line among the lines of the same millisecond. The fields are compared from first to last; a source that
/// does not hold the message has the largest value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SortPosition {
    in_transcript: usize,
    in_archive: usize,
    arrival: u64,
}

impl SortPosition {
    const UNKNOWN: Self = Self {
        in_transcript: usize::MAX,
        in_archive: usize::MAX,
        arrival: u64::MAX,
    };
}

/// The union of all sources by message identity.

#[derive(Default)]
struct Union {
    lines: HashMap<Identity, (ArchiveLine, SortPosition)>,
    archived_count: usize,
}

impl Union {
    fn add_archived(&mut self, line: ArchiveLine) {
        let position = SortPosition {
            in_archive: self.archived_count,
            ..SortPosition::UNKNOWN
        };
        self.archived_count += 1;
        self.lines
            .entry(line.message.identity())
            .or_insert((line, position));
    }

    fn add_stored(&mut self, stored: StoredMessage) {
        let source = match stored.via {
            Via::Stream => Source::Stream,
            Via::Recovered => Source::Transcript,
            Via::Outbound => Source::Outbound,
        };
        let identity = stored.message.identity();
        let (line, position) = self.lines.entry(identity).or_insert_with(|| {
            (
                ArchiveLine::new(stored.message, source),
                SortPosition::UNKNOWN,
            )
        });
        line.source = combine_sources(line.source, source);
        line.latency_ms = line.latency_ms.or(stored.latency_ms);
        line.model_sentiment = line.model_sentiment.or(stored.model_sentiment);
        line.signals = line.signals.union(stored.signals);
        line.language = line.language.take().or(stored.language);
        position.arrival = position.arrival.min(stored.arrival);
    }

    fn add_transcript(&mut self, message: Message, index: usize) {
        let entry = self.lines.entry(message.identity());
        let (line, position) = entry.or_insert_with(|| {
            (
                ArchiveLine::new(message, Source::Transcript),
                SortPosition::UNKNOWN,
            )
        });
        line.source = combine_sources(line.source, Source::Transcript);
        position.in_transcript = position.in_transcript.min(index);
    }

    fn into_lines(self) -> Vec<ArchiveLine> {
        let mut lines: Vec<(ArchiveLine, SortPosition)> = self.lines.into_values().collect();
        lines.sort_by_cached_key(|(line, position)| {
            (
                line.message.timestamp_ms,
                *position,
                line.message.identity(),
            )
        });
        let mut lines: Vec<ArchiveLine> = lines.into_iter().map(|(line, _)| line).collect();
        drop_restamped_copies(&mut lines);
        lines
    }
}

/// Returns the source of a message that two sources hold.
fn combine_sources(one: Source, other: Source) -> Source {
    match (one, other) {
        (Source::Outbound, seen) | (seen, Source::Outbound) => seen,
        (one, other) if one == other => one,
        _ => Source::Both,
    }
}

/// Drops outbound messages that the contact center shows under a timestamp of its own.
///
/// An outbound message is dropped if neither the stream nor the transcript has shown the message, but one of them has shown a
/// message with the same text, the same sender and a timestamp within [`RESTAMP_RANGE_MS`]. Each of these messages accounts
/// for one outbound message.
fn drop_restamped_copies(lines: &mut Vec<ArchiveLine>) {
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
                    && RESTAMP_RANGE_MS
                        .contains(&(other.message.timestamp_ms - own.message.timestamp_ms))
            });
            copy.map(|at| claimed[at] = true).is_none()
        })
        .collect();
    let mut keep = keep.into_iter();
    lines.retain(|_| keep.next().unwrap_or(true));
}

/// Marks each outage as a gap at the first message after its start, or after the last message.
fn mark_gaps(lines: &mut [ArchiveLine], outages: &[Gap]) {
    for outage in outages {
        // The gap is not placed after the end of the outage: a message that was sent during the outage and received later
        // ends the period in which messages may be missing.
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
