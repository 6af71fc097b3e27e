//! The built-in rules: the file `rules.toml`, compiled once.

use std::sync::LazyLock;

use super::severity::Severity;
use crate::phrases::{Rule, RuleFile};

/// The shared exceptions that apply to configured phrases, whose kind is not known.
const SHARED_EXCEPTIONS: [&str; 3] = ["wish", "thing", "act"];

/// The built-in rules of all severities.
pub(super) static BUILT_IN: LazyLock<BuiltInRules> = LazyLock::new(|| {
    BuiltInRules::read(include_str!("rules.toml")).expect("the shipped rules, which a test reads")
});

/// Rules by their severities and names.
pub(super) struct BuiltInRules {
    file: RuleFile,
    rules: Vec<(Severity, String, Rule)>,
}

impl BuiltInRules {
    fn read(toml: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let file = RuleFile::from_toml(toml)?;
        let rules = file
            .rules()
            .iter()
            .map(|rule| {
                let severity: Severity = serde_json::from_value(rule.severity.as_str().into())?;
                Ok((severity, rule.id.clone(), file.compile(rule)?))
            })
            .collect::<Result<_, Box<dyn std::error::Error>>>()?;
        Ok(Self { file, rules })
    }

    /// Returns the file of the rules.
    pub(super) fn file(&self) -> &RuleFile {
        &self.file
    }

    /// Compiles one rule for each configured phrase.
    pub(super) fn compile_configured(&self, phrases: &[String]) -> Vec<Rule> {
        self.file
            .compile_plain(phrases, &SHARED_EXCEPTIONS)
            .expect("the shared exceptions of the shipped rules, which a test compiles")
    }

    /// Iterates over the names and rules of a severity in the order of the file.
    pub(super) fn rules_of(&self, severity: Severity) -> impl Iterator<Item = (&str, &Rule)> {
        self.rules
            .iter()
            .filter(move |(of, ..)| *of == severity)
            .map(|(_, id, rule)| (id.as_str(), rule))
    }
}
