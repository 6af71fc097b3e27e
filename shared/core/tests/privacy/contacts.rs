//! How somebody is reached: addresses of mail and of streets, telephone numbers in national forms, names.

use crate::dice::Dice;
use crate::spoken::{DIGIT_WORDS, say_pair, speak};
use crate::value::{Value, groups};

const FIRST_NAMES: [&str; 16] = [
    "Margaret", "Dwayne", "Priya", "Siobhan", "Tomasz", "Aisha", "Desmond", "Ingrid", "Kwame",
    "Lucia", "Hamish", "Yuki", "Fatima", "Gareth", "Bettina", "Olu",
];
const LAST_NAMES: [&str; 16] = [
    "Okafor",
    "Pemberton",
    "Kowalski",
    "Iyer",
    "Fitzgerald",
    "Marchetti",
    "Abernathy",
    "Nakamura",
    "Delacroix",
    "Haraldsen",
    "Mbeki",
    "Quigley",
    "Schreiber",
    "Trevino",
    "Wojcik",
    "Castellanos",
];
const STREETS: [&str; 12] = [
    "Maple Street",
    "Willowbrook Lane",
    "Harrow Road",
    "St. James Avenue",
    "Kingfisher Close",
    "Old Mill Drive",
    "Sunset Boulevard",
    "Chestnut Court",
    "Victoria Terrace",
    "Pine Hill Way",
    "Orchard Crescent",
    "Church Street",
];
const HOSTS: [&str; 8] = [
    "gmail.com",
    "hotmail.co.uk",
    "yahoo.com",
    "acmeplumbing.net",
    "posteo.de",
    "outlook.com",
    "northfield.org",
    "icloud.com",
];

/// Makes an address of mail.
pub(crate) fn email(spoken: bool, dice: &mut Dice) -> Value {
    let first = dice.pick(&FIRST_NAMES).to_lowercase();
    let last = dice.pick(&LAST_NAMES).to_lowercase();
    let host = dice.pick(&HOSTS);
    if spoken {
        let local = match dice.below(4) {
            0 => format!("{first} dot {last}"),
            1 => format!("{first} underscore {last}"),
            2 => format!("{first} {}", speak(&dice.digits(2), dice)),
            _ => format!("{} dot {last}", &first[..1]),
        };
        let at = if dice.happens(70) {
            host.replace('.', " dot ")
        } else {
            host.to_owned()
        };
        Value {
            pieces: vec![local, format!("at {at}")],
            separator: " ",
        }
    } else {
        Value::one(match dice.below(3) {
            0 => format!("{first}.{last}@{host}"),
            1 => format!("{first}{}@{host}", dice.digits(2)),
            _ => format!("{}_{last}@{host}", &first[..1]),
        })
    }
}

/// Makes a telephone number in the form of one of 15 countries.
pub(crate) fn phone(spoken: bool, dice: &mut Dice) -> Value {
    let (digits, lengths, separator): (String, &[usize], &str) = match dice.below(18) {
        0..=2 => (
            format!(
                "{}{}",
                dice.pick(&["415", "212", "647", "905"]),
                dice.digits(7)
            ),
            &[3, 3, 4],
            "-",
        ),
        3 => (
            format!("{}{}", dice.pick(&["415", "303", "718"]), dice.digits(7)),
            &[10],
            "",
        ),
        4 | 5 => (format!("07{}", dice.digits(9)), &[5, 6], " "),
        6 => (format!("020{}", dice.digits(8)), &[3, 4, 4], " "),
        7 => (format!("04{}", dice.digits(8)), &[4, 3, 3], " "),
        8 => (format!("06{}", dice.digits(8)), &[2, 2, 2, 2, 2], " "),
        9 => (format!("9{}", dice.digits(9)), &[5, 5], " "),
        10 => (format!("0151{}", dice.digits(7)), &[4, 7], " "),
        11 => (format!("090{}", dice.digits(8)), &[3, 4, 4], "-"),
        12 => (format!("079{}", dice.digits(7)), &[3, 3, 2, 2], " "),
        13 => (format!("021{}", dice.digits(7)), &[3, 3, 4], " "),
        14 => (format!("6{}", dice.digits(8)), &[3, 3, 3], " "),
        15 => (format!("34{}", dice.digits(8)), &[3, 3, 4], " "),
        16 => (format!("119{}", dice.digits(8)), &[2, 5, 4], "-"),
        _ => (format!("087{}", dice.digits(7)), &[3, 3, 4], " "),
    };
    let parts = groups(&digits, lengths);
    if spoken {
        Value {
            pieces: parts.iter().map(|part| speak(part, dice)).collect(),
            separator: " ",
        }
    } else {
        Value {
            pieces: parts,
            separator: if separator == "-" { "-" } else { " " },
        }
    }
}

/// Makes an address of a street.
pub(crate) fn address(spoken: bool, dice: &mut Dice) -> Value {
    let number = 1 + dice.below(400);
    let street = dice.pick(&STREETS);
    Value::one(if spoken && number > 99 && number % 100 > 9 {
        let pair = say_pair(number / 10 % 10, number % 10);
        format!(
            "{} {pair} {}",
            DIGIT_WORDS[number / 100],
            street.to_lowercase()
        )
    } else {
        format!("{number} {street}")
    })
}

/// Draws the name of a customer.
pub(crate) fn name(dice: &mut Dice) -> Value {
    let (first, last) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES));
    if dice.happens(20) {
        return Value::one(format!("{} {}", first.to_lowercase(), last.to_lowercase()));
    }
    Value::one(format!("{first} {last}"))
}
