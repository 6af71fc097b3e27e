//! The transcript of one conversation, read through from the contact center and masked in passing.

use std::collections::HashMap;

use insights_core::card::MAX_QUOTE_CHARS;
use insights_core::chat::archive_dialogue::utterance_of_message;
use insights_core::live::{CallState, SegmentId, Speaker};
use insights_core::pii::{Finding, RedactionPolicy, SpeakerRole, detect_turns};
use insights_core::rules::Utterance;
use insights_core::scale::Score;
use insights_http::Deadline;
use jiff::Timestamp;
use serde::Serialize;
use store::state::StateStore;

use crate::deps::Deps;

/// Largest number of turns that are shown: the newest ones.
const MAX_TURNS: usize = 1000;

/// Longest text of a turn that is shown, in bytes.
const MAX_TEXT_BYTES: usize = 32 << 10;

/// Largest size of all texts together, in bytes. A reply of Lambda has at most 6 MB.
const MAX_ALL_BYTES: usize = 2 << 20;

/// Largest number of scores of a chat that are read.
const MAX_CHAT_SCORES: usize = 1000;

/// One turn of a conversation, for the page.
#[derive(Serialize)]
pub(crate) struct Turn {
    /// When the turn began, in milliseconds since the epoch.
    pub(crate) at: i64,
    /// Who spoke or wrote.
    pub(crate) speaker: &'static str,
    /// What was said, with personal data masked.
    pub(crate) text: String,
    /// The score of the turn, if it is still known.
    pub(crate) score: Option<f64>,
    /// The identity of the segment or message, by which hits of rules name it.
    #[serde(skip)]
    pub(crate) id: Option<SegmentId>,
}

/// What could be read of a transcript.
#[derive(Default, Serialize)]
pub(crate) struct Transcript {
    /// The turns, oldest first.
    pub(crate) turns: Vec<Turn>,
    /// Whether the beginning was left out.
    pub(crate) is_cut: bool,
    /// What the customer and the agent said, unmasked.
    #[serde(skip)]
    spoken: Vec<SpokenTurn>,
}

/// What one side said, and the personal data in it.
struct SpokenTurn {
    utterance: Utterance,
    findings: Vec<Finding>,
}

/// A part of a turn, with personal data masked.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct MaskedQuote {
    /// When the turn began, in milliseconds since the epoch.
    pub(crate) at: i64,
    /// Who spoke or wrote.
    pub(crate) speaker: &'static str,
    /// The quoted words, with personal data masked and cut where they are long.
    pub(crate) text: String,
}

impl Transcript {
    /// Returns what the customer and the agent said as rules and cards read it, unmasked.
    pub(crate) fn utterances(&self) -> impl Iterator<Item = &Utterance> {
        self.spoken.iter().map(|turn| &turn.utterance)
    }

    /// Returns a part of a turn between two character offsets, masked as the whole turn is: personal data of which the part has a piece
    /// is masked as a whole. `None` if the turn is not in the transcript, or shorter.
    pub(crate) fn quote(&self, segment: &str, from: usize, to: usize) -> Option<MaskedQuote> {
        let spoken = self
            .spoken
            .iter()
            .find(|turn| turn.utterance.id.to_string() == segment)?;
        let text = &spoken.utterance.text;
        let byte = |character: usize| text.char_indices().nth(character).map(|(byte, _)| byte);
        let mut part = byte(from)?..byte(to).unwrap_or(text.len());
        let touched: Vec<&Finding> = spoken
            .findings
            .iter()
            .filter(|finding| finding.range.start < part.end && part.start < finding.range.end)
            .collect();
        for finding in &touched {
            part = part.start.min(finding.range.start)..part.end.max(finding.range.end);
        }
        let moved: Vec<Finding> = touched
            .into_iter()
            .map(|finding| Finding {
                kind: finding.kind,
                range: finding.range.start - part.start..finding.range.end - part.start,
            })
            .collect();
        let (masked, _) = RedactionPolicy::default().mask_findings(text.get(part)?, &moved);
        let mut shown: String = masked.chars().take(MAX_QUOTE_CHARS).collect();
        if shown.len() < masked.len() {
            shown.push('…');
        }
        (!shown.trim().is_empty()).then(|| MaskedQuote {
            at: spoken.utterance.start,
            speaker: spoken.utterance.speaker.name(),
            text: shown,
        })
    }
}

