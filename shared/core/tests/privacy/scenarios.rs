//! Puts wordings and secrets together to conversations: whole, in pieces, corrected, read back, interrupted.

use insights_core::pii::{PiiKind, SpeakerRole};

use crate::dialogue::Dialogue;
use crate::dice::Dice;
use crate::value::Value;
use crate::values;
use crate::wordings::{KindWordings, Wordings};

/// How a secret is given.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Delivery {
    Whole,
    Announced,
    Pieces,
    PiecesWithEcho,
    OneTurnWithBackchannels,
    Corrected,
    ReadBack,
    Interrupted,
}

const DELIVERIES: [Delivery; 10] = [
    Delivery::Whole,
    Delivery::Whole,
    Delivery::Announced,
    Delivery::Announced,
    Delivery::Pieces,
    Delivery::PiecesWithEcho,
    Delivery::OneTurnWithBackchannels,
    Delivery::Corrected,
    Delivery::ReadBack,
    Delivery::Interrupted,
];

/// Makes one conversation with one to four secrets and as many sentences with figures that are none.
pub(crate) fn make(wordings: &Wordings, dice: &mut Dice) -> Dialogue {
    let mut dialogue = Dialogue::default();
    dialogue.say(SpeakerRole::Agent, dice.pick(wordings.talk));
    let asks_payment = dice.happens(35);
    let kinds: Vec<KindWordings> = if asks_payment {
        [
            PiiKind::CreditCard,
            PiiKind::CardExpiry,
            PiiKind::SecurityCode,
        ]
        .iter()
        .filter_map(|kind| {
            wordings
                .kinds
                .iter()
                .find(|wording| wording.kind == *kind)
                .copied()
        })
        .collect()
    } else {
        (0..1 + dice.below(3))
            .map(|_| dice.pick(wordings.kinds))
            .collect()
    };
    for kind in kinds {
        if dice.happens(60) {
            say_something_harmless(wordings, &mut dialogue, dice);
        }
        // What a window left open must not swallow: small talk stands between two questions.
        add_secret_turns(wordings, &kind, &mut dialogue, dice);
    }
    for _ in 0..dice.below(3) {
        say_something_harmless(wordings, &mut dialogue, dice);
    }
    dialogue
}

fn say_something_harmless(wordings: &Wordings, dialogue: &mut Dialogue, dice: &mut Dice) {
    match dice.below(4) {
        0 => dialogue.say(SpeakerRole::Customer, dice.pick(wordings.talk)),
        1 => {
            let (question, length) = dice.pick(wordings.benign_asks);
            dialogue.say(SpeakerRole::Agent, question);
            let digits = dice.digits(length);
            let answer = dice.pick(wordings.answers).replace("{}", &digits);
            dialogue.say(SpeakerRole::Customer, &answer);
        }
        _ => {
            let sentence = fill_figures(dice.pick(wordings.benign), dice);
            dialogue.say(SpeakerRole::Customer, &sentence);
            dialogue.say(SpeakerRole::Agent, dice.pick(wordings.talk));
        }
    }
}

fn fill_figures(sentence: &str, dice: &mut Dice) -> String {
    let mut first = true;
    sentence
        .chars()
        .map(|letter| {
            if letter != '#' {
                first = true;
                return letter;
            }
            let figure = dice.digits(1 + usize::from(!first));
            first = false;
            figure.chars().last().unwrap_or('1')
        })
        .collect()
}

