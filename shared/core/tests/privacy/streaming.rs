//! The redactor over segments as they come against the redactor over the whole conversation.
//!
//! What is shown at once must be masked as in the whole conversation, but for what only a later turn shows to be personal data; that is
//! reported, so that stores mask it.

use std::ops::Range;

use insights_core::pii::{
    ConversationRedactor, ConversationTurn, RedactionPolicy, SpeakerRole, detect_timed_turns,
};

use crate::blind::BLIND;
use crate::development::DEVELOPMENT;
use crate::dialogue::Dialogue;
use crate::dice::Dice;
use crate::evaluation::{Evaluation, measure_dialogues};
use crate::fresh::FRESH;
use crate::held_out::HELD_OUT;
use crate::scenarios;
use crate::wordings::Wordings;

/// What a stream of one conversation brought: the places that were masked when a turn was shown, and those that came later.
struct Stream {
    shown: Vec<Vec<Range<usize>>>,
    late: Vec<Vec<Range<usize>>>,
    /// The largest number of turns between a turn and a later finding in it.
    longest_delay: u64,
}

fn stream(dialogue: &Dialogue) -> Stream {
    let mut redactor = ConversationRedactor::new(RedactionPolicy::default());
    let mut late = vec![Vec::new(); dialogue.turns.len()];
    let mut shown = Vec::new();
    let mut longest_delay = 0;
    for (id, turn) in (0..).zip(&dialogue.turns) {
        let found = redactor.push(&ConversationTurn {
            id,
            role: turn.role,
            at_ms: Some(turn.at_ms),
            text: &turn.text,
        });
        shown.push(found.findings.into_iter().map(|it| it.range).collect());
        for finding in found.late {
            longest_delay = longest_delay.max(id - finding.turn_id);
            late[finding.turn_id as usize].push(finding.range);
        }
    }
    Stream {
        shown,
        late,
        longest_delay,
    }
}

/// Returns whether each byte of a text is inside one of the places.
fn covered<'r>(text: &str, places: impl Iterator<Item = &'r Range<usize>>) -> Vec<bool> {
    let mut covered = vec![false; text.len()];
    for place in places {
        covered[place.clone()].fill(true);
    }
    covered
}

fn dialogues(wordings: &Wordings, count: usize, seed: u64) -> Vec<Dialogue> {
    let mut dice = Dice::new(seed);
    (0..count)
        .map(|_| scenarios::make(wordings, &mut dice))
        .collect()
}

/// Conversations in which a number comes before anything says what it is: pieces that only together are a card, and digits that
/// somebody asks about afterwards.
fn dialogues_with_late_questions(count: usize) -> Vec<Dialogue> {
    let mut dice = Dice::new(13);
    let mut made = dialogues(&DEVELOPMENT, count, 13);
    for dialogue in &mut made {
        if dice.happens(50) {
            for piece in ["5425", "2334", "3010", "9903"] {
                dialogue.say(SpeakerRole::Customer, piece);
                dialogue.say(SpeakerRole::Agent, "okay");
            }
        } else {
            dialogue.say(SpeakerRole::Customer, &dice.digits(8));
            dialogue.say(SpeakerRole::Agent, "is that your bank account number?");
        }
        dialogue.say(SpeakerRole::Customer, "yes it is");
    }
    made
}

#[test]
fn what_is_shown_at_once_is_masked_as_in_the_whole_conversation_but_for_what_comes_late() {
    let mut with_late = 0;
    let mut all = dialogues(&DEVELOPMENT, 2_000, 11);
    all.extend(dialogues_with_late_questions(200));
    for dialogue in all {
        let Stream {
            shown,
            late,
            longest_delay,
        } = stream(&dialogue);
        let turns = dialogue
            .turns
            .iter()
            .map(|turn| (turn.role, Some(turn.at_ms), turn.text.as_str()));
        let whole = detect_timed_turns(turns, &RedactionPolicy::default());
        // What came late is of the last turns, so that whoever shows a conversation keeps few turns open.
        assert!(longest_delay <= 16, "{longest_delay} turns");
        with_late += usize::from(late.iter().any(|late| !late.is_empty()));
        for (place, turn) in dialogue.turns.iter().enumerate() {
            let text = &turn.text;
            let at_once = covered(text, shown[place].iter());
            let at_the_end = covered(text, shown[place].iter().chain(&late[place]));
            let in_whole = covered(text, whole[place].iter().map(|finding| &finding.range));
            assert_eq!(at_the_end, in_whole, "{text}");
            let uncovered_later = at_once
                .iter()
                .zip(&in_whole)
                .any(|(now, end)| *now && !*end);
            assert!(!uncovered_later, "{text}");
        }
    }
    assert!(
        with_late >= 50,
        "{with_late} conversations had anything late"
    );
}

/// Returns the same conversation as speech recognition cuts it: some turns in two segments, which end between words.
fn cut_into_segments(dialogue: &Dialogue, dice: &mut Dice) -> Dialogue {
    let mut cut = Dialogue::default();
    let mut places = Vec::new();
    for turn in &dialogue.turns {
        let blanks: Vec<usize> = turn
            .text
            .match_indices(' ')
            .map(|(blank, _)| blank)
            .collect();
        let at = if blanks.is_empty() || dice.happens(50) {
            turn.text.len()
        } else {
            blanks[dice.below(blanks.len())]
        };
        places.push((cut.turns.len(), at));
        cut.say(turn.role, &turn.text[..at]);
        if at < turn.text.len() {
            cut.say(turn.role, &turn.text[at..]);
        }
    }
    for secret in &dialogue.secrets {
        let number = cut.add_secret(secret.kind, true);
        for (turn, range) in &secret.pieces {
            let (first, at) = places[*turn];
            let pieces = &mut cut.secrets[number].pieces;
            if range.start < at {
                pieces.push((first, range.start..range.end.min(at)));
            }
            if range.end > at {
                pieces.push((first + 1, range.start.max(at) - at..range.end - at));
            }
        }
    }
    cut
}

#[test]
fn secrets_are_found_in_segments_that_end_in_the_middle_of_them() {
    let mut dice = Dice::new(12);
    let cut: Vec<Dialogue> = dialogues(&DEVELOPMENT, 4_000, 12)
        .iter()
        .map(|dialogue| cut_into_segments(dialogue, &mut dice))
        .collect();
    let evaluation: Evaluation = measure_dialogues(&cut);
    crate::write_report("segments", &evaluation);
    crate::assert_floors(&evaluation, 0.96, SEGMENT_RECALL);
}

/// Measures the wordings that the redactor was not written with, cut in the same way.
#[test]
fn secrets_of_other_wordings_are_found_in_segments_that_end_in_the_middle_of_them() {
    for (name, wordings) in [
        ("held_out", &HELD_OUT),
        ("fresh", &FRESH),
        ("blind", &BLIND),
    ] {
        let mut dice = Dice::new(12);
        let cut: Vec<Dialogue> = dialogues(wordings, 2_000, 12)
            .iter()
            .map(|dialogue| cut_into_segments(dialogue, &mut dice))
            .collect();
        let evaluation = measure_dialogues(&cut);
        crate::write_report(&format!("segments_{name}"), &evaluation);
        crate::assert_recall_of_numbers(&evaluation, 0.96);
        let total = evaluation.total();
        assert!(
            total.precision() >= 0.96 && total.recall() >= 0.98,
            "{name}: precision {:.4}, recall {:.4}",
            total.precision(),
            total.recall()
        );
    }
}

/// Smallest share of secrets of all kinds of which nothing is left where turns are cut in the middle.
const SEGMENT_RECALL: f64 = 0.99;
