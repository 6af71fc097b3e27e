//! What rules, talk metrics and the card say of one conversation.

use serde::{Deserialize, Serialize};

use super::dialogue::turns_of;
use crate::card::{CallCard, masked_card};
use crate::intent::IntentClassifier;
use crate::pii::RedactionPolicy;
use crate::rules::{Dialogue, RuleAnswer, RuleFile, RuleHit};
use crate::talk_metrics::{TalkMetrics, TalkSettings};

/// What rules, talk metrics and the card say of one conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConversationInsights {
    /// The answer of each rule.
    pub answers: Vec<RuleAnswer>,
    /// The hits of the rules in the order of their times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<RuleHit>,
    /// The talk metrics, if the lines of the conversation have times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talk: Option<TalkMetrics>,
    /// The card of the conversation.
    pub card: CallCard,
}

impl ConversationInsights {
    /// Computes the insights of a conversation. The quotes of the card are masked with `policy`, if there is one. Talk metrics need lines
    /// that all have times.
    #[must_use]
    pub fn new(
        dialogue: &Dialogue,
        policy: Option<&RedactionPolicy>,
        has_times: bool,
        rules: &RuleFile,
        intents: Option<&IntentClassifier>,
    ) -> Self {
        let evaluation = rules.evaluate(dialogue);
        let talk = has_times
            .then(|| {
                TalkMetrics::from_turns(
                    &turns_of(dialogue),
                    &dialogue.holds,
                    dialogue.facts.start,
                    TalkSettings::default(),
                )
            })
            .flatten();
        let card = match policy {
            Some(policy) => masked_card(dialogue, &evaluation.hits, intents, policy),
            None => CallCard::new(dialogue, &evaluation.hits, intents),
        };
        Self {
            card,
            talk,
            answers: evaluation.answers,
            hits: evaluation.hits,
        }
    }
}
