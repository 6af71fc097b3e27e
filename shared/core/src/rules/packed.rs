//! The stored form of live rules: facts packed as base64, because the state of a live call is written every few seconds.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};

use super::decide::RuleProgress;
use super::facts::{Facts, Spoken};
use super::live_rules::LiveRules;
use super::scanner::Occurrence;
use super::utterance::TimeSource;
use crate::live::{SegmentId, Speaker};

/// Size of a packed occurrence: time 4 bytes, segment 8, atom 2, offsets 2 and 2, speaker 1.
const OCCURRENCE_BYTES: usize = 19;
/// Size of a packed utterance: end 4 bytes, length 4, score and speaker 2, tag 2.
const SPOKEN_BYTES: usize = 12;
/// The top bit of the two score bytes says that the agent spoke.
const AGENT_BIT: u16 = 1 << 15;
/// The score of an utterance that has none.
const NO_SCORE: u16 = AGENT_BIT - 1;

/// The stored form of [`LiveRules`].
#[derive(Serialize, Deserialize)]
pub(super) struct PackedRules {
    #[serde(rename = "v")]
    version: String,
    /// The start of the conversation, from which packed times count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<i64>,
    #[serde(default, rename = "until", skip_serializing_if = "Option::is_none")]
    decided_until: Option<i64>,
    #[serde(default, rename = "end", skip_serializing_if = "Option::is_none")]
    last_end: Option<i64>,
    /// The earliest fact since the last decision.
    #[serde(default, rename = "changed", skip_serializing_if = "Option::is_none")]
    changed_from: Option<i64>,
    #[serde(default, rename = "moments", skip_serializing_if = "String::is_empty")]
    occurrences: String,
    #[serde(default, rename = "turns", skip_serializing_if = "String::is_empty")]
    spoken: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    gaps: Vec<(i64, i64)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    forgotten: Vec<(usize, i64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spoken_forgotten: Option<i64>,
    #[serde(default, rename = "times", skip_serializing_if = "Option::is_none")]
    time_source: Option<TimeSource>,
    /// Of each rule: id, hits, time and figure of the last hit, whether it may hit again, whether it was unknown.
    #[serde(default, rename = "rules", skip_serializing_if = "Vec::is_empty")]
    progress: Vec<(String, u32, i64, f64, bool, bool)>,
}

/// The reason why stored rules cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the packed facts of the rules have a wrong form")]
pub struct InvalidPackedRules;

impl From<LiveRules> for PackedRules {
    fn from(rules: LiveRules) -> Self {
        let LiveRules {
            version,
            facts,
            decided_until,
            progress,
            last_end,
            changed_from,
            ..
        } = rules;
        let base = facts.start.unwrap_or(0);
        let relative = |time: i64| {
            let offset = time.saturating_sub(base);
            i32::try_from(offset).unwrap_or(if offset < 0 { i32::MIN } else { i32::MAX })
        };
        let mut occurrences = Vec::with_capacity(facts.occurrences.len() * OCCURRENCE_BYTES);
        for occurrence in &facts.occurrences {
            occurrences.extend(relative(occurrence.at).to_be_bytes());
            occurrences.extend(occurrence.segment.0.to_be_bytes());
            let atom = u16::try_from(occurrence.atom).unwrap_or(u16::MAX);
            occurrences.extend(atom.to_be_bytes());
            occurrences.extend(occurrence.from.to_be_bytes());
            occurrences.extend(occurrence.to.to_be_bytes());
            occurrences.push(u8::from(occurrence.speaker == Speaker::Agent));
        }
        let mut spoken = Vec::with_capacity(facts.spoken.len() * SPOKEN_BYTES);
        for interval in &facts.spoken {
            spoken.extend(relative(interval.end).to_be_bytes());
            let length = interval.end.saturating_sub(interval.start);
            spoken.extend(u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
            let side = if interval.speaker == Speaker::Agent {
                AGENT_BIT
            } else {
                0
            };
            let score = interval.score.unwrap_or(NO_SCORE);
            spoken.extend((score | side).to_be_bytes());
            spoken.extend(interval.tag.to_be_bytes());
        }
        Self {
            version,
            start: facts.start,
            decided_until,
            last_end,
            changed_from,
            occurrences: BASE64.encode(occurrences),
            spoken: BASE64.encode(spoken),
            gaps: facts.gaps,
            forgotten: facts.forgotten,
            spoken_forgotten: facts.spoken_forgotten,
            time_source: facts.time_source,
            progress: progress
                .into_iter()
                .map(|(id, it)| {
                    let RuleProgress {
                        hits,
                        last_hit_at,
                        last_figure,
                        has_rearmed,
                        was_unknown,
                    } = it;
                    (id, hits, last_hit_at, last_figure, has_rearmed, was_unknown)
                })
                .collect(),
        }
    }
}

impl TryFrom<PackedRules> for LiveRules {
    type Error = InvalidPackedRules;

