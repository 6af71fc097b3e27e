//! Dates of birth and expiry dates: what stands where the conversation expects one.

use std::ops::Range;

use super::reading::Reading;
use super::tokens::{Shape, Token};
use super::vocabulary::{NumberWord, WordRoles};

/// A date in a turn.
#[derive(Debug, Clone)]
pub(super) struct DateSpan {
    /// The tokens of the date.
    pub(super) tokens: Range<usize>,
    /// The place in the text, in bytes.
    pub(super) range: Range<usize>,
    /// Whether the date names a month or a day in words, or has day, month and year.
    pub(super) is_certain: bool,
    /// Whether the date names a month, or has more than one digit.
    pub(super) is_part_of_date: bool,
    /// Number of digits of the date.
    pub(super) digits: usize,
}

/// Finds everything in a turn that can be a date or a part of one.
pub(super) fn find_dates(text: &str, reading: &Reading) -> Vec<DateSpan> {
    let tokens = &reading.tokens;
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !is_part(text, &tokens[at]) {
            at += 1;
            continue;
        }
        let first = at;
        let mut last = at;
        while let Some(next) = tokens.get(at + 1) {
            let gap = &text[tokens[at].end..next.start];
            if gap.contains(['?', '!', ';', ':', '$', '€', '£', '\n'])
                || gap.contains(". ") && !tokens[at].is(WordRoles::MONTH)
            {
                break;
            }
            at += 1;
            if is_part(text, next) {
                last = at;
            } else if at - last > 3 || !is_connector(text, next) {
                break;
            }
        }
        at = last + 1;
        let words = &tokens[first..=last];
        let digits: usize = words
            .iter()
            .map(|token| match (token.shape, token.number) {
                (Shape::Figures, _) => token.chars,
                (Shape::Mixed, _) => token.chars - 2,
                (_, Some(NumberWord::Teen(_) | NumberWord::Tens(_) | NumberWord::Zeros(_))) => 2,
                (_, Some(_)) => 1,
                _ => 0,
            })
            .sum();
        let has_month = words.iter().any(|token| token.is(WordRoles::MONTH));
        // "One second" is no date, the second of May is.
        let has_ordinal = words
            .iter()
            .any(|token| is_ordinal(text, token) && (has_month || !token.is(WordRoles::UNIT)));
        let is_counted = tokens.get(last + 1).is_some_and(|next| {
            next.is(WordRoles::UNIT)
                && next.chars > 1
                && text[tokens[last].end..next.start].trim().is_empty()
        }) && !has_month;
        let is_amount = text[..words[0].start].trim_end().ends_with(['$', '€', '£']);
        if is_counted
            || is_amount
            || words.len() == 1 && (words[0].is(WordRoles::MONTH) && words[0].is_empty_talk())
        {
            continue;
        }
        found.push(DateSpan {
            tokens: first..last + 1,
            range: words[0].start..words[words.len() - 1].end,
            is_certain: has_month && digits + usize::from(has_ordinal) > 0
                || is_plausible(text, words)
                || has_ordinal && digits >= 2,
            is_part_of_date: has_month
                || digits >= 2
                || has_ordinal && words.len() > 1
                || words.iter().any(|token| is_ordinal(text, token))
                    && first.checked_sub(1).is_some_and(|before| {
                        text[tokens[before].range()].eq_ignore_ascii_case("the")
                    }),
            digits,
        });
    }
    found
}

fn is_ordinal(text: &str, token: &Token) -> bool {
    token.is(WordRoles::ORDINAL) || token.is_numeric_ordinal(text)
}

fn is_part(text: &str, token: &Token) -> bool {
    token.shape == Shape::Figures && token.chars <= 8
        || token.is(WordRoles::MONTH)
        || is_ordinal(text, token)
        || matches!(
            token.number,
            Some(
                NumberWord::Digit(_)
                    | NumberWord::Teen(_)
                    | NumberWord::Tens(_)
                    | NumberWord::Zeros(_)
            )
        )
}

fn is_connector(text: &str, token: &Token) -> bool {
    token.is(WordRoles::FILLER.with(WordRoles::BACKCHANNEL))
        || ["of", "the", "in", "and", "like", "you", "know"]
            .iter()
            .any(|word| text[token.range()].eq_ignore_ascii_case(word))
}

/// Returns whether figures alone can be a date: day, month and year in some order, or all of it in six or eight figures.
fn is_plausible(text: &str, tokens: &[Token]) -> bool {
    let values: Vec<(usize, u32)> = tokens
        .iter()
        .filter(|token| token.shape == Shape::Figures)
        .filter_map(|token| Some((token.chars, text[token.range()].parse().ok()?)))
        .collect();
    let day_and_month = |one: u32, two: u32| {
        (1..=31).contains(&one) && (1..=12).contains(&two)
            || (1..=31).contains(&two) && (1..=12).contains(&one)
    };
    match values[..] {
        [(1 | 2, one), (1 | 2, two), (2 | 4, _)] | [(4, _), (1 | 2, one), (1 | 2, two)] => {
            day_and_month(one, two)
        }
        [(8, value)] => {
            day_and_month(value / 1_000_000, value / 10_000 % 100)
                && matches!(value % 10_000, 1900..=2030)
                || matches!(value / 10_000, 1900..=2030)
                    && day_and_month(value / 100 % 100, value % 100)
        }
        [(6 | 5, value)] => day_and_month(value / 10_000, value / 100 % 100),
        _ => false,
    }
}
