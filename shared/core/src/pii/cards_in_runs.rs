//! Cuts a run of digits at the card numbers in it, so that a number in front of a card or behind it is judged by itself.

use super::numbers::{CARD_DIGITS, is_card};
use super::phrases::Cue;
use super::reading::Reading;
use super::runs::Run;

/// Cuts a run at the card numbers in it: returns the pieces in order, and whether each is a card.
pub(super) fn cut_at_cards(text: &str, reading: &Reading, run: &Run) -> Vec<(Run, bool)> {
    let numbers = &reading.numbers;
    let mut pieces = Vec::new();
    let mut from = run.groups.start;
    let mut first = run.groups.start;
    let is_device = reading
        .cues_before(text, run.tokens.start)
        .next()
        .is_some_and(|(cue, meaning)| cue == Cue::Device && meaning <= 2);
    // A number after a plus sign is an international telephone number, not a card.
    let is_phone = text[..run.range.start].ends_with('+');
    let adjoins = |start: usize, end: usize| {
        text[..start].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_')
            || text[end..].starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
    };
    while !is_device && !is_phone && run.digits >= *CARD_DIGITS.start() && first < run.groups.end {
        let mut found = None;
        let mut count = 0;
        for last in first..run.groups.end {
            count += numbers.groups[last].digits;
            if count > *CARD_DIGITS.end() {
                break;
            }
            let start = numbers.groups[first].first_digit;
            if is_card(&numbers.digits[start..start + count])
                && !adjoins(numbers.groups[first].start, numbers.groups[last].end)
            {
                found = Some(last + 1);
            }
        }
        match found {
            Some(end) => {
                if from < first {
                    pieces.push((part_of(reading, from, first), false));
                }
                pieces.push((part_of(reading, first, end), true));
                from = end;
                first = end;
            }
            None => first += 1,
        }
    }
    if pieces.is_empty() {
        return vec![(run.clone(), false)];
    }
    if from < run.groups.end {
        pieces.push((part_of(reading, from, run.groups.end), false));
    }
    pieces
}

/// Returns the run of some of the groups of the turn.
fn part_of(reading: &Reading, first: usize, end: usize) -> Run {
    let groups = &reading.numbers.groups[first..end];
    let last = groups[groups.len() - 1];
    Run {
        groups: first..end,
        tokens: groups[0].token..last.token + 1,
        range: groups[0].start..last.end,
        digits: groups.iter().map(|group| group.digits).sum(),
        first_digit: groups[0].first_digit,
        words: groups.iter().filter(|group| group.is_word).count(),
    }
}
