//! One turn as the detector reads it: tokens, numbers, and the phrases that say what a number is.

use std::ops::Range;

use super::digit_words::keep_digits;
use super::finding::PiiKind;
use super::phrases::Cue;
use super::runs::{Numbers, Run};
use super::tokens::{Shape, Token, UNKNOWN, is_one_of, read_tokens};
use super::vocabulary::{LANGUAGE, NumberWord, WordRoles};

/// Largest number of words of a phrase that are skipped in a row.
const MAX_SKIPPED: usize = 2;
/// Largest number of tokens between a phrase and the number that it announces.
const MAX_DISTANCE: usize = 12;
/// Largest number of tokens between a number and the phrase that says afterwards what it was.
const MAX_DISTANCE_AFTER: usize = 4;

/// A phrase of a turn and what it says.
#[derive(Debug, Clone)]
pub(super) struct CueHit {
    /// What the phrase says.
    pub(super) cue: Cue,
    /// The tokens of the phrase.
    pub(super) tokens: Range<usize>,
}

/// One turn with everything that was read in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Reading {
    /// The words and figures.
    pub(super) tokens: Vec<Token>,
    /// The phrases, in order and without overlaps.
    pub(super) cues: Vec<CueHit>,
    /// The numbers of the turn.
    pub(super) numbers: Numbers,
    /// Number of words that carry a meaning of their own and are no number.
    pub(super) content_words: usize,
    /// Whether everything but the numbers is empty talk.
    pub(super) is_pure: bool,
    /// Whether the turn only shows that somebody listens.
    pub(super) is_backchannel: bool,
}

impl Reading {
    /// Reads the text of a turn.
    pub(super) fn read(&mut self, text: &str) {
        read_tokens(text, &mut self.tokens);
        keep_digits(text, &mut self.tokens);
        self.read_cues();
        self.numbers.read(text, &self.tokens);
        let words = self
            .tokens
            .iter()
            .filter(|token| token.shape != Shape::Figures);
        self.content_words = words
            .filter(|token| {
                !token.is_empty_talk()
                    && token.number.is_none()
                    && !token.is(WordRoles::MONTH.with(WordRoles::ORDINAL))
            })
            .count();
        self.is_pure = self.content_words == 0;
        self.is_backchannel = self.numbers.groups.is_empty()
            && self
                .tokens
                .iter()
                .all(|token| token.is(WordRoles::BACKCHANNEL.with(WordRoles::FILLER)));
    }

    fn read_cues(&mut self) {
        self.cues.clear();
        let mut at = 0;
        while at < self.tokens.len() {
            match self.longest_phrase(at) {
                Some(hit) => {
                    at = hit.tokens.end;
                    self.cues.push(hit);
                }
                None => at += 1,
            }
        }
    }

    fn longest_phrase(&self, start: usize) -> Option<CueHit> {
        let mut node = 0;
        let mut found = None;
        let mut skipped = 0;
        for (index, token) in self.tokens.iter().enumerate().skip(start) {
            let next = if token.word == UNKNOWN {
                None
            } else {
                LANGUAGE.step(node, token.word)
            };
            match next {
                Some(next) => {
                    node = next;
                    skipped = 0;
                    if let Some(cue) = LANGUAGE.cue_at(node) {
                        found = Some(CueHit {
                            cue,
                            tokens: start..index + 1,
                        });
                    }
                }
                None if node != 0 && token.is(WordRoles::DETERMINER) && skipped < MAX_SKIPPED => {
                    skipped += 1
                }
                None => break,
            }
        }
        found
    }

