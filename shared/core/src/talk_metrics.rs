//! Talk metrics: who talked how long, how fast, over whom, and how long nobody did. One definition for page, report, API and rules.
//!
//! A and C are the unions of the agent's and of the customer's intervals; D is the time from the start of the conversation to the end
//! of the last word.
//!
//! | figure | definition |
//! |---|---|
//! | talk time | the length of A ∪ C, and of A and C alone; each also as a share of D |
//! | non-talk | the gaps of A ∪ C, without time on hold, that are longer than 3 s: length, number, longest |
//! | interruption by X | X starts while Y speaks, Y goes on for at least 1 s and the overlap is at least that long; utterances of at most two words are left out |
//! | talk speed | words per minute of the speaker's own talk time |
//! | quarters | the same lengths in four equal parts of D |
//! | reply gap | from the end of what the other one said to the start of the reply: median and 90th percentile |
//!
//! ```
//! use insights_core::live::Speaker;
//! use insights_core::talk_metrics::{TalkMetrics, TalkSettings, Turn};
//!
//! let turns = [
//!     Turn { speaker: Speaker::Agent, start: 0, end: 6000, words: 15 },
//!     Turn { speaker: Speaker::Customer, start: 16_000, end: 20_000, words: 8 },
//! ];
//! let metrics = TalkMetrics::from_turns(&turns, &[], None, TalkSettings::default()).unwrap();
//! assert_eq!((metrics.agent.talk_share, metrics.customer.talk_share), (0.3, 0.2));
//! assert_eq!((metrics.non_talk.instances, metrics.non_talk.longest_seconds), (1, 10.0));
//! assert_eq!(metrics.agent.words_per_minute, Some(150.0));
//! ```

use serde::{Deserialize, Serialize};

use crate::live::Speaker;
use crate::scale::{round_seconds, round_share, round_to};

/// What one speaker said without a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// The speaker of the turn.
    pub speaker: Speaker,
    /// The time at which the turn began, in milliseconds.
    pub start: i64,
    /// The time at which the turn ended, in milliseconds.
    pub end: i64,
    /// The number of words.
    pub words: usize,
}

/// The limits in the definitions of the figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TalkSettings {
    /// The length that a pause must exceed to be non-talk time, in milliseconds; 3000 by default.
    pub pause_ms: i64,
    /// The shortest overlap of an interruption, in milliseconds; 1000 by default.
    pub overlap_ms: i64,
    /// The largest number of words of a backchannel, which interrupts nobody; 2 by default.
    pub backchannel_words: usize,
}

impl Default for TalkSettings {
    fn default() -> Self {
        Self {
            pause_ms: 3000,
            overlap_ms: 1000,
            backchannel_words: 2,
        }
    }
}

/// The talk metrics of a conversation. Times are seconds with one decimal, shares have three decimals.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct TalkMetrics {
    /// The time from the start of the conversation to the end of the last word.
    pub duration_seconds: f64,
    /// The time in which somebody talked.
    pub talk_seconds: f64,
    /// The same time as a share of the duration.
    pub talk_share: f64,
    /// The figures of the agent.
    pub agent: SpeakerMetrics,
    /// The figures of the customer.
    pub customer: SpeakerMetrics,
    /// The pauses in which nobody talked, without time on hold.
    pub non_talk: PauseMetrics,
    /// The times on hold.
    pub hold: PauseMetrics,
    /// The figures of four equal parts of the duration.
    pub quarters: [QuarterMetrics; 4],
}

/// The talk metrics of one speaker.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct SpeakerMetrics {
    /// The time in which the speaker talked.
    pub talk_seconds: f64,
    /// The same time as a share of the duration.
    pub talk_share: f64,
    /// The number of words per minute of the speaker's own talk time, one decimal, if the speaker talked.
    pub words_per_minute: Option<f64>,
    /// The number of times that the speaker interrupted the other one.
    pub interruptions: usize,
    /// The time that the speaker took to reply, if the speaker ever did.
    pub reply_gap: Option<ReplyGap>,
}

/// The time between the end of what one says and the start of the other one's reply.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ReplyGap {
    /// The median of the gaps.
    pub median_seconds: f64,
    /// The gap that nine of ten replies do not exceed.
    pub p90_seconds: f64,
}

/// The pauses of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct PauseMetrics {
    /// The length of all pauses together.
    pub seconds: f64,
    /// The same length as a share of the duration.
    pub share: f64,
    /// The number of pauses.
    pub instances: usize,
    /// The length of the longest pause.
    pub longest_seconds: f64,
}

/// The talk times of one quarter of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct QuarterMetrics {
    /// The time in which the agent talked.
    pub agent_seconds: f64,
    /// The time in which the customer talked.
    pub customer_seconds: f64,
    /// The time in which nobody talked.
    pub quiet_seconds: f64,
}

