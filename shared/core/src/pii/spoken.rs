//! Digits that somebody reads out: "four five seven two, double one oh nine".

use std::ops::Range;

use super::finding::{Finding, PiiKind};
use super::numbers::is_card;

/// Smallest number of digits of a run: a telephone number without its area code. Shorter runs are quantities and times.
const MIN_DIGITS: usize = 7;
/// Smallest number of digits where most are said in pairs ("forty five thirty two"): shorter runs are years and times of day.
const MIN_PAIRED_DIGITS: usize = 12;
/// Smallest number of digits where each is a figure of its own ("4 5 7 2 ..."): short lists of figures are ratings.
const MIN_SINGLE_FIGURES: usize = 9;
/// Smallest number of words among figures ("4572 double one oh"): with fewer words the run counts as written figures.
const MIN_WORDS: usize = 3;
/// Largest number of words in a row between two digits: "four, uh, and then five".
const MAX_FILLERS: usize = 3;

/// The role of a word in a run of digits.
enum WordRole {
    /// The word is one or two digits; the flag says whether it is spelled as a word and not as a figure.
    Digits(Vec<u8>, bool),
    /// The word is a multiple of ten such as `forty`: its digit, and a zero unless a digit word follows.
    Tens(u8),
    /// The word is `double` or `triple`: the next digit counts that many times.
    Repeat(usize),
    /// The word may stand between digits, such as `uh` and `dash`.
    Filler,
    /// The word ends the run.
    Other,
}

/// Finds runs of digits that somebody reads out; a run that passes the check of a payment card counts as one.
pub(super) fn find_spoken_digits(text: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut run = Run::default();
    for range in words(text) {
        if !run.extend_with(text, range.clone()) {
            found.extend(std::mem::take(&mut run).into_finding());
            // The word that ended this run may begin the next run.
            run.extend_with(text, range);
        }
    }
    found.extend(run.into_finding());
    found
}

/// A run of digits that is being read.
#[derive(Default)]
struct Run {
    digits: Vec<u8>,
    /// The place from the first digit word to the last, in bytes.
    range: Option<Range<usize>>,
    /// The number of fillers since the last digit.
    fillers: usize,
    /// The number of digit words.
    words: usize,
    /// The number of digit words that stand for two digits.
    paired: usize,
    /// The number of figures.
    figures: usize,
    /// The number of figures with more than one digit.
    long_figures: usize,
    /// The factor and the place of a `double` or `triple` that waits for its digit.
    repeat: Option<(usize, usize)>,
    /// Whether the last digit is the zero of a word such as `forty`, which a following digit replaces.
    open_tens: bool,
}

impl Run {
    /// Adds a word to the run; returns `false` if the word ends the run.
    fn extend_with(&mut self, text: &str, at: Range<usize>) -> bool {
        // A sentence may end between two groups of one number, but these signs separate two numbers.
        if let Some(last) = &self.range
            && text[last.end..at.start].contains([':', '$', '€', '£', '/'])
        {
            return false;
        }
        match classify(&text[at.clone()]) {
            WordRole::Digits(digits, spoken) => self.add(&digits, spoken, at),
            WordRole::Tens(digit) => {
                self.add(&[digit, 0], true, at);
                self.open_tens = true;
            }
            WordRole::Repeat(times) => self.repeat = Some((times, at.start)),
            WordRole::Filler if self.range.is_some() && self.fillers < MAX_FILLERS => {
                self.fillers += 1
            }
            WordRole::Filler | WordRole::Other => return false,
        }
        true
    }

    /// Adds the digits of one word.
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

    /// Returns the finding of a run that is long enough.
    fn into_finding(self) -> Option<Finding> {
        let enough = if self.words >= MIN_WORDS && self.words >= self.figures {
            if self.paired * 2 > self.words {
                MIN_PAIRED_DIGITS
            } else {
                MIN_DIGITS
            }
        } else if self.long_figures == 0 {
            MIN_SINGLE_FIGURES
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

/// Iterates over the byte ranges of the words: letters and digits in a row, an apostrophe inside included.
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

/// Returns the role of a word in a run of digits.
fn classify(word: &str) -> WordRole {
    // No word of interest is longer than "seventeen", so a longer word need not be converted to lower case.
    if word.len() > 9 {
        return WordRole::Other;
    }
    if word.len() <= 4 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        return WordRole::Digits(word.bytes().map(|byte| byte - b'0').collect(), false);
    }
    let one = |digit| WordRole::Digits(vec![digit], true);
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
        "ten" => WordRole::Digits(vec![1, 0], true),
        "eleven" => WordRole::Digits(vec![1, 1], true),
        "twelve" => WordRole::Digits(vec![1, 2], true),
        "thirteen" => WordRole::Digits(vec![1, 3], true),
        "fourteen" => WordRole::Digits(vec![1, 4], true),
        "fifteen" => WordRole::Digits(vec![1, 5], true),
        "sixteen" => WordRole::Digits(vec![1, 6], true),
        "seventeen" => WordRole::Digits(vec![1, 7], true),
        "eighteen" => WordRole::Digits(vec![1, 8], true),
        "nineteen" => WordRole::Digits(vec![1, 9], true),
        "twenty" => WordRole::Tens(2),
        "thirty" => WordRole::Tens(3),
        "forty" | "fourty" => WordRole::Tens(4),
        "fifty" => WordRole::Tens(5),
        "sixty" => WordRole::Tens(6),
        "seventy" => WordRole::Tens(7),
        "eighty" => WordRole::Tens(8),
        "ninety" => WordRole::Tens(9),
        "double" => WordRole::Repeat(2),
        "triple" | "treble" => WordRole::Repeat(3),
        "uh" | "um" | "er" | "erm" | "and" | "then" | "dash" | "hyphen" | "space" | "dot"
        | "next" => WordRole::Filler,
        _ => WordRole::Other,
    }
}
