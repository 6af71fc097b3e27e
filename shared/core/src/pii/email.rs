//! E-mail addresses: written, spoken, and what lies between ("john at gmail.com").

use std::ops::Range;

use super::reading::Reading;
use super::tokens::{Shape, Token};
use super::vocabulary::WordRoles;

/// Largest number of tokens of the part before the "at".
const MAX_LOCAL_TOKENS: usize = 24;
/// Largest number of words before the "at" that are one name where an address is expected: "john smith at".
const MAX_LOCAL_WORDS: usize = 3;
/// Largest number of labels of a host name.
const MAX_LABELS: usize = 5;
/// Largest number of words that make one label when they are said: "g mail".
const MAX_LABEL_TOKENS: usize = 3;

/// Finds the e-mail addresses of a turn. `is_expected` tells that the conversation is about one, so that fewer signs suffice.
pub(super) fn find_emails(text: &str, reading: &Reading, is_expected: bool) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let tokens = &reading.tokens;
    for (index, token) in tokens.iter().enumerate() {
        let sign = sign_before(text, tokens, index);
        let at = if sign {
            // The sign stands before this token, which begins the host.
            (index, index)
        } else if token.is(WordRoles::AT) {
            (index, index + 1)
        } else {
            continue;
        };
        let Some(host) = read_host(text, tokens, at.1, sign, is_expected) else {
            continue;
        };
        // "Email me at jane.doe@example.com": the sign comes later.
        if !sign
            && text[tokens[host.labels.end - 1].end..]
                .trim_start()
                .starts_with(['@', '＠'])
        {
            continue;
        }
        let Some(local) = read_local(text, tokens, at.0, sign, is_expected) else {
            continue;
        };
        let is_address = sign
            || is_expected
            || local.has_signs
            || tokens[host.labels.clone()]
                .iter()
                .any(|token| token.is(WordRoles::MAIL_PROVIDER))
                && !(local.first + 1 == at.0 && tokens[local.first].is_empty_talk())
            || is_introduced(text, tokens, local.first, host.labels.end);
        if !is_address
            || found
                .last()
                .is_some_and(|last| last.end > tokens[local.first].start)
        {
            continue;
        }
        let mut start = tokens[local.first].start;
        if sign {
            start = extend_left(text, start);
        }
        found.push(start..tokens[host.labels.end - 1].end);
    }
    found
}

/// Returns whether an `@` stands right before a token, perhaps with spaces.
fn sign_before(text: &str, tokens: &[Token], index: usize) -> bool {
    let from = index.checked_sub(1).map_or(0, |before| tokens[before].end);
    let gap = &text[from..tokens[index].start];
    gap.contains(['@', '＠']) && gap.len() <= 6 && index > 0
}

struct Host {
    labels: Range<usize>,
}

/// Reads a host name from a token on: labels with dots between them, written or said, of which the last is a top-level domain.
fn read_host(
    text: &str,
    tokens: &[Token],
    first: usize,
    is_written: bool,
    is_expected: bool,
) -> Option<Host> {
    let max_words = if is_written { 1 } else { MAX_LABEL_TOKENS };
    let mut at = first;
    let mut end = None;
    for label in 0..MAX_LABELS {
        // One label: a word, or several where they are said one after the other.
        let mut count = 0;
        while count < max_words {
            let Some(token) = tokens.get(at) else { break };
            if token.is(WordRoles::DOT) && count > 0 {
                break;
            }
            if count > 0 && is_written_dot(text, tokens, at) {
                break;
            }
            if count > 0 && label > 0 {
                break;
            }
            count += 1;
            at += 1;
            // "my-company.de": a dash joins.
            if tokens
                .get(at)
                .is_some_and(|next| &text[token.end..next.start] == "-")
            {
                count -= 1;
            }
        }
        if count == 0 {
            break;
        }
        if count > 1
            && label == 0
            && !is_expected
            && !tokens[first].is(WordRoles::MAIL_PROVIDER)
            && tokens[first].chars > 1
        {
            // Words between "at" and "dot" that are no label: "at the end of the dot".
            if tokens[first..at]
                .iter()
                .skip(1)
                .any(|token| token.is(WordRoles::DETERMINER))
            {
                return None;
            }
        }
        if label == 0
            && !is_written
            && tokens[first].is(WordRoles::DETERMINER)
            && !tokens
                .get(first + 1)
                .is_some_and(|next| next.is(WordRoles::SIGN))
        {
            return None;
        }
        let last = &tokens[at - 1];
        if label > 0
            && (last.is(WordRoles::TOP_LEVEL)
                || last.shape == Shape::Alphabetic
                    && (2..=24).contains(&last.chars)
                    && text[..last.start].ends_with('.'))
        {
            end = Some(at);
        }
        let Some(next) = tokens.get(at) else { break };
        if next.is(WordRoles::DOT) {
            at += 1;
        } else if !is_written_dot(text, tokens, at) {
            break;
        }
    }
    end.map(|end| Host { labels: first..end })
}

