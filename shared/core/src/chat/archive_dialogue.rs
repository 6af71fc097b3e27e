//! An archived chat as rules and cards read it.

use super::archive::ArchiveLine;
use super::message::Message;
use crate::lexicon;
use crate::live::{SegmentId, Speaker};
use crate::rules::{Dialogue, Utterance};
use crate::scale::Score;

/// Returns a chat message as rules read it; `None` if neither the customer nor an agent wrote it.
#[must_use]
pub fn utterance_of_message(message: &Message) -> Option<Utterance> {
    let speaker = if message.from.is_customer() {
        Speaker::Customer
    } else if message.from.kind.eq_ignore_ascii_case("agent") {
        Speaker::Agent
    } else {
        return None;
    };
    let at = message.timestamp_ms;
    let mut utterance = Utterance::new(speaker, at, at, message.text.clone());
    let digits = message.identity().to_string();
    utterance.id = SegmentId(u64::from_str_radix(&digits[..16], 16).unwrap_or_default());
    Some(utterance)
}

/// Builds the conversation that rules read from an archive. Outages of the stream that no transcript covers are gaps.
#[must_use]
pub fn dialogue_of_archive(lines: &[ArchiveLine]) -> Dialogue {
    let mut dialogue = Dialogue::default();
    for line in lines {
        for gap in line.gap_before.iter().chain(&line.gap_after) {
            dialogue.gaps.push((gap.from_ms, gap.to_ms));
        }
        let Some(utterance) = utterance_of_message(&line.message) else {
            continue;
        };
        let score = line
            .model_sentiment
            .or(line.sentiment)
            .and_then(|score| Score::try_from(score).ok())
            .unwrap_or_else(|| lexicon::score(&line.message.text).score);
        let mut utterance = utterance.with_score(score);
        utterance.signals = line.signals;
        dialogue.utterances.push(utterance);
    }
    let times = || lines.iter().map(|line| line.message.timestamp_ms);
    dialogue.facts.start = times().min();
    dialogue.facts.end = times().max();
    dialogue
}
