//! Secrets as people write and say them.

use insights_core::pii::PiiKind;

use crate::contacts::{address, email, name, phone};
use crate::dates::{birth, expiry};
use crate::dice::Dice;
use crate::spoken::speak;
use crate::value::{Value, groups};

const PASSWORDS: [&str; 10] = [
    "hunter22",
    "Bluebird",
    "sunshine7",
    "pomegranate",
    "Tr0ub4dor",
    "marmalade",
    "fluffy1998",
    "Rosebud",
    "zanzibar",
    "Pickles",
];
/// Makes a secret of a kind, written or spoken.
pub(crate) fn make(kind: PiiKind, spoken: bool, dice: &mut Dice) -> Value {
    match kind {
        PiiKind::CreditCard => card(spoken, dice),
        PiiKind::SecurityCode => {
            let lengths: &[usize] =
                dice.pick(&[&[1_usize, 1, 1] as &[usize], &[1, 2], &[3], &[3], &[2, 2]]);
            number(dice.digits(lengths.iter().sum()), lengths, spoken, dice)
        }
        PiiKind::Pin => {
            let lengths: &[usize] =
                dice.pick(&[&[2_usize, 2] as &[usize], &[1, 1, 1, 1], &[4], &[3, 3]]);
            number(dice.digits(lengths.iter().sum()), lengths, spoken, dice)
        }
        PiiKind::CardExpiry => expiry(spoken, dice),
        PiiKind::Password => Value::one(dice.pick(&PASSWORDS)),
        PiiKind::BankAccount => {
            let length = dice.pick(&[8, 8, 9, 10, 12]);
            number(
                dice.digits(length),
                &[length / 2, length - length / 2],
                spoken,
                dice,
            )
        }
        PiiKind::RoutingNumber => {
            if dice.happens(50) {
                let digits = dice.digits(6);
                if spoken {
                    number(digits, &[2, 2, 2], true, dice)
                } else {
                    Value::one(format!(
                        "{}-{}-{}",
                        &digits[..2],
                        &digits[2..4],
                        &digits[4..]
                    ))
                }
            } else {
                number(dice.digits(9), &[3, 3, 3], spoken, dice)
            }
        }
        PiiKind::Iban => Value {
            pieces: groups(&iban(dice), &[4, 4, 4, 4, 4, 2]),
            separator: " ",
        },
        PiiKind::Email => email(spoken, dice),
        PiiKind::Phone => phone(spoken, dice),
        PiiKind::Ssn => {
            let digits = format!("{}{}", 100 + dice.below(500), dice.digits(6));
            if spoken || dice.happens(30) {
                number(digits, &[3, 2, 4], spoken, dice)
            } else {
                Value {
                    pieces: groups(&digits, &[3, 2, 4]),
                    separator: "-",
                }
            }
        }
        PiiKind::NationalInsurance => {
            let digits = dice.digits(6);
            let prefix = dice.pick(&["QQ", "AB", "JG", "WM", "PY"]);
            Value::one(format!(
                "{prefix} {} {} {} C",
                &digits[..2],
                &digits[2..4],
                &digits[4..]
            ))
        }
        PiiKind::Passport => {
            let digits = dice.digits(8);
            let letter = dice.pick(&["", "C", "N", "X"]);
            Value::one(format!("{letter}{digits}"))
        }
        PiiKind::DriversLicense => {
            let prefix = dice.pick(&["D", "S", "MORGA", "F"]);
            let length = if prefix == "MORGA" { 6 } else { 8 };
            Value::one(format!("{prefix}{}", dice.digits(length)))
        }
        PiiKind::DateOfBirth => birth(spoken, dice),
        PiiKind::Address => address(spoken, dice),
        PiiKind::Name => name(dice),
        PiiKind::SpokenDigits => number(dice.digits(9), &[3, 3, 3], true, dice),
    }
}

fn number(digits: String, lengths: &[usize], spoken: bool, dice: &mut Dice) -> Value {
    let parts = groups(&digits, lengths);
    if spoken {
        Value {
            pieces: parts.iter().map(|part| speak(part, dice)).collect(),
            separator: " ",
        }
    } else {
        let separator = dice.pick(&["", " ", "", "-"]);
        Value {
            pieces: parts,
            separator,
        }
    }
}

fn card(spoken: bool, dice: &mut Dice) -> Value {
    let (prefix, length, lengths): (String, usize, &[usize]) = match dice.below(10) {
        0 => (format!("37{}", dice.digits(2)), 15, &[4, 6, 5]),
        1..=3 => (format!("5{}", 1 + dice.below(5)), 16, &[4, 4, 4, 4]),
        4 => (format!("22{}", 3 + dice.below(6)), 16, &[4, 4, 4, 4]),
        5 => ("6011".to_owned(), 16, &[4, 4, 4, 4]),
        _ => ("4".to_owned(), 16, &[4, 4, 4, 4]),
    };
    let body = dice.digits(length - prefix.len() - 1);
    let unchecked = format!("{prefix}{body}");
    let mut digits = (0..10)
        .map(|check| format!("{unchecked}{check}"))
        .find(|digits| passes_luhn(digits))
        .unwrap_or_default();
    // One in ten numbers is misheard: one digit differs, and the check digit does not hold.
    if dice.happens(10) {
        let place = 5 + dice.below(8);
        let other = (digits.as_bytes()[place] - b'0' + 1 + dice.below(8) as u8) % 10;
        digits.replace_range(place..=place, &other.to_string());
    }
    let parts = groups(&digits, lengths);
    if spoken {
        Value {
            pieces: parts.iter().map(|part| speak(part, dice)).collect(),
            separator: " ",
        }
    } else {
        Value {
            pieces: parts,
            separator: dice.pick(&[" ", " ", "-", "", ".", "/", " - ", "   "]),
        }
    }
}

fn passes_luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * (1 + place as u32 % 2);
            if value > 9 { value - 9 } else { value }
        })
        .sum();
    sum.is_multiple_of(10)
}

fn iban(dice: &mut Dice) -> String {
    let body = dice.digits(18);
    let check = (2..=98)
        .find(|check| {
            format!("{body}1314{check:02}")
                .bytes()
                .fold(0_u32, |rest, digit| {
                    (rest * 10 + u32::from(digit - b'0')) % 97
                })
                == 1
        })
        .unwrap_or(2);
    format!("DE{check:02}{body}")
}
