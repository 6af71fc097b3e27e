//! Digits as people say them.

use crate::dice::Dice;

/// The words of the ten digits.
pub(crate) const DIGIT_WORDS: [&str; 10] = [
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

/// Says two digits as one number.
pub(crate) fn say_pair(tens: usize, units: usize) -> String {
    match (tens, units) {
        (0, _) => format!("oh {}", DIGIT_WORDS[units]),
        (1, _) => TEENS[units].to_owned(),
        (_, 0) => TENS[tens].to_owned(),
        _ => format!("{} {}", TENS[tens], DIGIT_WORDS[units]),
    }
}