/// A turn before it is masked.
struct RawTurn {
    at: i64,
    end: i64,
    id: Option<SegmentId>,
    role: SpeakerRole,
    text: String,
    score: Option<f64>,
}

/// Reads the transcript of a live call, with the scores that its state remembers.
pub(crate) async fn of_call(
    deps: &Deps,
    id: &str,
    state: Option<&CallState>,
    deadline: Deadline,
) -> Result<Transcript, cxone::Error> {
    let read = deps.center.read_call(id, deadline).await?;
    let scores: HashMap<_, _> = state
        .into_iter()
        .flat_map(|state| state.memory().segments())
        .map(|segment| (segment.id, Score::from_ten_thousandths(segment.score).get()))
        .collect();
    let mut segments = read.segments;
    segments.sort_by_key(|segment| (segment.end, segment.start));
    segments.dedup_by_key(|segment| segment.id());
    let turns = segments.into_iter().filter(|segment| segment.is_final);
    let turns = turns.map(|segment| RawTurn {
        at: segment.start,
        end: segment.end,
        id: Some(segment.id()),
        role: match segment.speaker {
            Speaker::Customer => SpeakerRole::Customer,
            Speaker::Agent => SpeakerRole::Agent,
        },
        score: scores.get(&segment.id()).copied(),
        text: segment.text,
    });
    Ok(masked(turns.collect()))
}

/// Reads the transcript of a live chat, with the scores that its session has stored.
pub(crate) async fn of_chat(
    deps: &Deps,
    id: &str,
    deadline: Deadline,
) -> Result<Transcript, cxone::Error> {
    let read = deps.center.read_chat(id, deadline).await?;
    let scores = scores_of_chat(deps, id).await;
    let messages = read.map(|read| read.messages).unwrap_or_default();
    let turns = messages.into_iter().map(|message| RawTurn {
        at: message.timestamp_ms,
        end: message.timestamp_ms,
        id: utterance_of_message(&message).map(|utterance| utterance.id),
        role: SpeakerRole::from_label(&message.from.kind),
        score: scores.get(&message.identity().to_string()).copied(),
        text: message.text,
    });
    Ok(masked(turns.collect()))
}

/// Returns the scores of a chat's messages by their identities. Without them the transcript is still worth reading.
async fn scores_of_chat(deps: &Deps, id: &str) -> HashMap<String, f64> {
    #[derive(serde::Deserialize)]
    struct StoredScore {
        model_sentiment: f64,
    }
    let partition = format!("chat#{id}");
    let listed = deps
        .state
        .list(&partition, "s#", None, MAX_CHAT_SCORES, Timestamp::now())
        .await;
    let items = listed.unwrap_or_default();
    let scores = items.iter().filter_map(|item| {
        let (_, identity) = item.key.sort.rsplit_once('#')?;
        let score: StoredScore = item.decode().ok()?;
        Some((identity.to_owned(), score.model_sentiment))
    });
    scores.collect()
}

