//! Questions and announcements of a turn: what they open windows for.

use super::asking::{Intent, intent_of, is_state};
use super::finding::PiiKind;
use super::late::LateFinding;
use super::memory::Memory;
use super::phrases::Cue;
use super::reading::{CueHit, Reading};
use super::speaker::SpeakerRole;
use super::tokens::is_one_of;
use super::vocabulary::WordRoles;
use super::window::{Expected, Windows};

/// Largest number of words of a question without a verb.
const MAX_WORDS_WITHOUT_VERB: usize = 14;

/// One turn that may ask for something.
pub(super) struct Questions<'c> {
    pub(super) text: &'c str,
    pub(super) reading: &'c Reading,
    pub(super) role: SpeakerRole,
    /// The number of the turn.
    pub(super) turn: u64,
    pub(super) at_ms: Option<i64>,
    /// Number of words at the beginning that were read already, with the part before; what they ask for is not asked again.
    pub(super) words_before: usize,
}

impl Questions<'_> {
    /// Opens the windows for what a turn asks for or announces.
    pub(super) fn open_windows(
        &self,
        windows: &mut Windows,
        memory: &mut Memory,
        answered: &[(PiiKind, usize)],
    ) -> Vec<LateFinding> {
        let Self {
            text,
            reading,
            role,
            turn,
            at_ms,
            words_before,
        } = *self;
        let mut late = Vec::new();
        if role == SpeakerRole::Agent
            && reading.tokens[words_before..]
                .iter()
                .any(|token| is_one_of(&text[token.range()], "spell spelling spelled spelt"))
        {
            windows.reopen_words(turn, at_ms);
        }
        if reading.cues.is_empty() && answered.is_empty() {
            return late;
        }
        // Whoever announced a number and gave a part of it goes on with it.
        for (kind, digits) in answered {
            if windows.of(*kind).is_none() {
                windows.open(Expected::Data(*kind), true, turn, at_ms);
                windows.note_answer(*kind, *digits, turn, at_ms);
            }
        }
        let is_request = reading.is_request(text);
        let is_asker =
            role == SpeakerRole::Agent || role == SpeakerRole::Unknown && text.contains('?');
        let is_short = reading.tokens.len() - words_before <= 9;
        let asks_for_number = reading.tokens.iter().any(|token| {
            ["number", "numbers", "digits", "details"]
                .iter()
                .any(|word| text[token.range()].eq_ignore_ascii_case(word))
        });
        let mut closes = is_asker && is_request;
        let asked_now = reading
            .cues
            .iter()
            .filter(|hit| hit.tokens.end > words_before);
        let has_names = asked_now
            .clone()
            .any(|hit| matches!(hit.cue, Cue::Names(_) | Cue::Asks(_)));
        let names_anything = reading
            .cues
            .iter()
            .any(|hit| matches!(hit.cue, Cue::Names(_)));
        // A segment that asks for something else by itself, and does not go on with the question before it.
        let asks_anew = || {
            reading.tokens[words_before..].iter().any(|token| {
                is_one_of(
                    &text[token.range()],
                    "what what's which how can could do may and",
                )
            })
        };
        // "And the serial number on the router" asks without a verb.
        let is_elliptical = reading.tokens.len() - words_before <= MAX_WORDS_WITHOUT_VERB
            && reading.numbers.groups.is_empty()
            && reading.tokens.get(words_before).is_some_and(|first| {
                is_one_of(&text[first.range()], "and the your so now then next")
            });
        for hit in asked_now {
            let follows = reading.tokens.get(hit.tokens.end);
            let is_last = follows.is_none();
            let is_linked = follows.is_some_and(|token| {
                token.is(WordRoles::LINK)
                    || reading.tokens[hit.tokens.end - 1].is_linking
                    || text[reading.tokens[hit.tokens.end - 1].end..token.start].contains(':')
            });
            let (expected, is_named) = match hit.cue {
                Cue::Names(kind) if answered.iter().any(|(done, _)| *done == kind) => continue,
                // "I don't give that out over the phone."
                Cue::Names(PiiKind::Phone) if is_means_of_talk(text, reading, hit) => continue,
                Cue::Asks(kind) if is_asker && (is_request || is_short) => {
                    match intent_of(text, reading, hit, kind) {
                        Intent::Mentions => continue,
                        Intent::Asks | Intent::Unclear => (Expected::Data(kind), true),
                    }
                }
                Cue::Names(kind) if is_asker => {
                    let is_words = matches!(
                        kind,
                        PiiKind::Name | PiiKind::Password | PiiKind::Address | PiiKind::Email
                    );
                    // Talk about a secret opens nothing: "a link to set a new password".
                    match intent_of(text, reading, hit, kind) {
                        Intent::Mentions => continue,
                        Intent::Unclear if is_words && !is_request && !is_short => continue,
                        Intent::Asks | Intent::Unclear => {}
                    }
                    (Expected::Data(kind), true)
                }
                Cue::Names(kind) if is_last || is_linked => {
                    if matches!(
                        kind,
                        PiiKind::Name | PiiKind::Password | PiiKind::Address | PiiKind::Email
                    ) && (!is_linked || is_state(text, reading, hit))
                    {
                        continue;
                    }
                    (Expected::Data(kind), true)
                }
                Cue::Hints(kind)
                    if is_asker
                        && !names_anything
                        && (is_request || kind == PiiKind::CreditCard && asks_for_number) =>
                {
                    (Expected::Data(kind), kind == PiiKind::CreditCard)
                }
                // "The email for the confirmation" asks for an email; "the order number" asks for itself.
                Cue::Harmless
                    if is_asker
                        && (is_request || is_elliptical)
                        && (!has_names && (!names_anything || asks_anew())
                            || hit.tokens.len() > 1) =>
                {
                    (Expected::Harmless, true)
                }
                Cue::Names(_) | Cue::Asks(_) | Cue::Hints(_) | Cue::Harmless | Cue::Device => {
                    continue;
                }
            };
            if std::mem::take(&mut closes) {
                windows.close_answered();
            }
            windows.open(expected, is_named, turn, at_ms);
            if let Expected::Data(kind) = expected
                && is_asker
                && is_named
            {
                let accepts = |count: usize| match kind {
                    PiiKind::CreditCard => (4..=19).contains(&count),
                    PiiKind::SecurityCode => (3..=4).contains(&count),
                    PiiKind::Pin => (4..=8).contains(&count),
                    PiiKind::Ssn | PiiKind::BankAccount | PiiKind::Phone => {
                        (4..=15).contains(&count)
                    }
                    _ => false,
                };
                late.extend(memory.answer_late(kind, turn, accepts));
            }
        }
        late
    }
}

/// Returns whether a phrase says by what means people talk: "over the phone", "on my mobile".
fn is_means_of_talk(text: &str, reading: &Reading, hit: &CueHit) -> bool {
    let place = reading.tokens[..hit.tokens.start]
        .iter()
        .rposition(|token| !token.is(WordRoles::DETERMINER));
    let word = &text[reading.tokens[hit.tokens.start].range()];
    hit.tokens.len() == 1
        && is_one_of(word, "phone telephone")
        && place.is_some_and(|place| {
            is_one_of(
                &text[reading.tokens[place].range()],
                "on over by off via answer hang pick holding",
            )
        })
}
