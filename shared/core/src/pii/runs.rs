//! Runs of digits: figures and digit words that stand together as one number.

use std::ops::Range;

use super::tokens::{Shape, Token, digit_value};
use super::vocabulary::{NumberWord, WordRoles};

/// Largest number of digits of a run that are kept; a longer run is no number that anybody would give.
pub(super) const MAX_RUN_DIGITS: usize = 64;
/// Largest number of words in a row between two digits: "four, uh, and then five".
const MAX_FILLERS: usize = 4;
/// Largest length of what stands between two groups of figures of one number, in bytes.
const MAX_GAP_BYTES: usize = 6;

/// A group of digits: one token of figures, or one digit word.
#[derive(Debug, Clone, Copy)]
pub(super) struct Group {
    /// The token, or the last of several.
    pub(super) token: usize,
    /// The place in the text, in bytes.
    pub(super) start: usize,
    /// The end in the text, in bytes.
    pub(super) end: usize,
    /// The place of the first digit in the digits of the turn.
    pub(super) first_digit: usize,
    /// Number of digits that belong together.
    pub(super) digits: usize,
    /// Whether the digits were said as a word.
    pub(super) is_word: bool,
}

/// Digits of a turn that stand together as one number.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// The groups, by their places in the list of the turn's groups.
    pub(super) groups: Range<usize>,
    /// The tokens from the first digit to the last.
    pub(super) tokens: Range<usize>,
    /// The place in the text, in bytes.
    pub(super) range: Range<usize>,
    /// Number of digits that belong together.
    pub(super) digits: usize,
    /// The place of the first digit in the digits of the turn.
    pub(super) first_digit: usize,
    /// Number of groups that are words.
    pub(super) words: usize,
}

/// The numbers of a turn.
#[derive(Debug, Clone, Default)]
pub(super) struct Numbers {
    /// The digits of all groups.
    pub(super) digits: Vec<u8>,
    /// The groups in the order of the text.
    pub(super) groups: Vec<Group>,
    /// The runs in the order of the text.
    pub(super) runs: Vec<Run>,
}

impl Numbers {
    /// Returns the digits of a run.
    pub(super) fn digits_of(&self, run: &Run) -> &[u8] {
        &self.digits[run.first_digit..run.first_digit + run.digits]
    }

    /// Returns the digits of the groups that lie in a place of the text.
    pub(super) fn digits_within(&self, range: &Range<usize>) -> Vec<u8> {
        let first = self
            .groups
            .partition_point(|group| group.start < range.start);
        self.groups[first..]
            .iter()
            .take_while(|group| group.end <= range.end)
            .flat_map(|group| &self.digits[group.first_digit..group.first_digit + group.digits])
            .copied()
            .collect()
    }

    /// Reads the numbers of a turn.
    pub(super) fn read(&mut self, text: &str, tokens: &[Token]) {
        self.digits.clear();
        self.groups.clear();
        self.runs.clear();
        let mut repeat: Option<(usize, usize)> = None;
        let mut open_tens: Option<usize> = None;
        for (index, token) in tokens.iter().enumerate() {
            let tens = open_tens.take();
            let pending = repeat.take().filter(|_| {
                token.shape == Shape::Figures || matches!(token.number, Some(NumberWord::Digit(_)))
            });
            let first_digit = self.digits.len();
            if token.shape == Shape::Figures {
                self.digits
                    .extend(text[token.range()].chars().filter_map(digit_value));
                if let Some((times, _)) = pending
                    && self.digits.len() == first_digit + 1
                {
                    let digit = self.digits[first_digit];
                    self.digits.extend(std::iter::repeat_n(digit, times - 1));
                }
                self.push_group(
                    index,
                    token,
                    first_digit,
                    false,
                    pending.map(|(_, start)| start),
                );
                continue;
            }
            let Some(number) = token.number else {
                continue;
            };
            match number {
                NumberWord::Digit(digit) => {
                    if tens == Some(index) && digit != 0 && pending.is_none() {
                        if let Some(last) = self.digits.last_mut() {
                            *last = digit;
                        }
                        if let Some(group) = self.groups.last_mut() {
                            group.end = token.end;
                            group.token = index;
                        }
                        continue;
                    }
                    let (times, start) = pending.map_or((1, token.start), |pending| pending);
                    self.digits.extend(std::iter::repeat_n(digit, times));
                    self.push_group(index, token, first_digit, true, Some(start));
                }
                NumberWord::Teen(digit) => {
                    self.digits.extend([1, digit]);
                    self.push_group(index, token, first_digit, true, None);
                }
                NumberWord::Tens(digit) => {
                    self.digits.extend([digit, 0]);
                    self.push_group(index, token, first_digit, true, None);
                    open_tens = Some(index + 1);
                }
                NumberWord::Zeros(count) => {
                    // Only after a digit: "hundreds of calls" and "a hundred" are no part of a number.
                    if self
                        .groups
                        .last()
                        .is_some_and(|group| group.token + 1 == index)
                    {
                        self.digits
                            .extend(std::iter::repeat_n(0, usize::from(count)));
                        self.push_group(index, token, first_digit, true, None);
                    }
                }
                NumberWord::Repeat(times) => repeat = Some((usize::from(times), token.start)),
            }
        }
        self.join(text, tokens);
    }

