//! The detector: compiles the rules once and finds the most severe one that holds for a text.

use std::sync::{Arc, LazyLock};

use super::built_in::BUILT_IN;
use super::phrases::EscalationPhrases;
use super::severity::Severity;
use crate::phrases::{PhraseSet, Rule, RuleSet, Words};
use crate::signals::Signals;

/// A rule or phrase that holds for a text and escalates the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EscalationTrigger {
    /// The severity of the rule.
    pub severity: Severity,
    /// The name of the built-in rule, or the configured word or phrase; not the customer's text, so it may be logged.
    pub phrase: String,
}

impl EscalationTrigger {
    /// Returns the most severe trigger among the signals that a model found in a text, named `signal` and the signal. Signals of
    /// the severities `taken_back` do not count.
    fn of_signals(signals: Signals, taken_back: &[Severity]) -> Option<Self> {
        let triggers = signals.iter().filter_map(|signal| {
            let severity = Severity::of_signal(signal)?;
            (!taken_back.contains(&severity)).then(|| Self {
                severity,
                phrase: format!("signal {}", signal.name()),
            })
        });
        triggers.max_by_key(|trigger| trigger.severity)
    }
}

/// The name that models take for a threat; the rules tell the two apart by the words around it.
static SUE: LazyLock<PhraseSet> =
    LazyLock::new(|| PhraseSet::parse(&["=sue"], &[]).expect("a constant phrase"));

/// What decides about escalations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EscalationSource {
    /// The exact rules and the signals of the model; each finds what the other misses.
    #[default]
    Both,
    /// The exact rules alone.
    Rules,
    /// The signals of the model alone.
    Signals,
}

impl EscalationSource {
    /// Returns whether the exact rules decide.
    #[must_use]
    pub const fn uses_rules(self) -> bool {
        matches!(self, Self::Both | Self::Rules)
    }

    /// Returns whether the signals of the model decide.
    #[must_use]
    pub const fn uses_signals(self) -> bool {
        matches!(self, Self::Both | Self::Signals)
    }
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

    /// Finds the most severe trigger of a text by what `source` admits: rules that the text does not deny, and the signals that
    /// a model found in it. Where a rule and a signal are equally severe, the rule is named.
    ///
    /// Where the words of a rule are said and its exceptions take them back ("the legal name on my account"), the rule knows
    /// better than the model: a signal of the same severity does not count beside the rules.
    #[must_use]
    pub fn find_by(
        &self,
        source: EscalationSource,
        text: &str,
        signals: Signals,
    ) -> Option<EscalationTrigger> {
        let by_rule = source.uses_rules().then(|| self.find(text)).flatten();
        if signals.is_empty() || !source.uses_signals() {
            return by_rule;
        }
        let taken_back = if source.uses_rules() {
            self.severities_taken_back(text)
        } else {
            Vec::new()
        };
        let by_signal = EscalationTrigger::of_signals(signals, &taken_back);
        // The last of equals is the greatest one for the standard library.
        by_signal
            .into_iter()
            .chain(by_rule)
            .max_by_key(|trigger| trigger.severity)
    }

    /// Returns the severities of which some word is said and an exception takes it back.
    fn severities_taken_back(&self, text: &str) -> Vec<Severity> {
        let words = Words::new(text);
        let rules = self.rules.set.rules_taken_back(&words);
        let mut taken_back: Vec<Severity> = rules
            .into_iter()
            .filter_map(|rule| self.rules.triggers.get(rule))
            .map(|trigger| trigger.severity)
            .collect();
        if !SUE.occurrences(&words).is_empty() {
            taken_back.push(Severity::Legal);
        }
        taken_back
    }

    /// Finds the most severe trigger of a text that the text does not deny.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<EscalationTrigger> {
        // The rules stand in the order of severity, so the first one that holds is the most severe.
        let hit = self.rules.set.find_first(&Words::new(text))?;
        self.rules.triggers.get(hit.rule).cloned()
    }
}
