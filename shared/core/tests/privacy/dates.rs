//! Dates as people write and say them: of births and of cards.

use crate::dice::Dice;
use crate::spoken::{DIGIT_WORDS, say_pair};
use crate::value::Value;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Makes the date on which a card expires.
pub(crate) fn expiry(spoken: bool, dice: &mut Dice) -> Value {
    let (month, year) = (1 + dice.below(12), 27 + dice.below(8));
    let year_words = say_pair(year / 10, year % 10);
    Value::one(match (spoken, dice.below(3)) {
        (false, 0) => format!("{month:02}/{year}"),
        (false, 1) => format!("{month:02}/20{year}"),
        (false, _) => format!("{month:02} {year}"),
        (true, 0) => format!("{} twenty {year_words}", MONTHS[month - 1].to_lowercase()),
        (true, 1) => format!("{} {year_words}", say_pair(month / 10, month % 10)),
        (true, _) => format!("{} {year_words}", MONTHS[month - 1]),
    })
}

/// Makes a date of birth.
pub(crate) fn birth(spoken: bool, dice: &mut Dice) -> Value {
    let (day, month, year) = (
        1 + dice.below(28),
        1 + dice.below(12),
        1940 + dice.below(64),
    );
    let ordinal = match day {
        1 | 21 => "st",
        2 | 22 => "nd",
        3 | 23 => "rd",
        _ => "th",
    };
    let name = MONTHS[month - 1];
    if spoken {
        let year_words = if year < 2000 {
            format!("nineteen {}", say_pair(year / 10 % 10, year % 10))
        } else {
            format!(
                "two thousand and {}",
                DIGIT_WORDS[year % 10].replace("zero", "one")
            )
        };
        return Value {
            pieces: vec![format!("{day}{ordinal} of {name}"), year_words],
            separator: " ",
        };
    }
    Value::one(match dice.below(6) {
        0 => format!("{month:02}/{day:02}/{year}"),
        1 => format!("{day:02}-{month:02}-{year}"),
        2 => format!("{name} {day}{ordinal}, {year}"),
        3 => format!("{day} {name} {year}"),
        4 => format!("{month:02}{day:02}{year}"),
        _ => format!("{day:02}.{month:02}.{:02}", year % 100),
    })
}