/// Cuts and masks turns. They are masked in the order of the conversation, because what was asked decides what an answer is.
fn masked(mut turns: Vec<RawTurn>) -> Transcript {
    let mut is_cut = turns.len() > MAX_TURNS;
    turns.drain(..turns.len().saturating_sub(MAX_TURNS));
    let mut bytes = 0;
    let mut kept = 0;
    for turn in turns.iter_mut().rev() {
        turn.text
            .truncate(turn.text.floor_char_boundary(MAX_TEXT_BYTES));
        bytes += turn.text.len();
        if bytes > MAX_ALL_BYTES {
            is_cut = true;
            break;
        }
        kept += 1;
    }
    turns.drain(..turns.len() - kept);
    let texts = turns.iter().map(|turn| (turn.role, turn.text.as_str()));
    let policy = RedactionPolicy::default();
    let found = detect_turns(texts, &policy);
    let mut transcript = Transcript {
        is_cut,
        ..Transcript::default()
    };
    for (turn, findings) in turns.into_iter().zip(found) {
        let speaker = match turn.role {
            SpeakerRole::Customer => Some(Speaker::Customer),
            SpeakerRole::Agent => Some(Speaker::Agent),
            _ => None,
        };
        let (text, _) = policy.mask_findings(&turn.text, &findings);
        transcript.turns.push(Turn {
            at: turn.at,
            speaker: speaker.map_or("system", Speaker::name),
            text,
            score: turn.score,
            id: turn.id,
        });
        if let (Some(speaker), Some(id)) = (speaker, turn.id) {
            let mut utterance = Utterance::new(speaker, turn.at, turn.end, turn.text);
            utterance.id = id;
            transcript.spoken.push(SpokenTurn {
                utterance,
                findings,
            });
        }
    }
    transcript
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: SpeakerRole, text: &str) -> RawTurn {
        RawTurn {
            at: 0,
            end: 1,
            id: Some(SegmentId(text.len() as u64)),
            role,
            text: text.to_owned(),
            score: None,
        }
    }

    #[test]
    fn a_number_in_pieces_is_masked_with_what_was_asked() {
        let shown = masked(vec![
            turn(SpeakerRole::Agent, "your card number please"),
            turn(SpeakerRole::Customer, "4111 1111"),
            turn(SpeakerRole::Customer, "1111 1111"),
        ]);
        assert_eq!(shown.turns[1].text, "[CARD]");
        assert_eq!(shown.turns[2].text, "[CARD]");
        assert!(!shown.is_cut);
    }

    #[test]
    fn a_quote_is_masked_as_its_turn_is_whatever_part_of_it_is_quoted() {
        let text = "né 12, my card is 4111 1111 1111 1111 and I am furious";
        let shown = masked(vec![turn(SpeakerRole::Customer, text)]);
        let id = SegmentId(text.len() as u64).to_string();
        let all = text.chars().count();
        let whole = shown.quote(&id, 0, all).unwrap();
        assert_eq!(whole.text, shown.turns[0].text);
        for from in 0..all {
            for to in from..=all {
                let Some(part) = shown.quote(&id, from, to) else {
                    continue;
                };
                assert!(!part.text.contains("11"), "{from}..{to}: {}", part.text);
                assert!(
                    whole.text.contains(&part.text),
                    "{from}..{to}: {}",
                    part.text
                );
            }
        }
        assert_eq!(shown.quote(&id, all + 1, all + 2), None);
        assert_eq!(shown.quote(&id, 5, 3), None);
        assert_eq!(shown.quote("0123456789abcdef", 0, 3), None);
        let long = "word ".repeat(200);
        let shown = masked(vec![turn(SpeakerRole::Agent, &long)]);
        let cut = shown.quote(&SegmentId(1000).to_string(), 0, 1000).unwrap();
        assert_eq!(cut.text.chars().count(), MAX_QUOTE_CHARS + 1);
    }

    #[test]
    fn a_transcript_is_bounded_from_its_beginning() {
        let long = "x".repeat(40 << 10);
        let shown = masked(
            (0..1200)
                .map(|_| turn(SpeakerRole::Customer, &long))
                .collect(),
        );
        assert!(shown.is_cut);
        let bytes: usize = shown.turns.iter().map(|turn| turn.text.len()).sum();
        assert!((1..=MAX_ALL_BYTES).contains(&bytes), "{bytes}");
        assert!(shown.turns[0].text.len() <= MAX_TEXT_BYTES);
    }
}
