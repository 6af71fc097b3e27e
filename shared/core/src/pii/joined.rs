//! Segments that belong together: speech recognition ends a segment anywhere, also in the middle of a number or a name.
//!
//! A part of a turn is read a second time together with the end of the same speaker's part right before it, with the windows that were open
//! before both. What that finds in the earlier part is a late finding.

use std::ops::Range;

use super::finding::{Finding, PiiKind};
use super::phrases::Cue;
use super::reading::{CueHit, Reading};
use super::speaker::SpeakerRole;
use super::window::Windows;

/// Largest part of an earlier segment that is read again, in bytes.
const MAX_TAIL_BYTES: usize = 160;
/// Largest number of words by which a later segment goes on with a name or a password.
const MAX_WORDS_OF_REST: usize = 3;

/// The end of the last part of the conversation, which the same speaker may go on with.
pub(super) struct Tail {
    pub(super) role: SpeakerRole,
    /// The caller's name of the turn.
    pub(super) turn_id: u64,
    /// The last words of the part.
    text: String,
    /// The place of those words in the turn, in bytes.
    offset: usize,
    /// The windows that were open before the part.
    pub(super) windows: Windows,
    /// The kinds that were answered in the part.
    pub(super) answered: Vec<PiiKind>,
    /// Whether a number of the part was given for something harmless.
    pub(super) gave_harmless: bool,
}

impl Tail {
    /// Keeps the end of a part that lies at an offset in its turn.
    pub(super) fn of(
        role: SpeakerRole,
        turn_id: u64,
        text: &str,
        offset: usize,
        windows: Windows,
    ) -> Self {
        let earliest = text.ceil_char_boundary(text.len().saturating_sub(MAX_TAIL_BYTES));
        // A word is not cut.
        let start = if earliest == 0 {
            0
        } else {
            text[earliest..]
                .find(char::is_whitespace)
                .map_or(text.len(), |blank| earliest + blank)
        };
        Self {
            role,
            turn_id,
            text: text[start..].to_owned(),
            offset: offset + start,
            windows,
            answered: Vec::new(),
            gave_harmless: false,
        }
    }

    /// Returns whether a part of a speaker may go on with this one: nobody else spoke, and no sentence ended.
    pub(super) fn goes_on(&self, role: SpeakerRole, turn_id: u64) -> bool {
        let text = self.text.trim_end();
        self.role == role
            && role != SpeakerRole::Unknown
            && self.turn_id != turn_id
            && !text.is_empty()
            && (!text.ends_with(['.', '?', '!']) || text.ends_with(" St."))
    }

    /// Returns the words with those of the next part behind them, and where those begin.
    pub(super) fn joined_with(&self, text: &str) -> (String, usize) {
        let tail = self.text.trim_end();
        let text = format!("{tail} {}", text.trim_start());
        (text, tail.len() + 1)
    }

    /// Returns the place in its turn of what was found in these words.
    pub(super) fn place_in_turn(&self, range: &Range<usize>) -> Range<usize> {
        let end = range.end.min(self.text.trim_end().len());
        self.offset + range.start..self.offset + end
    }
}

/// Two parts of one speaker as they are read together.
pub(super) struct Joined<'j> {
    pub(super) tail: &'j Tail,
    /// The words of both parts.
    pub(super) text: &'j str,
    pub(super) reading: &'j Reading,
    /// Where the later part begins, in bytes.
    pub(super) begin: usize,
    /// Number of words of the earlier part.
    pub(super) words_before: usize,
}

impl Joined<'_> {
    /// Returns whether a finding is to be believed: that both parts belong together is a guess, and what each says by itself counts more.
    pub(super) fn is_believable(&self, finding: &Finding) -> bool {
        let Self { tail, begin, .. } = *self;
        let is_later = |hit: &&CueHit| hit.tokens.end > self.words_before;
        let mut cues = self.reading.cues.iter().filter(is_later);
        let is_cut_cue = cues.clone().any(|hit| hit.tokens.start < self.words_before);
        let range = &finding.range;
        if range.start < begin && tail.gave_harmless {
            return false;
        }
        if range.end <= begin {
            // "It is 078051123" and then "that is my social security number".
            return cues.any(|hit| matches!(hit.cue, Cue::Names(_)));
        }
        if range.start >= begin && tail.answered.contains(&finding.kind) && !is_cut_cue {
            return false;
        }
        if range.start >= begin || is_cut_cue {
            return true;
        }
        // Whoever said a name and then a whole sentence did not go on with the name.
        let is_short = self.reading.tokens.len() - self.words_before <= MAX_WORDS_OF_REST;
        match finding.kind {
            PiiKind::Name | PiiKind::Password | PiiKind::Address => is_short,
            PiiKind::DateOfBirth | PiiKind::CardExpiry => {
                is_short || !tail.answered.contains(&finding.kind)
            }
            PiiKind::Email => {
                let rest = &self.text[begin..range.end];
                is_short || rest.contains(['.', '@']) || rest.contains(" dot ")
            }
            _ => true,
        }
    }
}
