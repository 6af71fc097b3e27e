//! What the redactor remembers of earlier turns: digits that were said lately, and secrets that may be read back.

use std::collections::VecDeque;
use std::hash::Hasher;
use std::ops::Range;

use rustc_hash::FxHasher;

use super::finding::PiiKind;
use super::late::LateFinding;
use super::numbers::{CARD_DIGITS, is_card};
use super::speaker::SpeakerRole;

/// Number of runs of digits that are remembered.
const MAX_RECENT: usize = 48;
/// Number of secrets that are remembered.
const MAX_SECRETS: usize = 32;
/// Number of words of secrets that are remembered.
const MAX_SECRET_WORDS: usize = 64;
/// Largest number of turns between two pieces of one number.
const MAX_TURNS_BETWEEN: u64 = 4;
/// Smallest number of digits that count as a read-back.
const MIN_ECHO_DIGITS: usize = 4;

/// Digits that were said lately.
pub(super) struct RecentRun {
    /// The caller's name of the turn.
    pub(super) turn_id: u64,
    /// The number of the turn.
    pub(super) turn: u64,
    /// The speaker who said the digits.
    pub(super) role: SpeakerRole,
    /// The digits in their order.
    pub(super) digits: Vec<u8>,
    /// The place in the turn, in bytes.
    pub(super) range: Range<usize>,
    /// Whether the turn held nothing else.
    pub(super) is_pure: bool,
    /// Whether the digits are masked.
    pub(super) is_masked: bool,
    /// Whether the digits were given for something harmless.
    pub(super) is_harmless: bool,
}

/// The memory of a conversation, of bounded size.
#[derive(Default)]
pub(super) struct Memory {
    recent: VecDeque<RecentRun>,
    secrets: VecDeque<(PiiKind, Vec<u8>)>,
    words: VecDeque<(PiiKind, u64)>,
}

impl Memory {
    /// Remembers digits that were said.
    pub(super) fn remember(&mut self, run: RecentRun) {
        if self.recent.len() == MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(run);
    }

    /// Remembers the digits of a secret, which somebody may read back.
    pub(super) fn remember_secret(&mut self, kind: PiiKind, digits: &[u8]) {
        if digits.len() < 3 {
            return;
        }
        if self.secrets.len() == MAX_SECRETS {
            self.secrets.pop_front();
        }
        self.secrets.push_back((kind, digits.to_vec()));
    }

    /// Remembers a word of a secret by its digest.
    pub(super) fn remember_word(&mut self, kind: PiiKind, word: &str) {
        let digest = digest_of(word);
        if self.words.iter().any(|(_, known)| *known == digest) {
            return;
        }
        if self.words.len() == MAX_SECRET_WORDS {
            self.words.pop_front();
        }
        self.words.push_back((kind, digest));
    }

    /// Returns the kind of the secret that a word is a part of.
    pub(super) fn kind_of_word(&self, word: &str) -> Option<PiiKind> {
        if self.words.is_empty() {
            return None;
        }
        let digest = digest_of(word);
        self.words
            .iter()
            .find(|(_, known)| *known == digest)
            .map(|(kind, _)| *kind)
    }

    /// Returns the kind of the secret that digits repeat.
    pub(super) fn kind_of_echo(&self, digits: &[u8]) -> Option<PiiKind> {
        let repeats = |kind: PiiKind, secret: &[u8]| {
            if digits.len() < MIN_ECHO_DIGITS {
                return kind == PiiKind::SecurityCode && digits == secret;
            }
            secret.windows(digits.len()).any(|part| part == digits)
                || secret.len() >= MIN_ECHO_DIGITS
                    && digits.len() >= 2 * MIN_ECHO_DIGITS
                    && digits.starts_with(secret)
        };
        self.secrets
            .iter()
            .rev()
            .find(|(kind, secret)| repeats(*kind, secret))
            .map(|(kind, _)| *kind)
    }

    /// Returns the kind of the secret that digits repeat from the first to the last. Such digits are that secret, whatever is said
    /// around them.
    pub(super) fn kind_of_whole_echo(&self, digits: &[u8]) -> Option<PiiKind> {
        let is_whole = |kind: PiiKind, secret: &[u8]| {
            secret == digits && (digits.len() >= MIN_ECHO_DIGITS || kind == PiiKind::SecurityCode)
        };
        self.secrets
            .iter()
            .rev()
            .find(|(kind, secret)| is_whole(*kind, secret))
            .map(|(kind, _)| *kind)
    }

