//! A transcript as rules, talk metrics and cards read it.

use jiff::Timestamp;

use super::transcript::{Line, Speaker, sort_by_time};
use crate::lexicon;
use crate::live::Speaker as LiveSpeaker;
use crate::rules::{Dialogue, Utterance};
use crate::talk_metrics::Turn;

/// Time that a word takes at the usual rate of English conversation, 150 words per minute.
const WORD_MS: i64 = 400;

/// Builds the conversation that rules read from the lines of a transcript, its listed start and its duration. Lines carry no end: a line lasts as long as its words
/// usually take, and at most until the next line begins. Scores are those of the lexicon. Entries that could not be read may have
/// stood anywhere, so they make the whole conversation a gap.
#[must_use]
pub fn dialogue_of_lines(
    start_time: &str,
    duration_seconds: Option<f64>,
    lines: Vec<Line>,
    unreadable_lines: usize,
) -> Dialogue {
    let lines: Vec<Line> = lines
        .into_iter()
        .filter(|line| !line.text.trim().is_empty())
        .collect();
    let lines = sort_by_time(lines);
    let listed_start = start_time.parse::<Timestamp>().ok();
    let mut dialogue = Dialogue::default();
    let mut next_start = listed_start.map_or(0, Timestamp::as_millisecond);
    let starts: Vec<Option<i64>> = lines
        .iter()
        .map(|line| line.at.map(Timestamp::as_millisecond))
        .collect();
    for (number, line) in lines.iter().enumerate() {
        let start = starts[number].unwrap_or(next_start);
        let words = i64::try_from(line.text.split_whitespace().count()).unwrap_or(1);
        let said_by = start + words * WORD_MS;
        let following = starts[number + 1..].iter().flatten().next();
        let end = following.map_or(said_by, |next| said_by.min((*next).max(start)));
        next_start = end;
        let speaker = match line.speaker {
            Speaker::Agent => LiveSpeaker::Agent,
            Speaker::Customer => LiveSpeaker::Customer,
        };
        let utterance = Utterance::new(speaker, start, end, line.text.clone());
        dialogue
            .utterances
            .push(utterance.with_score(lexicon::score(&line.text).score));
    }
    let first = dialogue.utterances.first().map(|first| first.start);
    let start = match (listed_start.map(Timestamp::as_millisecond), first) {
        (Some(listed), Some(first)) => Some(listed.min(first)),
        (listed, first) => listed.or(first),
    };
    dialogue.facts.start = start;
    dialogue.facts.end = start
        .zip(duration_seconds)
        .map(|(start, seconds)| start.saturating_add((seconds * 1000.0) as i64))
        .filter(|end| dialogue.utterances.iter().all(|it| it.end <= *end));
    if unreadable_lines > 0 {
        dialogue.gaps.push((i64::MIN, i64::MAX));
    }
    dialogue
}

/// Returns the turns of a conversation for talk metrics.
#[must_use]
pub fn turns_of(dialogue: &Dialogue) -> Vec<Turn> {
    dialogue
        .utterances
        .iter()
        .map(|utterance| Turn {
            speaker: utterance.speaker,
            start: utterance.start,
            end: utterance.end,
            words: utterance.text.split_whitespace().count(),
        })
        .collect()
}
