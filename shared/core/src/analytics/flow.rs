//! The flow of a conversation: turns, shares of speech, and pauses where the lines have times.

use serde::{Deserialize, Serialize};

use super::transcript::{Line, Speaker};
use crate::outcomes::Stats;
use crate::scale::{round_seconds, round_share};

/// Words per second at the usual rate of English conversation, 150 per minute (National Center for Voice and Speech). The rate
/// estimates how long a line takes to say, because lines carry no end time.
const WORDS_PER_SECOND: f64 = 2.5;

/// The turns and the words of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Flow {
    /// The number of turns: runs of lines by the same speaker.
    pub turns: usize,
    /// The number of words that the agent said.
    pub agent_words: usize,
    /// The number of words that the customer said.
    pub customer_words: usize,
    /// The times of the conversation, unless a line has no time or a time before the line above it.
    pub pace: Option<Pace>,
}

/// The times of a conversation, in seconds with one decimal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// The time from the start of the first line to the start of the last line.
    pub span_seconds: f64,
    /// The longest time between the starts of two consecutive lines.
    pub longest_gap_seconds: f64,
    /// The median time from a customer's line to the agent's line right after it, if the agent ever follows the customer.
    pub agent_response_seconds: Option<f64>,
    /// The estimated share of the span in which nobody talks, 0 to 1 with 3 decimals, if there is a span.
    pub non_talk_share: Option<f64>,
}

impl Flow {
    /// Computes the flow of a conversation from its lines.
    #[must_use]
    pub fn from_lines(lines: &[Line]) -> Self {
        let words = |speaker| {
            lines
                .iter()
                .filter(|line| line.speaker == speaker)
                .map(|line| line.text.split_whitespace().count())
                .sum()
        };
        Self {
            turns: lines.chunk_by(|a, b| a.speaker == b.speaker).count(),
            agent_words: words(Speaker::Agent),
            customer_words: words(Speaker::Customer),
            pace: Pace::from_lines(lines),
        }
    }

    /// Returns the agent's share of all words, 0 to 1, or `None` if nobody said a word.
    #[must_use]
    pub fn agent_share(&self) -> Option<f64> {
        let all = self.agent_words + self.customer_words;
        (all > 0).then(|| round_share(self.agent_words as f64 / all as f64))
    }
}

impl Pace {
    /// Computes the times; `None` unless at least two lines all have times in ascending order.
    fn from_lines(lines: &[Line]) -> Option<Self> {
        let times: Vec<_> = lines.iter().map(|line| line.at).collect::<Option<_>>()?;
        if lines.len() < 2 || !times.is_sorted() {
            return None;
        }
        let gaps: Vec<f64> = times
            .windows(2)
            .map(|pair| pair[1].duration_since(pair[0]).as_secs_f64())
            .collect();
        let span: f64 = gaps.iter().sum();
        let mut responses = Vec::new();
        let mut silence = 0.0;
        for (pair, gap) in lines.windows(2).zip(&gaps) {
            if (pair[0].speaker, pair[1].speaker) == (Speaker::Customer, Speaker::Agent) {
                responses.push(*gap);
            }
            let spoken = pair[0].text.split_whitespace().count() as f64 / WORDS_PER_SECOND;
            silence += (gap - spoken).max(0.0);
        }
        Some(Self {
            span_seconds: round_seconds(span),
            longest_gap_seconds: round_seconds(gaps.iter().copied().fold(0.0, f64::max)),
            agent_response_seconds: Stats::from_values(&responses).median.map(round_seconds),
            non_talk_share: (span > 0.0).then(|| round_share(silence / span)),
        })
    }
}
