//! The detector: compiles the rules once and finds the most severe one that holds for a text.

use std::sync::{Arc, LazyLock};

use super::built_in::BUILT_IN;
use super::phrases::EscalationPhrases;
use super::severity::Severity;
use crate::phrases::{Rule, RuleSet, Words};

/// A rule or phrase that holds for a text and escalates the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationTrigger {
    /// The severity of the rule.
    pub severity: Severity,
    /// The name of the built-in rule, or the configured word or phrase; not the customer's text, so it may be logged.
    pub phrase: String,
}

/// Finds escalation triggers by the built-in rules and by configured words and phrases.
#[derive(Debug, Clone)]
pub struct EscalationDetector {
    rules: Arc<DetectorRules>,
}

/// Rules in the order of severity, the most severe first, with what each of them reports.
#[derive(Debug)]
struct DetectorRules {
    set: RuleSet,
    triggers: Vec<EscalationTrigger>,
}

impl Default for EscalationDetector {
    fn default() -> Self {
        static DEFAULT: LazyLock<EscalationDetector> =
            LazyLock::new(|| EscalationDetector::new(&EscalationPhrases::default()));
        DEFAULT.clone()
    }
}

impl EscalationDetector {
    /// Builds a detector of the built-in rules, with configured phrases in place of the rules of their severity.
    #[must_use]
    pub fn new(phrases: &EscalationPhrases) -> Self {
        let mut rules: Vec<Rule> = Vec::new();
        let mut triggers = Vec::new();
        for severity in Severity::ALL {
            let mut add = |name: &str, rule| {
                rules.push(rule);
                triggers.push(EscalationTrigger {
                    severity,
                    phrase: name.to_owned(),
                });
            };
            match phrases.of(severity) {
                Some(configured) => BUILT_IN
                    .compile_configured(configured)
                    .into_iter()
                    .zip(configured)
                    .for_each(|(rule, phrase)| add(phrase, rule)),
                None => BUILT_IN
                    .rules_of(severity)
                    .for_each(|(name, rule)| add(name, rule.clone())),
            }
        }
        Self {
            rules: Arc::new(DetectorRules {
                set: RuleSet::new(BUILT_IN.file(), rules),
                triggers,
            }),
        }
    }

    /// Finds the most severe trigger of a text that the text does not deny.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<EscalationTrigger> {
        // The rules stand in the order of severity, so the first one that holds is the most severe.
        let hit = self.rules.set.find_first(&Words::new(text))?;
        self.rules.triggers.get(hit.rule).cloned()
    }
}
