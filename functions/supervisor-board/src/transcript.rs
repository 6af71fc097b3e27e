//! The transcript of one conversation, read through from the contact center and masked in passing.

use std::collections::HashMap;

use insights_core::live::{CallState, Speaker};
use insights_core::pii::{RedactionPolicy, SpeakerRole, redact_turns};
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
}

/// What could be read of a transcript.
#[derive(Default, Serialize)]
pub(crate) struct Transcript {
    /// The turns, oldest first.
    pub(crate) turns: Vec<Turn>,
    /// Whether the beginning was left out.
    pub(crate) is_cut: bool,
}

/// A turn before it is masked.
struct RawTurn {
    at: i64,
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
    let read = cxone::live::read_transcript(&deps.call_client, id, 0, deadline).await?;
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
    let read = cxone::chat::read_transcript(&deps.chat_client, id, deadline).await?;
    let scores = scores_of_chat(deps, id).await;
    let messages = read.map(|read| read.messages).unwrap_or_default();
    let turns = messages.into_iter().map(|message| RawTurn {
        at: message.timestamp_ms,
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
    let redacted = redact_turns(texts, &RedactionPolicy::default());
    let turns = turns
        .iter()
        .zip(redacted)
        .map(|(turn, redacted)| Turn {
            at: turn.at,
            speaker: match turn.role {
                SpeakerRole::Customer => "customer",
                SpeakerRole::Agent => "agent",
                _ => "system",
            },
            text: redacted.text,
            score: turn.score,
        })
        .collect();
    Transcript { turns, is_cut }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(role: SpeakerRole, text: &str) -> RawTurn {
        RawTurn {
            at: 0,
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