    fn push_group(
        &mut self,
        index: usize,
        token: &Token,
        first_digit: usize,
        is_word: bool,
        start: Option<usize>,
    ) {
        self.groups.push(Group {
            token: index,
            start: start.unwrap_or(token.start),
            end: token.end,
            first_digit,
            digits: self.digits.len() - first_digit,
            is_word,
        });
    }

    fn join(&mut self, text: &str, tokens: &[Token]) {
        for (number, group) in self.groups.iter().enumerate() {
            if let Some(run) = self.runs.last_mut()
                && run.digits + group.digits <= MAX_RUN_DIGITS
                && joins(text, tokens, &self.groups[number - 1], group)
            {
                run.groups.end = number + 1;
                run.tokens.end = group.token + 1;
                run.range.end = group.end;
                run.digits += group.digits;
                run.words += usize::from(group.is_word);
                continue;
            }
            self.runs.push(Run {
                groups: number..number + 1,
                tokens: group.token..group.token + 1,
                range: group.start..group.end,
                digits: group.digits,
                first_digit: group.first_digit,
                words: usize::from(group.is_word),
            });
        }
    }
}

/// Returns whether two neighboring groups belong to one number.
fn joins(text: &str, tokens: &[Token], left: &Group, right: &Group) -> bool {
    let gap = &text[left.end..right.start];
    // Letters beside figures ("A4") and these signs separate two numbers.
    if gap.contains([':', '$', '€', '£', '#', '=', '@', '%', '&', '[', '\n', '"']) {
        return false;
    }
    // "421, one moment": what is counted is no part of the number before it.
    let is_counted = right.is_word
        && (!left.is_word || gap.contains(','))
        && tokens
            .get(right.token + 1)
            .is_some_and(|next| next.is(WordRoles::UNIT) && next.chars > 1);
    if is_counted {
        return false;
    }
    // The group of "double four" ends at its last token; the word "double" before it is a part of the group.
    let first = left.token + 1;
    let fillers: &[Token] = tokens.get(first..right.token).unwrap_or_default();
    let fillers = &fillers[..fillers
        .iter()
        .take_while(|token| token.start < right.start)
        .count()];
    if fillers.is_empty() {
        return gap.len() <= MAX_GAP_BYTES && gap.chars().all(is_separator);
    }
    fillers.len() <= MAX_FILLERS
        // Two long numbers with a word between them are two numbers.
        && !(left.digits >= 7 && right.digits >= 7)
        && fillers.iter().all(|token| {
            token.is(WordRoles::FILLER.with(WordRoles::BACKCHANNEL)) || matches!(token.number, Some(NumberWord::Repeat(_)))
        })
}

fn is_separator(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '-' | '.' | ',' | ';' | '/' | '(' | ')' | '_' | '\u{2010}'
                ..='\u{2015}' | '·' | '…' | '・' | '\u{ff0d}'
        )
}
