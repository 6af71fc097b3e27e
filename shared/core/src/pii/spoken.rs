//! Digits read out: "four five seven two, double one oh nine".

use std::ops::Range;

use super::numbers::is_card;
use super::{Finding, PiiKind};

/// The fewest digits of a run: a telephone number without its area code. Shorter ones are quantities and times.
const MIN_DIGITS: usize = 7;
/// The fewest where most are said in pairs ("forty five thirty two"): shorter runs are years and times of day.
const MIN_PAIRED: usize = 12;
/// The fewest where each is a figure on its own ("4 5 7 2 ..."): short lists of figures are ratings and scores.
const MIN_FIGURES: usize = 9;
/// The fewest words among figures ("4572 double one oh"): below it the figures are what was said.
const MIN_WORDS: usize = 3;
/// How many words in a row may stand between two digits: "four, uh, and then five".
const MAX_FILLERS: usize = 3;

/// What a word is in a run of digits.
enum Word {
    /// One or two digits said with one word; the flag says that it is a word and not a figure.
    Digits(Vec<u8>, bool),
    /// `forty`: its digit, and a zero unless a digit word follows.
    Tens(u8),
    /// `double`, `triple`: the next digit so many times.
    Repeat(usize),
    /// `uh`, `dash`: said between digits.
    Filler,
    /// Anything else ends the run.
    Other,
}

/// Runs of digits read out, as card numbers where they check as one.
pub(super) fn runs(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut run = Run::default();
    for range in words(text) {
        if !run.takes(text, range.clone()) {
            found.extend(std::mem::take(&mut run).finding());
            // What ended the one may begin the next.
            run.takes(text, range);
        }
    }
    found.extend(run.finding());
    found
}

/// A run under way.
#[derive(Default)]
struct Run {
    digits: Vec<u8>,
    /// From the first digit word to the last, in bytes.
    range: Option<Range<usize>>,
    fillers: usize,
    words: usize,
    paired: usize,
    figures: usize,
    long_figures: usize,
    repeat: Option<(usize, usize)>,
    /// Whether the last digit is the zero of a `forty`, which a following digit takes the place of.
    open_tens: bool,
}

impl Run {
    /// Adds a word; `false` if it ends the run.
    fn takes(&mut self, text: &str, at: Range<usize>) -> bool {
        // A sentence may end between two groups, but another line of figures (a table) is another number.
        if let Some(last) = &self.range
            && text[last.end..at.start].contains([':', '$', '€', '£', '/'])
        {
            return false;
        }
        match classify(&text[at.clone()]) {
            Word::Digits(digits, spoken) => self.add(&digits, spoken, at),
            Word::Tens(digit) => {
                self.add(&[digit, 0], true, at);
                self.open_tens = true;
            }
            Word::Repeat(times) => self.repeat = Some((times, at.start)),
            Word::Filler if self.range.is_some() && self.fillers < MAX_FILLERS => self.fillers += 1,
            Word::Filler | Word::Other => return false,
        }
        true
    }

    fn add(&mut self, digits: &[u8], spoken: bool, at: Range<usize>) {
        if std::mem::take(&mut self.open_tens)
            && self.fillers == 0
            && spoken
            && digits.len() == 1
            && digits[0] != 0
        {
            self.digits.pop();
        }
        let (times, start) = self.repeat.take().unwrap_or((1, at.start));
        let times = if digits.len() == 1 { times } else { 1 };
        for _ in 0..times {
            self.digits.extend_from_slice(digits);
        }
        if spoken {
            self.words += 1;
            self.paired += usize::from(digits.len() > 1);
        } else {
            self.figures += 1;
            self.long_figures += usize::from(digits.len() > 1);
        }
        self.fillers = 0;
        self.range = Some(self.range.take().map_or(start, |range| range.start)..at.end);
    }

    /// What the run is, if it is long enough.
    fn finding(self) -> Option<Finding> {
        let enough = if self.words >= MIN_WORDS && self.words >= self.figures {
            if self.paired * 2 > self.words {
                MIN_PAIRED
            } else {
                MIN_DIGITS
            }
        } else if self.long_figures == 0 {
            MIN_FIGURES
        } else {
            return None;
        };
        let kind = if is_card(&self.digits) {
            PiiKind::CreditCard
        } else {
            PiiKind::SpokenDigits
        };
        self.range
            .filter(|_| self.digits.len() >= enough)
            .map(|range| Finding { kind, range })
    }
}

/// The byte ranges of the words: letters and digits in a row, an apostrophe inside included.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut characters = text.char_indices().peekable();
    std::iter::from_fn(move || {
        let (start, first) = characters.find(|(_, c)| c.is_alphanumeric())?;
        let mut end = start + first.len_utf8();
        while let Some((at, c)) = characters.next_if(|(_, c)| c.is_alphanumeric() || *c == '\'') {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

fn classify(word: &str) -> Word {
    // The longest word of interest is "seventeen"; what is longer needs no folding.
    if word.len() > 9 {
        return Word::Other;
    }
    if word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Word::Digits(word.bytes().map(|byte| byte - b'0').collect(), false);
    }
    let one = |digit| Word::Digits(vec![digit], true);
    match word.to_ascii_lowercase().as_str() {
        "zero" | "oh" | "o" | "nought" | "naught" => one(0),
        "one" => one(1),
        "two" => one(2),
        "three" => one(3),
        "four" => one(4),
        "five" => one(5),
        "six" => one(6),
        "seven" => one(7),
        "eight" => one(8),
        "nine" | "niner" => one(9),
        "ten" => Word::Digits(vec![1, 0], true),
        "eleven" => Word::Digits(vec![1, 1], true),
        "twelve" => Word::Digits(vec![1, 2], true),
        "thirteen" => Word::Digits(vec![1, 3], true),
        "fourteen" => Word::Digits(vec![1, 4], true),
        "fifteen" => Word::Digits(vec![1, 5], true),
        "sixteen" => Word::Digits(vec![1, 6], true),
        "seventeen" => Word::Digits(vec![1, 7], true),
        "eighteen" => Word::Digits(vec![1, 8], true),
        "nineteen" => Word::Digits(vec![1, 9], true),
        "twenty" => Word::Tens(2),
        "thirty" => Word::Tens(3),
        "forty" | "fourty" => Word::Tens(4),
        "fifty" => Word::Tens(5),
        "sixty" => Word::Tens(6),
        "seventy" => Word::Tens(7),
        "eighty" => Word::Tens(8),
        "ninety" => Word::Tens(9),
        "double" => Word::Repeat(2),
        "triple" | "treble" => Word::Repeat(3),
        "uh" | "um" | "er" | "erm" | "and" | "then" | "dash" | "hyphen" | "space" | "dot"
        | "next" => Word::Filler,
        _ => Word::Other,
    }
}