impl TalkMetrics {
    /// Computes the metrics from turns in any order; `None` if nobody talked for any time. Without a `start` the conversation starts
    /// with its first word.
    #[must_use]
    pub fn from_turns(
        turns: &[Turn],
        holds: &[(i64, i64)],
        start: Option<i64>,
        settings: TalkSettings,
    ) -> Option<Self> {
        let mut turns: Vec<Turn> = turns
            .iter()
            .filter(|turn| turn.end > turn.start)
            .copied()
            .collect();
        turns.sort_by_key(|turn| (turn.start, turn.end, turn.speaker));
        turns.dedup();
        let first = turns.first()?.start;
        let start = start.map_or(first, |start| start.min(first));
        let end = turns.iter().map(|turn| turn.end).max()?;
        let duration = end - start;
        let share = |length: i64| round_share(length as f64 / duration as f64);
        let union_of = |speaker: Option<Speaker>| {
            let own = turns
                .iter()
                .filter(|turn| speaker.is_none_or(|speaker| speaker == turn.speaker));
            union(own.map(|turn| (turn.start, turn.end)))
        };
        let (agent, customer) = (
            union_of(Some(Speaker::Agent)),
            union_of(Some(Speaker::Customer)),
        );
        let both = union_of(None);
        let of_speaker = |speaker, own: &[(i64, i64)], other: &[(i64, i64)]| {
            let talked = length(own);
            let words: usize = turns
                .iter()
                .filter(|turn| turn.speaker == speaker)
                .map(|turn| turn.words)
                .sum();
            SpeakerMetrics {
                talk_seconds: seconds(talked),
                talk_share: share(talked),
                words_per_minute: (talked > 0)
                    .then(|| round_to(words as f64 * 60_000.0 / talked as f64, 1)),
                interruptions: count_interruptions(&turns, speaker, other, settings),
                reply_gap: reply_gap(&turns, speaker),
            }
        };
        let holds = union(
            holds
                .iter()
                .map(|(from, to)| ((*from).max(start), (*to).min(end))),
        );
        let busy = union(both.iter().chain(&holds).copied());
        let pauses: Vec<i64> = gaps(&busy, start, end)
            .into_iter()
            .map(|(from, to)| to - from)
            .filter(|pause| *pause > settings.pause_ms)
            .collect();
        let held: Vec<i64> = holds.iter().map(|(from, to)| to - from).collect();
        let pause_metrics = |lengths: &[i64]| PauseMetrics {
            seconds: seconds(lengths.iter().sum()),
            share: share(lengths.iter().sum()),
            instances: lengths.len(),
            longest_seconds: seconds(lengths.iter().copied().max().unwrap_or(0)),
        };
        let quarter = |number: i64| {
            let from = start + duration * number / 4;
            let to = start + duration * (number + 1) / 4;
            QuarterMetrics {
                agent_seconds: seconds(length_within(&agent, from, to)),
                customer_seconds: seconds(length_within(&customer, from, to)),
                quiet_seconds: seconds(to - from - length_within(&both, from, to)),
            }
        };
        Some(Self {
            duration_seconds: seconds(duration),
            talk_seconds: seconds(length(&both)),
            talk_share: share(length(&both)),
            agent: of_speaker(Speaker::Agent, &agent, &customer),
            customer: of_speaker(Speaker::Customer, &customer, &agent),
            non_talk: pause_metrics(&pauses),
            hold: pause_metrics(&held),
            quarters: [quarter(0), quarter(1), quarter(2), quarter(3)],
        })
    }
}

fn seconds(milliseconds: i64) -> f64 {
    round_seconds(milliseconds as f64 / 1000.0)
}