    fn try_from(packed: PackedRules) -> Result<Self, InvalidPackedRules> {
        let base = packed.start.unwrap_or(0);
        let unpack = |text: &str, size: usize| {
            let bytes = BASE64.decode(text).map_err(|_| InvalidPackedRules)?;
            if bytes.len().is_multiple_of(size) {
                Ok(bytes)
            } else {
                Err(InvalidPackedRules)
            }
        };
        let mut facts = Facts {
            start: packed.start,
            gaps: packed.gaps,
            forgotten: packed.forgotten,
            spoken_forgotten: packed.spoken_forgotten,
            time_source: packed.time_source,
            ..Facts::default()
        };
        let occurrences = unpack(&packed.occurrences, OCCURRENCE_BYTES)?;
        for bytes in occurrences.chunks_exact(OCCURRENCE_BYTES) {
            let mut bytes = PackedBytes(bytes);
            facts.add_occurrence(Occurrence {
                at: base.saturating_add(i64::from(i32::from_be_bytes(bytes.take()))),
                segment: SegmentId(u64::from_be_bytes(bytes.take())),
                atom: usize::from(u16::from_be_bytes(bytes.take())),
                from: u16::from_be_bytes(bytes.take()),
                to: u16::from_be_bytes(bytes.take()),
                speaker: match bytes.take() {
                    [0] => Speaker::Customer,
                    _ => Speaker::Agent,
                },
            });
        }
        let spoken = unpack(&packed.spoken, SPOKEN_BYTES)?;
        for bytes in spoken.chunks_exact(SPOKEN_BYTES) {
            let mut bytes = PackedBytes(bytes);
            let end = base.saturating_add(i64::from(i32::from_be_bytes(bytes.take())));
            let length = i64::from(u32::from_be_bytes(bytes.take()));
            let score = u16::from_be_bytes(bytes.take());
            facts.add_spoken(Spoken {
                end,
                start: end.saturating_sub(length),
                speaker: if score & AGENT_BIT == 0 {
                    Speaker::Customer
                } else {
                    Speaker::Agent
                },
                score: Some(score & !AGENT_BIT).filter(|score| *score != NO_SCORE),
                tag: u16::from_be_bytes(bytes.take()),
            });
        }
        let progress = packed
            .progress
            .into_iter()
            .map(
                |(id, hits, last_hit_at, last_figure, has_rearmed, was_unknown)| {
                    let progress = RuleProgress {
                        hits,
                        last_hit_at,
                        last_figure,
                        has_rearmed,
                        was_unknown,
                    };
                    (id, progress)
                },
            )
            .collect();
        Ok(Self {
            version: packed.version,
            facts,
            decided_until: packed.decided_until,
            progress,
            last_end: packed.last_end,
            changed_from: packed.changed_from,
            ..Self::default()
        })
    }
}

/// Bytes that are taken from the front; what is missing is zero.
struct PackedBytes<'a>(&'a [u8]);

impl PackedBytes<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut bytes = [0; N];
        bytes[..taken.len()].copy_from_slice(taken);
        bytes
    }
}