    /// Returns what the words before a place say about what stands there, from the nearest phrase to the farthest; a phrase
    /// counts with at most so many words with a meaning of their own in between.
    pub(super) fn cues_before<'r>(
        &'r self,
        text: &'r str,
        place: usize,
    ) -> impl Iterator<Item = (Cue, usize)> + 'r {
        let first = self.cues.partition_point(|hit| hit.tokens.end <= place);
        self.cues[..first].iter().rev().map_while(move |hit| {
            let between = &self.tokens[hit.tokens.end..place];
            if between.len() > MAX_DISTANCE {
                return None;
            }
            let mut meaning = between.iter().filter(|token| has_meaning(token)).count();
            // What is harmless is said in the same breath.
            if hit.cue == Cue::Harmless {
                let end = self.tokens[hit.tokens.end - 1].end;
                let until = self
                    .tokens
                    .get(place)
                    .map_or(text.len(), |token| token.start);
                if text[end..until].contains(['.', '?', '!', '\n']) {
                    meaning += 3;
                }
            }
            Some((hit.cue, meaning))
        })
    }

    /// Returns what the words right after a place say about what stood there: "... is my card number".
    pub(super) fn cue_after(&self, text: &str, place: usize) -> Option<Cue> {
        let before = place.checked_sub(1)?;
        let next = self.tokens.get(place)?;
        let gap = &text[self.tokens[before].end..next.start];
        let leads = next.is(WordRoles::LINK)
            || text[next.range()].eq_ignore_ascii_case("for")
            || text[next.range()].eq_ignore_ascii_case("as");
        if !leads
            || gap.contains(['.', '?', '!', ':'])
                && !text[next.range()].to_ascii_lowercase().starts_with("that")
        {
            return None;
        }
        let first = self.cues.partition_point(|hit| hit.tokens.start < place);
        let hit = self.cues.get(first)?;
        let between = self.tokens.get(place..hit.tokens.start)?;
        let is_close =
            between.len() <= MAX_DISTANCE_AFTER && between.iter().all(Token::is_empty_talk);
        // "421 is it, and my card number is ..." announces the next number, not the last one.
        let announces = self.tokens.get(hit.tokens.end).is_some_and(|token| {
            token.shape == Shape::Figures || token.number.is_some() || token.is(WordRoles::LINK)
        });
        (is_close && !announces).then_some(hit.cue)
    }

    /// Returns whether a run is an amount, a time, a quantity or a part of something longer, whatever was asked for.
    pub(super) fn is_quantity(&self, text: &str, run: &Run) -> bool {
        let before = &text[..run.range.start];
        let after = &text[run.range.end..];
        let tail = before.trim_end_matches(' ');
        if tail.ends_with(['$', '€', '£', '¥']) || after.starts_with(['$', '€', '£', '%']) {
            return true;
        }
        // A time, a version, a part of a longer token.
        let digit = |letter: char| letter.is_ascii_digit();
        if before
            .strip_suffix([':', '.'])
            .is_some_and(|rest| rest.ends_with(digit))
            || after
                .strip_prefix(':')
                .is_some_and(|rest| rest.starts_with(digit))
            || before.ends_with(['_', '@'])
            || after.starts_with('_')
            || before
                .strip_suffix(['-', '/'])
                .is_some_and(|rest| rest.ends_with(char::is_alphanumeric))
                && !self.is_named_right_before(run.tokens.start)
            || after
                .strip_prefix(['-', '/'])
                .is_some_and(|rest| rest.starts_with(|letter: char| letter.is_alphabetic()))
        {
            return true;
        }
        if let Some(next) = self.tokens.get(run.tokens.end) {
            let gap = &text[run.range.end..next.start];
            let is_unit =
                next.is(WordRoles::UNIT) && !(next.shape == Shape::Alphabetic && next.chars == 1);
            if is_unit && gap.trim().is_empty() && run.digits <= 10 {
                return true;
            }
            if gap.is_empty() {
                return true;
            }
        }
        let groups = &self.numbers.groups[run.groups.clone()];
        if self.is_counting(text, run) {
            return true;
        }
        if groups.iter().any(|group| group.is_word) || groups.len() < 2 {
            return false;
        }
        let gaps: Vec<&str> = groups
            .windows(2)
            .map(|pair| &text[pair[0].end..pair[1].start])
            .collect();
        let is_thousands =
            gaps.iter().all(|gap| *gap == ",") && groups[1..].iter().all(|group| group.digits == 3);
        let is_decimal =
            gaps.len() == 1 && gaps[0] == "." && groups[1].digits <= 2 && groups[0].digits <= 5;
        let is_dotted = gaps.len() >= 2
            && gaps.iter().all(|gap| *gap == ".")
            && groups.iter().all(|group| group.digits <= 3)
            && (gaps.len() == 3 || groups.iter().any(|group| group.digits == 1));
        is_thousands || is_decimal || is_dotted
    }

    /// Returns the place of the token before a run.
    pub(super) fn token_before(&self, run: &Run) -> Option<usize> {
        self.tokens
            .partition_point(|token| token.end <= run.range.start)
            .checked_sub(1)
    }

    /// Returns whether a number counts or compares: "the last three", "between 8 and 17", "115 over 88", "800 more than".
    fn is_counting(&self, text: &str, run: &Run) -> bool {
        let word_at = |place: usize| self.tokens.get(place).map(|token| &text[token.range()]);
        let is_at = |place: Option<usize>, words: &str| {
            place
                .and_then(word_at)
                .is_some_and(|word| is_one_of(word, words))
        };
        let is_number = |place: usize| {
            self.tokens
                .get(place)
                .is_some_and(|token| token.shape == Shape::Figures || token.number.is_some())
        };
        let before = self.token_before(run);
        let is_short = run.groups.len() == 1 && run.digits <= 2;
        if is_short && is_at(before, "last first next") {
            return true;
        }
        let pair = match &self.numbers.groups[run.groups.clone()] {
            [one, two] => Some((one, two, &text[one.end..two.start])),
            _ => None,
        };
        let is_brand_or_size = pair.is_some_and(|(one, two, gap)| {
            gap == "-" && one.is_word != two.is_word
                || gap == "/" && one.digits == 3 && two.digits == 2
        });
        if is_brand_or_size {
            return true;
        }
        let is_range = |first: usize| {
            is_at(first.checked_sub(1), "between from")
                && is_at(Some(first + 1), "and to")
                && is_number(first + 2)
        };
        is_range(run.tokens.start) && run.digits <= 6
            || run.tokens.len() == 3
                && is_at(before, "between from")
                && is_at(Some(run.tokens.start + 1), "and to")
            || run.tokens.start >= 2 && run.digits <= 6 && is_range(run.tokens.start - 2)
            || run.digits <= 3
                && (is_at(Some(run.tokens.end), "over") && is_number(run.tokens.end + 1)
                    || is_at(before, "over")
                        && run.tokens.start >= 2
                        && is_number(run.tokens.start - 2))
            || run.digits <= 5
                && is_at(
                    Some(run.tokens.end),
                    "more less fewer cheaper bigger smaller",
                )
                && is_at(Some(run.tokens.end + 1), "than")
    }

    /// Returns whether the phrase right before a token names data: "PIN-4471".
    fn is_named_right_before(&self, place: usize) -> bool {
        let first = self.cues.partition_point(|hit| hit.tokens.end < place);
        self.cues
            .get(first)
            .is_some_and(|hit| hit.tokens.end == place && matches!(hit.cue, Cue::Names(_)))
    }

    /// Returns whether a run is written as a date of day, month and year.
    pub(super) fn is_date(&self, text: &str, run: &Run) -> bool {
        let groups = &self.numbers.groups[run.groups.clone()];
        let [one, two, three] = groups else {
            return false;
        };
        let value = |group: &super::runs::Group| {
            self.numbers.digits[group.first_digit..group.first_digit + group.digits]
                .iter()
                .fold(0_u32, |value, digit| {
                    value.saturating_mul(10).saturating_add(u32::from(*digit))
                })
        };
        let separated = |left: &super::runs::Group, right: &super::runs::Group| {
            matches!(&text[left.end..right.start], "/" | "-" | "." | " ")
        };
        let (one_value, two_value, three_value) = (value(one), value(two), value(three));
        let day_and_month =
            |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
        let either = |day: u32, month: u32| day_and_month(day, month) || day_and_month(month, day);
        separated(one, two)
            && separated(two, three)
            && (one.digits <= 2
                && two.digits <= 2
                && matches!(three.digits, 2 | 4)
                && either(one_value, two_value)
                || one.digits == 4
                    && two.digits <= 2
                    && three.digits <= 2
                    && either(two_value, three_value))
    }

    /// Returns whether the turn asks for something or invites somebody to say something.
    pub(super) fn is_request(&self, text: &str) -> bool {
        text.contains('?') || self.tokens.iter().any(|token| token.is(WordRoles::REQUEST))
    }

    /// Returns whether a phrase names or hints at a kind.
    pub(super) fn mentions(&self, kind: PiiKind) -> bool {
        self.cues
            .iter()
            .any(|hit| hit.cue == Cue::Names(kind) || hit.cue == Cue::Hints(kind))
    }
}

/// Returns whether a token carries a meaning of its own and is no number.
pub(super) fn has_meaning(token: &Token) -> bool {
    token.shape != Shape::Figures
        && !token.is_empty_talk()
        && !matches!(
            token.number,
            Some(
                NumberWord::Digit(_)
                    | NumberWord::Teen(_)
                    | NumberWord::Tens(_)
                    | NumberWord::Zeros(_)
                    | NumberWord::Repeat(_)
            )
        )
}
