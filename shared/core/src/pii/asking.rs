//! Tells whether a phrase asks for data or only mentions it: "tell me your password", "a link to set a new password".

use std::ops::Range;

use super::asking_words::{
    ADJECTIVES, BEARING, BEFORE_OBJECT, BETWEEN_DENIAL, CHANGING, CHECKING, CONDITION, DENIALS,
    DETERMINERS, GIVING, INDEFINITE, KNOWING, LISTENERS, OTHER_QUESTION, OTHERS, POLITE, QUESTION,
    STATES, TAKING, TELLING, TYPING,
};
use super::finding::PiiKind;
use super::reading::{CueHit, Reading};
use super::tokens::{Token, is_one_of};

/// Largest number of words before a phrase that can ask for it.
const MAX_WORDS_BEFORE: usize = 14;
/// Largest number of words behind a phrase that can ask for it.
const MAX_WORDS_BEHIND: usize = 40;

/// Largest number of words between talk of a change and what is changed.
const MAX_WORDS_OF_CHANGE: usize = 7;

/// What a speaker wants with the data that a phrase names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// The speaker asks somebody to say the data.
    Asks,
    /// The speaker talks about the data, and nobody is to say it.
    Mentions,
    /// Nothing in the sentence tells.
    Unclear,
}

/// One sentence of a turn around a phrase.
struct Sentence<'s> {
    text: &'s str,
    tokens: &'s [Token],
    /// The words of the sentence before the phrase.
    before: Range<usize>,
    /// The words of the sentence behind the phrase.
    after: Range<usize>,
    /// The words of the phrase.
    phrase: Range<usize>,
}

/// Returns what a speaker who may ask wants with the data of a kind that a phrase names.
pub(super) fn intent_of(text: &str, reading: &Reading, hit: &CueHit, kind: PiiKind) -> Intent {
    let sentence = Sentence::around(text, reading, hit);
    if kind == PiiKind::Name && sentence.tells_who_speaks()
        || sentence.is_statement() && !reading.is_request(text)
    {
        return Intent::Mentions;
    }
    if sentence.is_any(sentence.phrase.start, "who whom who's") {
        return Intent::Asks;
    }
    if sentence.asks_before() || sentence.asks_behind() {
        return Intent::Asks;
    }
    if sentence.mentions(kind) {
        return Intent::Mentions;
    }
    Intent::Unclear
}

/// Returns whether a speaker tells of data behind the word "is" in what state it is, and does not say it: "my password is wrong".
pub(super) fn is_state(text: &str, reading: &Reading, hit: &CueHit) -> bool {
    let sentence = Sentence::around(text, reading, hit);
    sentence
        .after
        .clone()
        .find(|place| !sentence.is_any(*place, "is was still isn't now keeps"))
        .is_some_and(|place| {
            sentence.is_any(place, STATES) && place > sentence.after.start
                || sentence.is_any(place, TELLING)
        })
        || sentence.is_any(sentence.after.start, "isn't wasn't keeps")
}

impl<'s> Sentence<'s> {
    fn around(text: &'s str, reading: &'s Reading, hit: &CueHit) -> Self {
        let tokens = reading.tokens.as_slice();
        let ends = |place: usize| {
            place == 0
                || text[tokens[place - 1].end..tokens[place].start]
                    .contains(['.', '?', '!', ';', '\n'])
        };
        let phrase = hit.tokens.clone();
        let earliest = phrase.start.saturating_sub(MAX_WORDS_BEFORE);
        let start = (earliest..=phrase.start)
            .rev()
            .find(|place| ends(*place))
            .unwrap_or(earliest);
        let latest = tokens.len().min(phrase.end + MAX_WORDS_BEHIND);
        let end = (phrase.end..latest)
            .find(|place| ends(*place))
            .unwrap_or(latest);
        Self {
            text,
            tokens,
            before: start..phrase.start,
            after: phrase.end..end,
            phrase,
        }
    }

    /// Returns whether the word at a place is one of some words.
    fn is_any(&self, place: usize, words: &str) -> bool {
        self.tokens
            .get(place)
            .is_some_and(|token| is_one_of(&self.text[token.range()], words))
    }

    /// Returns the place of the last word before another one that is none of some words.
    fn last_before(&self, place: usize, skipped: &str) -> Option<usize> {
        (self.before.start..place)
            .rev()
            .find(|place| !self.is_any(*place, skipped))
    }

    /// Returns whether a verb is denied: "never share", "you don't have to give me".
    fn is_denied(&self, verb: usize) -> bool {
        let Some(denial) = self.last_before(verb, BETWEEN_DENIAL) else {
            return false;
        };
        self.is_any(denial, DENIALS)
            && !self.text[self.tokens[denial].end..self.tokens[verb].start].contains(',')
            && !denial
                .checked_sub(1)
                .is_some_and(|before| self.is_any(before, "why"))
    }

