//! Dates of birth: dates near a word such as "born".

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::context::{compile_pattern, text_after, text_before};
use super::finding::{Finding, PiiKind};

/// Length of the text before a date in which a word of birth may stand, in bytes: the agent's question and a hesitant answer.
const BYTES_BEFORE: usize = 120;
/// Length of the text after a date in which a word of birth may stand, in bytes: "4 July 1985 is my date of birth".
const BYTES_AFTER: usize = 40;

const MONTHS: &str = "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";
const SPOKEN_DAYS: &str = "(?:twenty[ -]|thirty[ -])?(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth)|tenth|eleventh|twelfth|thirteenth|fourteenth|fifteenth|sixteenth|seventeenth|eighteenth|nineteenth|twentieth|thirtieth";
const SPOKEN_YEARS: &str = "(?:nineteen|twenty|two thousand)(?:[ -](?:and[ -])?(?:oh|hundred|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|one|two|three|four|five|six|seven|eight|nine)){0,2}";

/// Finds dates of birth: any plausible date with a word of birth close before or after it.
pub(super) fn find_birth_dates(text: &str) -> Vec<Finding> {
    static BIRTH: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?i)\b(?:born|(?:date|day|year) of birth|birth\s?date|dob|d\.o\.b|(?:my|your|his|her) birthday|birthday (?:is|was))\b",
        )
    });
    // After the date only the same sentence counts, because the next sentence may be the agent's question.
    static BORN: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"(?i)^[^.?!:]*\b(?:born|(?:date|day) of birth|birth\s?date|dob|(?:my|his|her) birthday)\b",
        )
    });
    let near = |range: &Range<usize>| {
        BIRTH.is_match(text_before(text, range.start, BYTES_BEFORE))
            || BORN.is_match(text_after(text, range.end, BYTES_AFTER))
    };
    let mut found: Vec<Finding> = numeric_dates(text)
        .chain(named_dates(text))
        .filter(near)
        .map(|range| Finding {
            kind: PiiKind::DateOfBirth,
            range,
        })
        .collect();
    found.sort_by_key(|finding| finding.range.start);
    found.dedup_by(|later, earlier| later.range.start < earlier.range.end);
    found
}

/// Returns dates such as `12/05/1980`, `12-05-80`, `1980-05-12` and `12.05.1980`, with day and month in either order.
fn numeric_dates(text: &str) -> impl Iterator<Item = Range<usize>> {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        compile_pattern(
            r"\b(?:([0-9]{1,2})[/. -]([0-9]{1,2})[/. -]((?:19|20)?[0-9]{2})|((?:19|20)[0-9]{2})[/. -]([0-9]{1,2})[/. -]([0-9]{1,2}))\b",
        )
    });
    DATE.captures_iter(text).filter_map(|date: Captures<'_>| {
        let number = |index| {
            date.get(index)
                .and_then(|part| part.as_str().parse::<u32>().ok())
        };
        let (one, two) = number(1)
            .zip(number(2))
            .or_else(|| number(5).zip(number(6)))?;
        let day_and_month =
            |day: u32, month: u32| (1..=31).contains(&day) && (1..=12).contains(&month);
        (day_and_month(one, two) || day_and_month(two, one))
            .then(|| date.get(0).map(|whole| whole.range()))?
    })
}

/// Returns dates such as `May 12th, 1980`, `the 12th of May 1980` and `May twelfth nineteen eighty`.
fn named_dates(text: &str) -> impl Iterator<Item = Range<usize>> {
    static DATE: LazyLock<Regex> = LazyLock::new(|| {
        let day = format!("(?:[0-9]{{1,2}}(?:st|nd|rd|th)?|{SPOKEN_DAYS})");
        let year = format!("(?:(?:19|20)[0-9]{{2}}|'?[0-9]{{2}}|{SPOKEN_YEARS})");
        compile_pattern(&format!(
            r"(?i)\b(?:(?:{MONTHS})\.?\s(?:the\s)?{day},?\s(?:of\s)?{year}|{day}\s(?:of\s)?(?:{MONTHS}),?\s(?:of\s)?{year})\b"
        ))
    });
    DATE.find_iter(text).map(|date| date.range())
}