/// Returns whether a token follows the one before it after a written dot: "acme.com", "acme . com".
fn is_written_dot(text: &str, tokens: &[Token], index: usize) -> bool {
    let Some(before) = index.checked_sub(1) else {
        return false;
    };
    let gap = &text[tokens[before].end..tokens[index].start];
    gap == "." || gap == " . " || gap == " ." && tokens[index].is(WordRoles::TOP_LEVEL)
}

struct Local {
    first: usize,
    has_signs: bool,
}

/// Reads the part before the "at" from right to left.
fn read_local(
    text: &str,
    tokens: &[Token],
    end: usize,
    is_written: bool,
    is_expected: bool,
) -> Option<Local> {
    let mut first = end;
    let mut has_signs = false;
    while let Some(at) = first.checked_sub(1) {
        if end - at > MAX_LOCAL_TOKENS {
            break;
        }
        let token = &tokens[at];
        if first < end {
            let gap = &text[token.end..tokens[first].start];
            if matches!(gap, "." | "_" | "-" | "+" | "%" | "'" | "__") {
                has_signs = true;
                first = at;
                continue;
            }
            let follows_sign = tokens[first].is(WordRoles::SIGN.with(WordRoles::DOT));
            // "john dot smith@gmail dot com": a dot that is said goes on where the rest is written.
            let is_said = follows_sign || token.is(WordRoles::SIGN.with(WordRoles::DOT));
            if is_written && !is_said || gap.contains(['.', ',', '?', '!', ':', ';', '\n']) {
                break;
            }
            let is_sign = token.is(WordRoles::SIGN.with(WordRoles::DOT)) && !follows_sign;
            if is_sign || follows_sign && token.shape != Shape::Figures {
                has_signs = true;
            } else if token.is_letter() && !matches!(&text[token.range()], "a" | "I" | "i")
                || token.shape == Shape::Figures
                || token.number.is_some()
            {
                has_signs |= token.shape == Shape::Figures
                    || token.number.is_some()
                    || tokens[first].is_letter();
            } else if token.is_empty_talk()
                || !(tokens[first].number.is_some()
                    || tokens[first].shape == Shape::Figures
                    || is_expected && end - at <= MAX_LOCAL_WORDS)
            {
                break;
            }
            first = at;
            continue;
        }
        if is_written
            && !text[token.end..tokens.get(end)?.start]
                .trim_matches(' ')
                .starts_with(['@', '＠'])
            && token.is_empty_talk()
        {
            return None;
        }
        if !is_written && token.is(WordRoles::DOT) {
            return None;
        }
        has_signs |= token.shape != Shape::Alphabetic;
        first = at;
    }
    while first < end && tokens[first].is(WordRoles::SIGN.with(WordRoles::DOT)) {
        first += 1;
    }
    // "49.99 @ shop.com" is a price.
    let is_price = is_written
        && text[tokens[end - 1].end..].starts_with(' ')
        && tokens[first..end]
            .iter()
            .all(|token| token.shape == Shape::Figures);
    (first < end && !is_price).then_some(Local { first, has_signs })
}

/// Extends the start of a written address over the signs before its first letter: `_john@`.
fn extend_left(text: &str, start: usize) -> usize {
    let before = text[..start].trim_end_matches(['_', '.', '-', '+', '%']);
    before.len()
}

/// Returns whether the words before the local part introduce an address: "it's john at acme dot com".
fn is_introduced(text: &str, tokens: &[Token], first: usize, end: usize) -> bool {
    if tokens[first].is_empty_talk() {
        return false;
    }
    match first.checked_sub(1).map(|before| &tokens[before]) {
        None => end == tokens.len(),
        Some(before) => {
            before.is(WordRoles::PLACE_BEFORE)
                || text[before.end..tokens[first].start].contains([':', ','])
                || before.is(WordRoles::BACKCHANNEL) && first == 1
        }
    }
}