fn add_secret_turns(
    wordings: &Wordings,
    kind: &KindWordings,
    dialogue: &mut Dialogue,
    dice: &mut Dice,
) {
    let spoken = dice.happens(50);
    let value = values::make(kind.kind, spoken, dice);
    let mut delivery = dice.pick(&DELIVERIES);
    if value.pieces.len() < 2
        && matches!(
            delivery,
            Delivery::Pieces | Delivery::PiecesWithEcho | Delivery::OneTurnWithBackchannels
        )
    {
        delivery = Delivery::Whole;
    }
    if delivery == Delivery::Announced {
        let secret = dialogue.add_secret(kind.kind, false);
        dialogue.begin_turn(SpeakerRole::Customer);
        dialogue.write_around(secret, dice.pick(kind.announcements), &value.whole());
        dialogue.say(SpeakerRole::Agent, dice.pick(wordings.backchannels));
        return;
    }
    dialogue.say(SpeakerRole::Agent, dice.pick(kind.asks));
    match delivery {
        Delivery::Pieces | Delivery::PiecesWithEcho => {
            in_turns(wordings, kind.kind, &value, delivery, dialogue, dice);
        }
        Delivery::OneTurnWithBackchannels => {
            in_one_turn(wordings, kind.kind, &value, dialogue, dice)
        }
        Delivery::Corrected => {
            let secret = dialogue.add_secret(kind.kind, value.pieces.len() > 1);
            dialogue.begin_turn(SpeakerRole::Customer);
            dialogue.write_around(secret, dice.pick(wordings.answers), &value.pieces[0]);
            dialogue.say(SpeakerRole::Agent, dice.pick(wordings.backchannels));
            dialogue.begin_turn(SpeakerRole::Customer);
            dialogue.write_around(secret, dice.pick(wordings.corrections), &value.whole());
        }
        Delivery::ReadBack => {
            let secret = dialogue.add_secret(kind.kind, false);
            dialogue.begin_turn(SpeakerRole::Customer);
            dialogue.write_around(secret, dice.pick(wordings.answers), &value.whole());
            dialogue.begin_turn(SpeakerRole::Agent);
            dialogue.write_around(secret, dice.pick(wordings.read_backs), &value.whole());
            dialogue.say(SpeakerRole::Customer, "yes that's right");
        }
        Delivery::Interrupted => {
            let (customer, agent) = dice.pick(wordings.interruptions);
            dialogue.say(SpeakerRole::Customer, customer);
            dialogue.say(SpeakerRole::Agent, agent);
            if value.pieces.len() > 1 {
                in_turns(
                    wordings,
                    kind.kind,
                    &value,
                    Delivery::Pieces,
                    dialogue,
                    dice,
                );
            } else {
                answer(wordings, kind.kind, &value, dialogue, dice);
            }
        }
        Delivery::Whole | Delivery::Announced => {
            answer(wordings, kind.kind, &value, dialogue, dice)
        }
    }
}

fn answer(
    wordings: &Wordings,
    kind: PiiKind,
    value: &Value,
    dialogue: &mut Dialogue,
    dice: &mut Dice,
) {
    let secret = dialogue.add_secret(kind, false);
    dialogue.begin_turn(SpeakerRole::Customer);
    dialogue.write_around(secret, dice.pick(wordings.answers), &value.whole());
}

fn in_turns(
    wordings: &Wordings,
    kind: PiiKind,
    value: &Value,
    delivery: Delivery,
    dialogue: &mut Dialogue,
    dice: &mut Dice,
) {
    let secret = dialogue.add_secret(kind, true);
    for (index, piece) in value.pieces.iter().enumerate() {
        dialogue.begin_turn(SpeakerRole::Customer);
        if index == 0 && dice.happens(40) {
            dialogue.write_around(secret, dice.pick(wordings.answers), piece);
        } else {
            dialogue.write_piece(secret, piece);
        }
        if delivery == Delivery::PiecesWithEcho {
            dialogue.begin_turn(SpeakerRole::Agent);
            dialogue.write_piece(secret, piece);
        } else if dice.happens(80) {
            dialogue.say(SpeakerRole::Agent, dice.pick(wordings.backchannels));
        }
    }
}

fn in_one_turn(
    wordings: &Wordings,
    kind: PiiKind,
    value: &Value,
    dialogue: &mut Dialogue,
    dice: &mut Dice,
) {
    let secret = dialogue.add_secret(kind, true);
    dialogue.begin_turn(SpeakerRole::Customer);
    for (index, piece) in value.pieces.iter().enumerate() {
        if index > 0 {
            dialogue.write(" ");
            dialogue.write(dice.pick(wordings.inner_backchannels));
            dialogue.write(" ");
        }
        dialogue.write_piece(secret, piece);
    }
}