/// Joins intervals that touch or overlap.
fn union(intervals: impl Iterator<Item = (i64, i64)>) -> Vec<(i64, i64)> {
    let mut sorted: Vec<(i64, i64)> = intervals.filter(|(from, to)| from < to).collect();
    sorted.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::with_capacity(sorted.len());
    for (from, to) in sorted {
        match joined.last_mut() {
            Some((_, end)) if from <= *end => *end = (*end).max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

fn length(intervals: &[(i64, i64)]) -> i64 {
    intervals.iter().map(|(from, to)| to - from).sum()
}

fn length_within(intervals: &[(i64, i64)], from: i64, to: i64) -> i64 {
    intervals
        .iter()
        .map(|(start, end)| ((*end).min(to) - (*start).max(from)).max(0))
        .sum()
}

/// Returns the times between joined intervals.
fn gaps(joined: &[(i64, i64)], start: i64, end: i64) -> Vec<(i64, i64)> {
    let mut gaps = Vec::new();
    let mut quiet_since = start;
    for (from, to) in joined {
        if *from > quiet_since {
            gaps.push((quiet_since, *from));
        }
        quiet_since = quiet_since.max(*to);
    }
    if end > quiet_since {
        gaps.push((quiet_since, end));
    }
    gaps
}

fn count_interruptions(
    turns: &[Turn],
    speaker: Speaker,
    other: &[(i64, i64)],
    settings: TalkSettings,
) -> usize {
    let goes_on_itself = |start: i64| {
        turns
            .iter()
            .any(|turn| turn.speaker == speaker && turn.start < start && turn.end >= start)
    };
    turns
        .iter()
        .filter(|turn| turn.speaker == speaker && turn.words > settings.backchannel_words)
        .filter(|turn| !goes_on_itself(turn.start))
        .filter(|turn| {
            other.iter().any(|(from, to)| {
                *from < turn.start
                    && *to - turn.start >= settings.overlap_ms
                    && turn.end.min(*to) - turn.start >= settings.overlap_ms
            })
        })
        .count()
}

fn reply_gap(turns: &[Turn], speaker: Speaker) -> Option<ReplyGap> {
    let mut gaps: Vec<i64> = turns
        .windows(2)
        .filter(|pair| pair[0].speaker != speaker && pair[1].speaker == speaker)
        .map(|pair| (pair[1].start - pair[0].end).max(0))
        .collect();
    gaps.sort_unstable();
    let middle = gaps.len() / 2;
    let median = match gaps.len() {
        0 => return None,
        count if count % 2 == 0 => (gaps[middle - 1] + gaps[middle]) as f64 / 2.0,
        _ => gaps[middle] as f64,
    };
    let rank = (gaps.len() * 9).div_ceil(10);
    Some(ReplyGap {
        median_seconds: round_seconds(median / 1000.0),
        p90_seconds: seconds(gaps[rank.max(1) - 1]),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn turn(speaker: Speaker, start: i64, end: i64, words: usize) -> Turn {
        Turn {
            speaker,
            start,
            end,
            words,
        }
    }

    fn metrics(turns: &[Turn]) -> TalkMetrics {
        TalkMetrics::from_turns(turns, &[], None, TalkSettings::default()).unwrap()
    }

    #[test]
    fn an_interruption_needs_an_overlap_and_more_than_a_backchannel() {
        use Speaker::{Agent, Customer};
        let spoken = |start, end, words| {
            metrics(&[
                turn(Customer, 0, 10_000, 25),
                turn(Agent, start, end, words),
            ])
            .agent
            .interruptions
        };
        assert_eq!(spoken(5000, 8000, 5), 1);
        assert_eq!(spoken(5000, 8000, 2), 0, "a backchannel");
        assert_eq!(spoken(5000, 5900, 5), 0, "too short");
        assert_eq!(spoken(9500, 14_000, 5), 0, "the customer was nearly done");
        assert_eq!(spoken(10_000, 14_000, 5), 0, "a reply");
    }

    #[test]
    fn time_on_hold_is_no_silence() {
        let turns = [
            turn(Speaker::Agent, 0, 2000, 5),
            turn(Speaker::Agent, 32_000, 34_000, 5),
        ];
        let with_hold =
            TalkMetrics::from_turns(&turns, &[(4000, 30_000)], None, TalkSettings::default())
                .unwrap();
        assert_eq!(with_hold.non_talk.instances, 0);
        assert_eq!(
            (with_hold.hold.instances, with_hold.hold.seconds),
            (1, 26.0)
        );
        assert_eq!(metrics(&turns).non_talk.longest_seconds, 30.0);
    }

    #[test]
    fn reply_gaps_have_a_median_and_a_90th_percentile() {
        let mut turns = Vec::new();
        for reply in 0..10 {
            let start = reply * 20_000;
            turns.push(turn(Speaker::Customer, start, start + 1000, 3));
            let gap = (reply + 1) * 1000;
            turns.push(turn(
                Speaker::Agent,
                start + 1000 + gap,
                start + 2000 + gap,
                3,
            ));
        }
        let gap = metrics(&turns).agent.reply_gap.unwrap();
        assert_eq!((gap.median_seconds, gap.p90_seconds), (5.5, 9.0));
    }

    #[test]
    fn nobody_who_talked_gives_no_metrics() {
        assert_eq!(
            TalkMetrics::from_turns(&[], &[], Some(0), TalkSettings::default()),
            None
        );
    }

    proptest! {
        #[test]
        fn shares_and_order_are_consistent(
            spoken in prop::collection::vec((any::<bool>(), 0_i64..100_000, 1_i64..20_000, 0_usize..30), 1..30),
            seed in any::<usize>(),
        ) {
            let mut turns: Vec<Turn> = spoken
                .iter()
                .map(|(is_agent, start, length, words)| {
                    let speaker = if *is_agent { Speaker::Agent } else { Speaker::Customer };
                    turn(speaker, *start, start + length, *words)
                })
                .collect();
            let one = metrics(&turns);
            let at = seed % turns.len();
            turns.rotate_left(at);
            prop_assert_eq!(one, metrics(&turns));
            prop_assert!(one.talk_share <= 1.0 && one.agent.talk_share <= one.talk_share + 1e-9);
            prop_assert!(one.non_talk.share + one.talk_share <= 1.002);
            let quarters: f64 = one.quarters.iter().map(|quarter| quarter.agent_seconds).sum();
            prop_assert!((quarters - one.agent.talk_seconds).abs() < 0.5);
        }
    }
}
