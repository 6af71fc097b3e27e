//! What is kept of a conversation that has ended: its card, the hits of its rules and its scorecard.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::{CallCard, Scorecard, masked_card};
use crate::intent::{IntentCategories, IntentClassifier};
use crate::pii::RedactionPolicy;
use crate::rules::{Dialogue, Evaluation, RuleAnswer, RuleFile, RuleHit};

/// The classifier of the built-in intents, which knows their keywords.
static BUILT_IN_INTENTS: LazyLock<Option<IntentClassifier>> =
    LazyLock::new(|| IntentClassifier::new(IntentCategories::default(), None).ok());

/// What is kept of a conversation that has ended. Its JSON is a stored form whose names do not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardRecord {
    /// The id of the conversation.
    pub conversation_id: String,
    /// The version of the rule file that the conversation was evaluated by.
    pub rules_version: String,
    /// The card of the conversation.
    pub card: CallCard,
    /// The hits of the rules in the order of their times.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hits: Vec<RuleHit>,
    /// The answer of each rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<RuleAnswer>,
    /// The scorecard, if a rule has a weight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scorecard: Option<Scorecard>,
}

impl CardRecord {
    /// Makes the record of a conversation from its words and what the rules of a file said of it. The quotes of the card are masked
    /// with `policy`, if there is one.
    ///
    /// ```
    /// use insights_core::card::CardRecord;
    /// use insights_core::live::Speaker;
    /// use insights_core::rules::{RuleFile, example_dialogue};
    ///
    /// let file = RuleFile::from_toml(
    ///     "[[rule]]\nid = \"refund\"\nweight = 1\ngood = true\nwhen = { said = [\"refund\"], by = \"agent\" }\n",
    /// )
    /// .unwrap();
    /// let call = example_dialogue("customer: I was charged twice.\nagent: I will refund you.", Speaker::Customer);
    /// let record = CardRecord::new("call-1", &call, &file, file.evaluate(&call), None);
    /// assert_eq!(record.card.commitment.quote(), Some("I will refund you."));
    /// assert_eq!(record.scorecard.unwrap().score, Some(1.0));
    /// ```
    #[must_use]
    pub fn new(
        conversation_id: &str,
        dialogue: &Dialogue,
        file: &RuleFile,
        evaluation: Evaluation,
        policy: Option<&RedactionPolicy>,
    ) -> Self {
        let intents = BUILT_IN_INTENTS.as_ref();
        let card = match policy {
            Some(policy) => masked_card(dialogue, &evaluation.hits, intents, policy),
            None => CallCard::new(dialogue, &evaluation.hits, intents),
        };
        Self {
            conversation_id: conversation_id.to_owned(),
            rules_version: file.version().to_owned(),
            card,
            scorecard: Scorecard::new(file, &evaluation),
            hits: evaluation.hits,
            answers: evaluation.answers,
        }
    }
}
