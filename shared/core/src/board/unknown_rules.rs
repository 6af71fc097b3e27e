//! The rules of a conversation that cannot be answered, as the row of a chat holds them.

use serde::{Deserialize, Serialize};

use crate::rules::LiveRules;

/// Largest number of rules that a row names as unknown.
const MAX_UNKNOWN: usize = 12;

/// Largest number of times that a row names in which words may be missing.
const MAX_GAPS: usize = 4;

/// The rules of a conversation that cannot be answered, and the times in which words may be missing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UnknownRules {
    /// Names of the rules.
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// Times in which words may be missing, in milliseconds since the epoch.
    #[serde(rename = "g", default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<(i64, i64)>,
}

impl UnknownRules {
    /// Returns what the rules of a conversation do not know, bounded so that a row stays small.
    #[must_use]
    pub fn of_rules(rules: &LiveRules) -> Self {
        let unknown: Vec<String> = rules
            .unknown_rules()
            .take(MAX_UNKNOWN)
            .map(str::to_owned)
            .collect();
        let gaps = if unknown.is_empty() {
            Vec::new()
        } else {
            rules.gaps().iter().copied().take(MAX_GAPS).collect()
        };
        Self {
            rules: unknown,
            gaps,
        }
    }

    /// Returns whether every rule can be answered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::Speaker;
    use crate::rules::{RuleFile, Utterance};

    #[test]
    fn what_rules_do_not_know_is_named_with_its_gaps_and_bounded() {
        let rules: String = (0..30)
            .map(|number| {
                format!(
                    "[[rule]]\nid = \"r-{number}\"\nwhen = {{ not_said = [\"recorded\"], within = \"first 20s\" }}\n"
                )
            })
            .collect();
        let file = RuleFile::from_toml(&rules).unwrap();
        let mut live = LiveRules::default();
        live.add(&file, &Utterance::new(Speaker::Agent, 0, 1000, "hello"));
        live.add_gap(2000, 3000);
        assert_eq!(UnknownRules::of_rules(&live), UnknownRules::default());
        live.advance(&file, 30_000);
        let unknown = UnknownRules::of_rules(&live);
        assert_eq!(unknown.rules.len(), MAX_UNKNOWN);
        assert_eq!(unknown.gaps, [(2000, 3000)]);
        let stored = serde_json::to_string(&unknown).unwrap();
        assert_eq!(
            serde_json::from_str::<UnknownRules>(&stored).unwrap(),
            unknown
        );
    }
}
