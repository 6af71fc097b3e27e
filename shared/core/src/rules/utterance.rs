//! What rules read: utterances with their times, and what else is known of a conversation.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::live::{Segment, SegmentId, Speaker};
use crate::scale::Score;
use crate::signals::Signals;

/// The source of the second at which a word was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The recognizer gave a time for each word.
    WordTimes,
    /// The time of a word is the share of the characters before it in the time of its utterance.
    ShareOfCharacters,
    /// The utterance has one time: a chat message, or a line of a transcript without an end.
    Utterance,
}

/// The time of one word of an utterance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WordTime {
    /// The number of characters of the text before the end of the word.
    pub until_character: usize,
    /// The time at which the word ended, in milliseconds since the epoch.
    pub end: i64,
}

/// One final utterance of a conversation. `Debug` leaves the text out.
#[derive(Clone, PartialEq)]
pub struct Utterance {
    /// The identity of the segment or message.
    pub id: SegmentId,
    /// The speaker of the utterance.
    pub speaker: Speaker,
    /// The time at which the utterance began, in milliseconds since the epoch.
    pub start: i64,
    /// The time at which the utterance ended, in milliseconds since the epoch.
    pub end: i64,
    /// The text as the source has it.
    pub text: String,
    /// The sentiment of the utterance, if it was scored.
    pub score: Option<Score>,
    /// The emotions that a model recognized.
    pub emotions: Vec<String>,
    /// The signals that a model found; phrases find them too.
    pub signals: Signals,
    /// The times of the words in their order; empty where the source has none.
    pub word_times: Vec<WordTime>,
    /// The vector of the text by the embedding model of the rules, where there is one.
    pub embedding: Option<Vec<f32>>,
}

impl std::fmt::Debug for Utterance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Utterance")
            .field("id", &self.id)
            .field("speaker", &self.speaker)
            .field("start", &self.start)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl Utterance {
    /// Creates an utterance without a score.
    #[must_use]
    pub fn new(speaker: Speaker, start: i64, end: i64, text: impl Into<String>) -> Self {
        Self::from(&Segment {
            text: text.into(),
            start,
            end,
            speaker,
            is_final: true,
        })
    }

    /// Returns the same utterance with a sentiment score.
    #[must_use]
    pub fn with_score(mut self, score: Score) -> Self {
        self.score = Some(score);
        self
    }

    /// Returns how the times of words are known.
    #[must_use]
    pub fn time_source(&self) -> TimeSource {
        if !self.word_times.is_empty() {
            TimeSource::WordTimes
        } else if self.end > self.start {
            TimeSource::ShareOfCharacters
        } else {
            TimeSource::Utterance
        }
    }

    /// Returns the time at which the character before `until_character` was said.
    pub(super) fn time_at(&self, until_character: usize) -> i64 {
        let by_word = self
            .word_times
            .iter()
            .find(|word| word.until_character >= until_character);
        if let Some(word) = by_word {
            return word.end.clamp(self.start, self.end.max(self.start));
        }
        let length = self.text.chars().count();
        if length == 0 || self.end <= self.start || !self.word_times.is_empty() {
            return self.end.max(self.start);
        }
        let duration = i128::from(self.end) - i128::from(self.start);
        let share = duration * until_character.min(length) as i128 / length as i128;
        self.start.saturating_add(i64::try_from(share).unwrap_or(0))
    }

    /// Returns the characters of a byte range of the text.
    pub(super) fn characters(&self, bytes: Range<usize>) -> Range<usize> {
        let count = |until: usize| {
            self.text
                .get(..until)
                .map_or(0, |part| part.chars().count())
        };
        count(bytes.start)..count(bytes.end)
    }
}

impl From<&Segment> for Utterance {
    fn from(segment: &Segment) -> Self {
        Self {
            id: segment.id(),
            speaker: segment.speaker,
            // A segment that ends before it starts has no length.
            start: segment.start.min(segment.end),
            end: segment.end,
            text: segment.text.clone(),
            score: None,
            emotions: Vec::new(),
            signals: Signals::NONE,
            word_times: Vec::new(),
            embedding: None,
        }
    }
}

/// Returns the part of a text between two character offsets; the part is empty where the text is shorter.
#[must_use]
pub fn quote(text: &str, characters: Range<usize>) -> &str {
    let byte = |at: usize| {
        text.char_indices()
            .nth(at)
            .map_or(text.len(), |(byte, _)| byte)
    };
    let (start, end) = (byte(characters.start), byte(characters.end));
    text.get(start..end.max(start)).unwrap_or_default()
}

/// What is known of a conversation beside its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationFacts {
    /// The start of the conversation in milliseconds since the epoch; `None` is the start of the first utterance.
    pub start: Option<i64>,
    /// The end of the conversation in milliseconds since the epoch; `None` is the end of the last utterance.
    pub end: Option<i64>,
    /// The skill or queue of the conversation, if it is known.
    pub skill: Option<String>,
    /// The attributes of the conversation that are known; `None` where no source of attributes exists.
    pub attributes: Option<BTreeMap<String, String>>,
    /// Whether a source tells when the conversation was on hold.
    pub knows_holds: bool,
}

/// A whole conversation, as rules read it after its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dialogue {
    /// What is known beside the words.
    pub facts: ConversationFacts,
    /// The utterances in any order; a repeated utterance counts once.
    pub utterances: Vec<Utterance>,
    /// The times in which words may be missing, in milliseconds since the epoch.
    pub gaps: Vec<(i64, i64)>,
    /// The times on hold, in milliseconds since the epoch.
    pub holds: Vec<(i64, i64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_without_a_time_of_its_own_is_said_at_its_share_of_the_characters() {
        let utterance = Utterance::new(Speaker::Agent, 1000, 2000, "0123456789");
        assert_eq!(utterance.time_at(5), 1500);
        assert_eq!(utterance.time_at(99), 2000);
        assert_eq!(utterance.time_source(), TimeSource::ShareOfCharacters);
        let message = Utterance::new(Speaker::Customer, 1000, 1000, "hi");
        assert_eq!(
            (message.time_at(1), message.time_source()),
            (1000, TimeSource::Utterance)
        );
    }

    #[test]
    fn word_times_are_used_where_the_source_has_them() {
        let mut utterance = Utterance::new(Speaker::Agent, 1000, 2000, "one two");
        utterance.word_times = vec![
            WordTime {
                until_character: 3,
                end: 1100,
            },
            WordTime {
                until_character: 7,
                end: 1900,
            },
        ];
        assert_eq!(utterance.time_at(3), 1100);
        assert_eq!(utterance.time_at(7), 1900);
        assert_eq!(utterance.time_source(), TimeSource::WordTimes);
    }

    #[test]
    fn quotes_are_counted_in_characters() {
        assert_eq!(quote("naïve café", 6..10), "café");
        assert_eq!(quote("ab", 1..9), "b");
        assert_eq!(quote("ab", 5..9), "");
    }

    #[test]
    fn a_debug_print_holds_no_words_of_the_conversation() {
        let shown = format!(
            "{:?}",
            Utterance::new(Speaker::Agent, 0, 1, "my card is 4111")
        );
        assert!(!shown.contains("card"), "{shown}");
    }
}
