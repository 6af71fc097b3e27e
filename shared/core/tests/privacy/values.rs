//! Secrets as people write and say them.

use insights_core::pii::PiiKind;

use crate::dice::Dice;

const DIGIT_WORDS: [&str; 10] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const TEENS: [&str; 10] = [
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
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

/// A secret: the pieces in which it is said when somebody says it in pieces.
pub(crate) struct Value {
    pub(crate) pieces: Vec<String>,
    pub(crate) separator: &'static str,
}

impl Value {
    fn one(text: impl Into<String>) -> Self {
        Self {
            pieces: vec![text.into()],
            separator: " ",
        }
    }

    /// Returns the secret as it is said in one go.
    pub(crate) fn whole(&self) -> String {
        self.pieces.join(self.separator)
    }
}

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

/// Says digits the way people do: one by one, with "oh" and "double", or in pairs.
pub(crate) fn speak(digits: &str, dice: &mut Dice) -> String {
    let zero = dice.pick(&["zero", "oh", "oh", "nought"]);
    let doubles = dice.happens(50);
    let triple = dice.pick(&["triple", "treble"]);
    let values: Vec<usize> = digits
        .bytes()
        .map(|digit| usize::from(digit - b'0'))
        .collect();
    if values.len().is_multiple_of(2) && values[0] > 1 && dice.happens(15) {
        let pairs: Vec<String> = values
            .chunks(2)
            .map(|pair| say_pair(pair[0], pair[1]))
            .collect();
        return pairs.join(" ");
    }
    let word = |digit: usize| if digit == 0 { zero } else { DIGIT_WORDS[digit] };
    let mut words: Vec<String> = Vec::new();
    let mut place = 0;
    while place < values.len() {
        let same = values[place..]
            .iter()
            .take_while(|value| **value == values[place])
            .count();
        let (times, count) = match same {
            _ if !doubles => ("", 1),
            2 => ("double ", 2),
            3 => (triple, 3),
            _ => ("", 1),
        };
        let space = if times == triple { " " } else { "" };
        words.push(format!("{times}{space}{}", word(values[place])));
        place += count;
    }
    words.join(" ")
}

fn say_pair(tens: usize, units: usize) -> String {
    match (tens, units) {
        (0, _) => format!("oh {}", DIGIT_WORDS[units]),
        (1, _) => TEENS[units].to_owned(),
        (_, 0) => TENS[tens].to_owned(),
        _ => format!("{} {}", TENS[tens], DIGIT_WORDS[units]),
    }
}

fn groups(text: &str, lengths: &[usize]) -> Vec<String> {
    let mut rest = text;
    let mut parts = Vec::new();
    for length in lengths {
        let (part, behind) = rest.split_at((*length).min(rest.len()));
        parts.push(part.to_owned());
        rest = behind;
    }
    parts.retain(|part| !part.is_empty());
    parts
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

fn expiry(spoken: bool, dice: &mut Dice) -> Value {
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

fn email(spoken: bool, dice: &mut Dice) -> Value {
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

fn phone(spoken: bool, dice: &mut Dice) -> Value {
    let (digits, lengths, separator): (String, &[usize], &str) = match dice.below(14) {
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

fn birth(spoken: bool, dice: &mut Dice) -> Value {
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

fn address(spoken: bool, dice: &mut Dice) -> Value {
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

fn name(dice: &mut Dice) -> Value {
    let (first, last) = (dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES));
    if dice.happens(20) {
        return Value::one(format!("{} {}", first.to_lowercase(), last.to_lowercase()));
    }
    Value::one(format!("{first} {last}"))
}