    /// Returns whether the words before the phrase ask for the data.
    fn asks_before(&self) -> bool {
        let is_for = self.is_any(self.after.start, "to as");
        for place in self.before.clone().rev() {
            if self.is_any(place, CHANGING) && !self.is_means_of_check(place) {
                // "What would you like to set your PIN to" asks, and "what did you set as your password" too.
                let is_of_question = self
                    .before
                    .clone()
                    .any(|place| self.is_any(place, QUESTION))
                    && (is_for || self.is_any(place + 1, "as for"));
                return is_of_question;
            }
            if self.is_asking_verb(place) {
                return !self.is_denied(place);
            }
            // "What do you see after you type the password" asks for something else.
            if self.is_any(place, CONDITION) && self.is_any(place + 1, "you you've you're") {
                return false;
            }
            if self.is_any(place, QUESTION)
                && !(place..self.phrase.start).any(|place| self.is_any(place, OTHER_QUESTION))
            {
                return true;
            }
        }
        // "Please choose a memorable word" asks for one, but not where it is chosen somewhere else.
        self.is_choice()
    }

    /// Returns whether a word says by what somebody is checked: "verify you using your PIN" asks, and "log in using your PIN" does not.
    fn is_means_of_check(&self, place: usize) -> bool {
        self.is_any(place, "using")
            && self
                .last_before(place, LISTENERS)
                .is_some_and(|verb| self.is_any(verb, CHECKING))
    }

    /// Returns whether a word is a verb by which the speaker asks for what follows.
    fn is_asking_verb(&self, place: usize) -> bool {
        let subject = self.last_before(place, POLITE);
        let is_subject = |words: &str| subject.is_some_and(|subject| self.is_any(subject, words));
        let before_subject = subject.and_then(|subject| self.last_before(subject, POLITE));
        let is_before_subject =
            |words: &str| before_subject.is_some_and(|place| self.is_any(place, words));
        let modals = "can could may might will would shall";
        if self.is_any(place, KNOWING) && is_subject("you") && is_before_subject("do did can if") {
            return true;
        }
        if self.is_any(place, GIVING) {
            let checks = self.is_any(place, CHECKING);
            if self.is_any(place + 1, LISTENERS) {
                return checks
                    && self.is_any(place + 1, "you")
                    && self.is_any(place + 2, "with by using");
            }
            let is_done_by_others = is_subject(OTHERS) && !is_before_subject("can could may")
                || is_subject(modals) && is_before_subject(OTHERS);
            return checks || !is_done_by_others;
        }
        if self.is_any(place, TYPING) {
            return subject.is_none()
                || is_subject("or")
                || is_subject("you") && is_before_subject(modals);
        }
        if self.is_any(place, TAKING) {
            return is_subject("i'll we'll me i'd i'm us") && !self.is_any(place, "get")
                || is_subject("me i'll")
                || is_subject("i we")
                    && (is_before_subject(modals) || self.is_any(place, "need require ask"))
                || is_subject(modals)
                    && is_before_subject("i we")
                    && !self.is_any(place, "have get")
                || is_subject("must");
        }
        false
    }

    fn is_choice(&self) -> bool {
        let is_elsewhere = self.before.clone().chain(self.after.clone()).any(|place| {
            self.is_any(
                place,
                "website page app link online there atm branch site later minimum least portal screen characters",
            )
        });
        !is_elsewhere
            && self.before.clone().any(|place| {
                self.is_any(place, "choose pick")
                    && match self.last_before(place, POLITE) {
                        None => true,
                        Some(subject) => {
                            self.is_any(subject, "you")
                                && subject.checked_sub(1).is_some_and(|before| {
                                    self.is_any(before, "can could would need like")
                                })
                        }
                    }
            })
    }

    /// Returns whether the words behind the phrase ask for the data: "your PIN is", "... tell me it please".
    fn asks_behind(&self) -> bool {
        let is_denied = self.before.clone().any(|place| self.is_any(place, DENIALS));
        if !is_denied && !self.is_changed() {
            let mut rest = self.after.clone();
            let ends_in_link = self.is_any(rest.start, "is are was would")
                && rest.all(|place| self.is_any(place, "is are was would be please"));
            let invites = self
                .after
                .clone()
                .any(|place| self.is_any(place, "please ready"));
            if ends_in_link || invites {
                return true;
            }
        }
        // In the rest of the turn: "I have reset your password, tell me it please", "what is it".
        let latest = self.tokens.len().min(self.phrase.end + MAX_WORDS_BEHIND);
        (self.phrase.end..latest).any(|place| {
            let is_it = |place: usize| self.is_any(place, "it");
            let is_given = self.is_any(place, GIVING) && !self.is_denied(place) && {
                let object = place + 1 + usize::from(self.is_any(place + 1, "me us out"));
                is_it(object)
                    && (object + 1 == self.tokens.len()
                        || self.is_any(
                            object + 1,
                            "please now for out to back again slowly letter aloud and so",
                        ))
            };
            let is_question =
                self.is_any(place, "what") && self.is_any(place + 1, "is was") && is_it(place + 2)
                    || self.is_any(place, "what's") && is_it(place + 1)
                    || self.is_any(place, "like want")
                        && is_it(place + 1)
                        && self.is_any(place + 2, "to")
                        && self.is_any(place + 3, "be");
            is_given || is_question
        })
    }