    /// Finds a card number that ends in the current turn and began in earlier ones, and masks its pieces and their read-backs.
    pub(super) fn join_cards(&mut self, turn: u64) -> Vec<LateFinding> {
        let Some(last) = self
            .recent
            .back()
            .filter(|run| run.turn == turn && run.is_pure && !run.is_harmless)
        else {
            return Vec::new();
        };
        let role = last.role;
        let mut pieces: Vec<usize> = Vec::new();
        let mut count = 0;
        let mut next_turn = turn;
        let mut found = None;
        for (index, run) in self.recent.iter().enumerate().rev() {
            if run.role != role {
                continue;
            }
            if run.is_harmless
                || !run.is_pure
                || next_turn - run.turn > MAX_TURNS_BETWEEN
                || count + run.digits.len() > *CARD_DIGITS.end()
            {
                break;
            }
            count += run.digits.len();
            next_turn = run.turn;
            pieces.push(index);
            if count >= *CARD_DIGITS.start() && run.turn != turn && self.is_card_of(&pieces) {
                found = Some(pieces.clone());
            }
        }
        let Some(pieces) = found else {
            return Vec::new();
        };
        let said: Vec<Vec<u8>> = pieces
            .iter()
            .map(|index| self.recent[*index].digits.clone())
            .collect();
        let first_turn = pieces
            .iter()
            .map(|index| self.recent[*index].turn)
            .min()
            .unwrap_or(turn);
        for digits in &said {
            self.remember_secret(PiiKind::CreditCard, digits);
        }
        let mut late = Vec::new();
        for run in self
            .recent
            .iter_mut()
            .filter(|run| run.turn >= first_turn && !run.is_masked)
        {
            if run.digits.len() > 1 && said.contains(&run.digits) || run.role == role && run.is_pure
            {
                run.is_masked = true;
                late.push(LateFinding {
                    turn_id: run.turn_id,
                    kind: PiiKind::CreditCard,
                    range: run.range.clone(),
                });
            }
        }
        late
    }

    fn is_card_of(&self, pieces: &[usize]) -> bool {
        let runs = pieces.iter().rev().map(|index| &self.recent[*index]);
        let digits: Vec<u8> = runs
            .clone()
            .flat_map(|run| run.digits.iter().copied())
            .collect();
        // Four times four figures are read as a card is, even if one of them was misheard.
        let is_read_as_card = digits.len() == 16
            && matches!(digits[0], 3..=6)
            && pieces.len() == 4
            && runs.clone().all(|run| run.digits.len() == 4);
        is_card(&digits) || is_read_as_card
    }

    /// Masks what was said right before the question for it came.
    pub(super) fn answer_late(
        &mut self,
        kind: PiiKind,
        turn: u64,
        accepts: impl Fn(usize) -> bool,
    ) -> Vec<LateFinding> {
        let mut late = Vec::new();
        for run in self
            .recent
            .iter_mut()
            .rev()
            .take_while(|run| turn - run.turn <= 1)
        {
            if run.turn < turn
                && run.role != SpeakerRole::Agent
                && run.is_pure
                && !run.is_masked
                && !run.is_harmless
                && accepts(run.digits.len())
            {
                run.is_masked = true;
                late.push(LateFinding {
                    turn_id: run.turn_id,
                    kind,
                    range: run.range.clone(),
                });
            }
        }
        late
    }
}

/// Returns a digest of a word in lower case.
fn digest_of(word: &str) -> u64 {
    let mut hasher = FxHasher::default();
    for letter in word.chars().flat_map(char::to_lowercase) {
        hasher.write_u32(u32::from(letter));
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_conversation_is_not_remembered_whole() {
        let mut memory = Memory::default();
        for turn in 0..10_000_u64 {
            memory.remember(RecentRun {
                turn_id: turn,
                turn,
                role: SpeakerRole::Customer,
                digits: vec![1; 8],
                range: 0..8,
                is_pure: true,
                is_masked: false,
                is_harmless: false,
            });
            memory.remember_secret(PiiKind::Pin, &[1, 2, 3, 4]);
            memory.remember_word(PiiKind::Name, &format!("word{turn}"));
        }
        assert_eq!(
            (
                memory.recent.len(),
                memory.secrets.len(),
                memory.words.len()
            ),
            (MAX_RECENT, MAX_SECRETS, MAX_SECRET_WORDS)
        );
    }
}
