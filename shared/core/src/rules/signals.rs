//! Signals: what a speaker is about to do or needs, found by the escalation rules and by the rules of `signals.toml`.

use std::sync::LazyLock;

use crate::chat::escalation::{EscalationDetector, EscalationPhrases};
use crate::phrases::{RuleFile as PhraseRuleFile, RuleSet, Words};
use crate::signals::Signal;

/// Finds the signals of a text.
pub(super) struct SignalDetector {
    legal: EscalationDetector,
    urgent: EscalationDetector,
    rules: Vec<(Signal, RuleSet)>,
}

impl SignalDetector {
    /// Returns the detector, which is built at its first use.
    pub(super) fn shared() -> &'static Self {
        static SHARED: LazyLock<SignalDetector> = LazyLock::new(SignalDetector::new);
        &SHARED
    }

    fn new() -> Self {
        let only = |others: &str| {
            let phrases = EscalationPhrases::from_json(others).expect("lists, which a test reads");
            EscalationDetector::new(&phrases)
        };
        let file = PhraseRuleFile::from_toml(include_str!("signals.toml"))
            .expect("the shipped signals, which a test reads");
        let rules = file
            .rules()
            .iter()
            .map(|rule| {
                let signal = match rule.severity.as_str() {
                    "manager" => Signal::Manager,
                    "churn" => Signal::Churn,
                    _ => Signal::Vulnerable,
                };
                let compiled = file
                    .compile(rule)
                    .expect("the shipped signals, which a test compiles");
                (signal, RuleSet::new(&file, vec![compiled]))
            })
            .collect();
        Self {
            legal: only(r#"{"complaint": [], "urgent": []}"#),
            urgent: only(r#"{"legal": [], "complaint": []}"#),
            rules,
        }
    }

    /// Returns the signals of a text, each once.
    pub(super) fn find(&self, text: &str) -> Vec<Signal> {
        let mut found = Vec::new();
        if self.legal.find(text).is_some() {
            found.push(Signal::Legal);
        }
        if self.urgent.find(text).is_some() {
            found.push(Signal::Urgent);
        }
        let words = Words::new(text);
        for (signal, rules) in &self.rules {
            if !found.contains(signal) && rules.find_first(&words).is_some() {
                found.push(*signal);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_holds_for_its_examples_and_for_none_that_differ() {
        let file = PhraseRuleFile::from_toml(include_str!("signals.toml")).unwrap();
        for rule in file.rules() {
            let set = RuleSet::new(&file, vec![file.compile(rule).unwrap()]);
            let holds = |text: &String| set.find_first(&Words::new(text)).is_some();
            assert!(
                rule.examples.matching.len() > 2 && rule.examples.differ.len() > 1,
                "{}",
                rule.id
            );
            for text in &rule.examples.matching {
                assert!(holds(text), "{}: {text}", rule.id);
            }
            for text in &rule.examples.differ {
                assert!(!holds(text), "{}: {text}", rule.id);
            }
        }
    }

    #[test]
    fn signals_of_all_kinds_are_found() {
        for (text, expected) in [
            ("you will hear from my lawyer", vec![Signal::Legal]),
            ("let me speak to your manager", vec![Signal::Manager]),
            ("this is urgent", vec![Signal::Urgent]),
            ("I am moving to another provider", vec![Signal::Churn]),
            ("my husband died last week", vec![Signal::Vulnerable]),
            ("what are your opening hours", vec![]),
        ] {
            assert_eq!(SignalDetector::shared().find(text), expected, "{text}");
        }
    }
}
