//! The rules of one conversation, opened: which hold, since when and by which words, and which cannot be answered.

use backends::board::BoardEntry;
use insights_core::board::ConversationKind;
use insights_core::card::CardRecord;
use insights_core::live::CallState;
use insights_core::rules::{RuleHit, Truth};
use jiff::Timestamp;
use runtime::Failure;
use serde::{Deserialize, Serialize};
use store::state::StateStore;

use crate::deps::Deps;
use crate::transcript::{MaskedQuote, Transcript};
use crate::unavailable;

/// Largest number of hits of a chat that are read.
const MAX_CHAT_HITS: usize = 100;

/// Largest number of rules without an answer that are named.
const MAX_UNKNOWN: usize = 20;

/// What is known of the rules of a conversation.
#[derive(Default)]
pub(crate) struct KnownRules {
    /// The hits, the worst first and of the worst the newest.
    pub(crate) hits: Vec<RuleHit>,
    unknown: Vec<String>,
    gaps: Vec<(i64, i64)>,
}

/// The rules of a conversation, for the page.
#[derive(Serialize)]
pub(crate) struct RulesView<'a> {
    hits: Vec<HitView<'a>>,
    /// The ids of rules whose answer is unknown.
    unknown: &'a [String],
    /// The times in which words may be missing, in milliseconds since the epoch.
    gaps: &'a [(i64, i64)],
}

/// One hit for the page.
#[derive(Serialize)]
struct HitView<'a> {
    rule: &'a str,
    version: &'a str,
    severity: &'static str,
    /// Since when the rule holds, in milliseconds since the epoch.
    at: i64,
    /// The words that made it hold, as far as the transcript has them.
    quotes: Vec<MaskedQuote>,
    /// Number of quotes that the transcript does not have any more.
    missing: usize,
}

impl KnownRules {
    /// Reads what is known of the rules of a live conversation. Returns the state of a call with it.
    ///
    /// # Errors
    /// The failure 503 while the store cannot be reached.
    pub(crate) async fn of_live(
        deps: &Deps,
        entry: &BoardEntry,
        now: Timestamp,
    ) -> Result<(Self, Option<CallState>), Failure> {
        match entry.row.kind {
            ConversationKind::Call => {
                let loaded = deps.calls.load(&entry.id, now).await.map_err(unavailable)?;
                let state = loaded.map(|loaded| loaded.call);
                Ok((state.as_ref().map(Self::of_call).unwrap_or_default(), state))
            }
            ConversationKind::Chat => {
                let rules = Self::of_chat(deps, entry).await.map_err(unavailable)?;
                Ok((rules, None))
            }
        }
    }

    /// Returns what was kept of a call that has ended.
    pub(crate) fn of_kept(record: &CardRecord) -> Self {
        let unknown = record
            .answers
            .iter()
            .filter(|answer| answer.answer == Truth::Unknown)
            .map(|answer| answer.rule.clone());
        Self {
            hits: worst_first(record.hits.clone()),
            unknown: unknown.take(MAX_UNKNOWN).collect(),
            gaps: Vec::new(),
        }
    }

    /// Returns what the state of a call knows.
    fn of_call(state: &CallState) -> Self {
        let rules = state.rules();
        Self {
            hits: worst_first(rules.hits().to_vec()),
            unknown: rules
                .unknown_ids()
                .take(MAX_UNKNOWN)
                .map(str::to_owned)
                .collect(),
            gaps: rules.gaps().to_vec(),
        }
    }

    /// Reads the hits that the session of a chat has stored, beside what its row says is unknown. A hit that cannot be read is left out.
    ///
    /// # Errors
    /// The errors of the store.
    async fn of_chat(deps: &Deps, entry: &BoardEntry) -> Result<Self, store::Error> {
        #[derive(Deserialize)]
        struct StoredHit {
            hit: RuleHit,
        }
        let partition = format!("chat#{}", entry.id);
        let items = deps
            .state
            .list(&partition, "h#", None, MAX_CHAT_HITS, Timestamp::now())
            .await?;
        let hits = items
            .iter()
            .filter_map(|item| Some(item.decode::<StoredHit>().ok()?.hit));
        Ok(Self {
            hits: worst_first(hits.collect()),
            unknown: entry.row.unknown.rules.clone(),
            gaps: entry.row.unknown.gaps.clone(),
        })
    }

    /// Returns the rules for the page, with the words of a transcript.
    pub(crate) fn view<'a>(&'a self, transcript: &Transcript) -> RulesView<'a> {
        let view = |hit: &'a RuleHit| {
            let quotes: Vec<MaskedQuote> = hit
                .quotes
                .iter()
                .filter_map(|place| {
                    transcript.quote(&place.segment, place.from as usize, place.to as usize)
                })
                .collect();
            HitView {
                rule: &hit.rule,
                version: &hit.version,
                severity: hit.severity.name(),
                at: hit.at,
                missing: hit.quotes.len() - quotes.len(),
                quotes,
            }
        };
        RulesView {
            hits: self.hits.iter().map(view).collect(),
            unknown: &self.unknown,
            gaps: &self.gaps,
        }
    }
}

fn worst_first(mut hits: Vec<RuleHit>) -> Vec<RuleHit> {
    hits.sort_by_key(|hit| std::cmp::Reverse((hit.severity, hit.at)));
    hits
}