    /// Returns whether a verb of change governs the phrase: "set up a new password".
    fn is_changed(&self) -> bool {
        self.is_governed_by(CHANGING)
    }

    /// Returns whether the phrase is the object of one of some verbs.
    fn is_governed_by(&self, verbs: &str) -> bool {
        self.last_before(self.phrase.start, BEFORE_OBJECT)
            .is_some_and(|place| {
                // "Your registered address" is no talk of a registration.
                let is_adjective = place > self.before.start
                    && self.is_any(place - 1, "your ur the my our")
                    && self.text[self.tokens[place].range()].ends_with("ed");
                self.is_any(place, verbs) && !is_adjective
            })
    }

    /// Returns whether talk of a change stands in the same part of the sentence before the phrase.
    fn is_in_talk_of_change(&self) -> bool {
        for place in self.before.clone().rev().take(MAX_WORDS_OF_CHANGE) {
            let gap = &self.text[self.tokens[place].end..self.tokens[place + 1].start];
            if gap.contains(',') || self.is_any(place, "and so but then") {
                return false;
            }
            if self.is_any(place, CHANGING) {
                return true;
            }
        }
        false
    }

    /// Returns whether a verb that asks is denied: "never share your PIN".
    fn is_denied_request(&self) -> bool {
        self.before.clone().any(|place| {
            let asks = [GIVING, TYPING, TAKING, KNOWING]
                .iter()
                .any(|verbs| self.is_any(place, verbs));
            asks && self.is_denied(place)
        })
    }

    /// Returns whether the phrase says with whom somebody speaks, and does not ask who that is: "you are speaking with support".
    fn tells_who_speaks(&self) -> bool {
        self.is_any(self.phrase.start, "speaking talking")
            && !self.before.clone().any(|place| {
                self.is_any(place, "who whom who's i'm")
                    || self.is_any(place, "am") && self.is_any(place + 1, "i")
            })
    }

    /// Returns whether the sentence tells what became of the data, or of the speaker's own: "the address was smudged", "my license".
    fn is_statement(&self) -> bool {
        let end = self.after.end;
        let is_past = self.after.clone().any(|place| {
            self.is_any(place, "was were wasn't weren't hasn't haven't went got") && place + 1 < end
        });
        let is_own = self.is_any(self.phrase.start, "my")
            || self
                .before
                .clone()
                .next_back()
                .is_some_and(|place| self.is_any(place, "my"));
        is_past || is_own
    }

    /// Returns whether the sentence only talks about the data.
    fn mentions(&self, kind: PiiKind) -> bool {
        let is_before = |words: &str| self.before.clone().any(|place| self.is_any(place, words));
        match kind {
            PiiKind::Password | PiiKind::Pin => {}
            // What may be a security code is masked, so that only what is certain counts as talk.
            PiiKind::SecurityCode => return self.is_denied_request() || self.is_changed(),
            PiiKind::Email if self.is_governed_by("get got check open reply") => {
                return true;
            }
            PiiKind::Name | PiiKind::Address | PiiKind::Email => {
                return self.is_changed() && !is_before(QUESTION) && !is_before("where");
            }
            _ => return false,
        }
        let next = self.after.start;
        let tells = self.is_any(next, TELLING)
            || self.is_any(next, "is was are") && self.is_any(next + 1, STATES);
        // A code that was sent just now is what the customer is to say: "I have texted you a one time code".
        let is_sent_code = self.is_any(self.phrase.start, "one verification otp access");
        if tells || self.is_denied_request() || is_sent_code {
            return !is_sent_code || self.is_denied_request();
        }
        let article = self.last_before(self.phrase.start, ADJECTIVES);
        let is_indefinite = article
            .is_some_and(|place| place > self.before.start && self.is_any(place, INDEFINITE))
            && !is_before("there there's");
        let is_means = self
            .last_before(self.phrase.start, DETERMINERS)
            .is_some_and(|place| {
                self.is_any(place, BEARING) && !self.is_any(place.saturating_sub(1), "go ahead how")
            })
            && !is_before("start begin continue");
        let is_of_listener = |place: usize| {
            self.is_any(place, CONDITION)
                && self.is_any(
                    place + 1,
                    "you you're you've you'd you'll they to someone the",
                )
                || self.is_any(place, "you you'll you'd they customers")
                    && self.is_any(place + 1, "need use require")
        };
        let is_of_others =
            !is_before("have know remember recall") && self.before.clone().any(is_of_listener);
        self.is_in_talk_of_change() || is_indefinite || is_means || is_of_others
    }
}
