//! How a conversation flows: turns, shares of speech, and pauses where the lines have times.

use serde::{Deserialize, Serialize};

use super::transcript::{Line, Speaker};
use crate::outcomes::Stats;
use crate::scale::{round_seconds, round_share};

/// Words a second at the usual rate of English conversation, 150 a minute (National Center for Voice and Speech); what a
/// line takes to say is estimated with it, as lines carry no end.
const WORDS_PER_SECOND: f64 = 2.5;

/// Turns and speech of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Flow {
    /// Runs of lines by the same speaker.
    pub turns: usize,
    /// Words the agent said.
    pub agent_words: usize,
    /// Words the customer said.
    pub customer_words: usize,
    /// Figures of time; none unless every line has a time and none lies before the line above it.
    pub pace: Option<Pace>,
}

/// Times of a conversation, in seconds with one decimal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// From the first line's start to the last one's.
    pub span_seconds: f64,
    /// The longest time between the starts of two lines in a row.
    pub longest_gap_seconds: f64,
    /// The median time from a customer's line to the agent's next one; none if the agent never follows the customer.
    pub agent_response_seconds: Option<f64>,
    /// The share of the span in which, at 150 words a minute, nobody talks; 0..=1, 3 decimals; none without a span.
    pub non_talk_share: Option<f64>,
}

impl Flow {
    /// The flow of a conversation's lines.
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

    /// The agent's share of all words, 0..=1; none if nobody said one.
    #[must_use]
    pub fn agent_share(&self) -> Option<f64> {
        let all = self.agent_words + self.customer_words;
        (all > 0).then(|| round_share(self.agent_words as f64 / all as f64))
    }
}

impl Pace {
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
