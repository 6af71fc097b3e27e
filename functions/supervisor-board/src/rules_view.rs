//! The rules of one conversation, opened: which hold, since when and by which words, and which cannot be answered.

use insights_core::live::CallState;
use insights_core::rules::RuleHit;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::state::StateStore;

use crate::deps::Deps;
use crate::transcript::{MaskedQuote, Transcript};

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
    /// Returns what the state of a call knows.
    pub(crate) fn of_call(state: &CallState) -> Self {
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

    /// Reads the hits that the session of a chat has stored. A hit that cannot be read is left out.
    ///
    /// # Errors
    /// The errors of the store.
    pub(crate) async fn of_chat(deps: &Deps, id: &str) -> Result<Self, store::Error> {
        #[derive(Deserialize)]
        struct StoredHit {
            hit: RuleHit,
        }
        let partition = format!("chat#{id}");
        let items = deps
            .state
            .list(&partition, "h#", None, MAX_CHAT_HITS, Timestamp::now())
            .await?;
        let hits = items
            .iter()
            .filter_map(|item| Some(item.decode::<StoredHit>().ok()?.hit));
        Ok(Self {
            hits: worst_first(hits.collect()),
            ..Self::default()
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
