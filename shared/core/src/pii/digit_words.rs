//! Words that are digits or everyday words: "oh" and "one".

use super::tokens::{Shape, Token, is_one_of};
use super::vocabulary::WordRoles;

/// Words behind which "one" is a thing and no digit.
const CHOOSING: &str = "the this that wrong new old other another which each every any no last first next same good bad different only correct current";
/// Words before which "oh" is no zero.
const EXCLAIMED: &str = "my god gosh wait no dear man boy well sorry i i'm i've i'll jesus christ lord come hang hold hi hello hey good great what how the";

/// Takes the digit from words that do not stand for one: "oh my God", "the wrong one, sorry", "one moment".
pub(super) fn keep_digits(text: &str, tokens: &mut [Token]) {
    for index in 0..tokens.len() {
        if tokens[index].number.is_some() && !is_digit(text, tokens, index) {
            tokens[index].number = None;
        }
    }
}

fn is_digit(text: &str, tokens: &[Token], index: usize) -> bool {
    let word = &text[tokens[index].range()];
    let is_oh = word.eq_ignore_ascii_case("oh") || word.eq_ignore_ascii_case("o");
    if !is_oh && !word.eq_ignore_ascii_case("one") {
        return true;
    }
    let is_number = |token: &Token| token.shape == Shape::Figures || token.number.is_some();
    let is_talk = |token: &&Token| !token.is(WordRoles::FILLER.with(WordRoles::BACKCHANNEL));
    let follows_number = tokens[..index]
        .iter()
        .rfind(|token| is_number(token) || is_talk(token))
        .is_some_and(is_number);
    let next = tokens.get(index + 1);
    let leads_number = tokens[index + 1..]
        .iter()
        .find(|token| is_number(token) || is_talk(token))
        .is_some_and(is_number);
    if is_oh {
        let is_exclaimed = next.is_some_and(|next| is_one_of(&text[next.range()], EXCLAIMED));
        let leads_at_once = next.is_some_and(is_number);
        let is_apart = next.is_some_and(|next| text[tokens[index].end..next.start].contains(','));
        return leads_at_once
            || follows_number
                && (leads_number
                    || is_apart
                    || !is_exclaimed && !next.is_some_and(is_joining(text)))
            || next.is_none();
    }
    if follows_number {
        return true;
    }
    if next.is_some_and(|next| next.is(WordRoles::UNIT) && next.chars > 1) {
        return false;
    }
    let is_chosen = index.checked_sub(1).is_some_and(|before| {
        is_one_of(&text[tokens[before].range()], CHOOSING)
            && text[tokens[before].end..tokens[index].start]
                .trim()
                .is_empty()
    });
    // "The wrong one, 4111", but "the one two three".
    !is_chosen
        || next.is_some_and(|next| {
            is_number(next) && text[tokens[index].end..next.start].trim().is_empty()
        })
}

/// Returns a test for words that go on with something else: "four oh, and the code is".
fn is_joining(text: &str) -> impl Fn(&Token) -> bool + '_ {
    |token| is_one_of(&text[token.range()], "and so but then")
}
