//! Signals: what a supervisor or a team must know of a text beside its sentiment.
//!
//! A sentiment model finds the signals, each with a threshold of its own. They complete the exact rules of
//! [`crate::chat::escalation`]: a model also knows wordings that no list has.

use serde::{Deserialize, Serialize};

/// One thing that a text may signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Signal {
    /// The speaker threatens with lawyers, courts or regulators.
    Legal,
    /// The speaker wants somebody higher up, or complains that nobody higher up answers.
    Manager,
    /// Something must happen at once: danger, or a harm that grows by the hour.
    Urgent,
    /// The speaker is leaving for another company, or thinks about it.
    Churn,
    /// The speaker is vulnerable: bereaved, ill, dependent on others or in distress.
    Vulnerable,
}

impl Signal {
    /// Every signal in the order of the shipped model's output.
    pub const ALL: [Self; 5] = [
        Self::Legal,
        Self::Manager,
        Self::Urgent,
        Self::Churn,
        Self::Vulnerable,
    ];

    /// Returns the lower-case name, as models, attributes and JSON use it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::Manager => "manager",
            Self::Urgent => "urgent",
            Self::Churn => "churn",
            Self::Vulnerable => "vulnerable",
        }
    }

    /// Returns the signal of this name in any case, or `None` for a name that stands for none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|signal| signal.name().eq_ignore_ascii_case(name.trim()))
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// The signals of one text, or of everything that somebody said. The JSON form is a list of names, for example `["churn"]`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<StoredSignal>", into = "Vec<Signal>")]
pub struct Signals(u8);

/// A name in a stored list, which a later version may have written.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredSignal {
    Recognized(Signal),
    Unrecognized(serde::de::IgnoredAny),
}

impl Signals {
    /// The signals of a text that signals nothing.
    pub const NONE: Self = Self(0);

    /// Adds a signal, and returns whether it was not there before.
    pub fn insert(&mut self, signal: Signal) -> bool {
        let before = *self;
        self.0 |= signal.bit();
        *self != before
    }

    /// Returns the signals that are in this set, in the other, or in both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether a signal is in the set.
    #[must_use]
    pub const fn contains(self, signal: Signal) -> bool {
        self.0 & signal.bit() != 0
    }

    /// Returns whether nothing is signaled.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Iterates over the signals in the order of [`Signal::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        Signal::ALL
            .into_iter()
            .filter(move |signal| self.contains(*signal))
    }

    /// Returns the names of the signals, separated by commas, as attributes of the contact center carry them.
    #[must_use]
    pub fn names(self) -> String {
        let names: Vec<&str> = self.iter().map(Signal::name).collect();
        names.join(",")
    }
}

impl std::fmt::Debug for Signals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Signal> for Signals {
    fn from_iter<I: IntoIterator<Item = Signal>>(signals: I) -> Self {
        let mut set = Self::NONE;
        for signal in signals {
            set.insert(signal);
        }
        set
    }
}

impl From<Signals> for Vec<Signal> {
    fn from(signals: Signals) -> Self {
        signals.iter().collect()
    }
}

impl From<Vec<StoredSignal>> for Signals {
    fn from(stored: Vec<StoredSignal>) -> Self {
        let known = stored.into_iter().filter_map(|signal| match signal {
            StoredSignal::Recognized(signal) => Some(signal),
            StoredSignal::Unrecognized(_) => None,
        });
        known.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_stored_as_names_and_reads_lists_of_later_versions() {
        let signals: Signals = [Signal::Churn, Signal::Legal, Signal::Churn]
            .into_iter()
            .collect();
        assert_eq!(
            serde_json::to_string(&signals).unwrap(),
            r#"["legal","churn"]"#
        );
        assert_eq!(signals.names(), "legal,churn");
        let stored: Signals =
            serde_json::from_str(r#"["churn","a later one",{},"legal"]"#).unwrap();
        assert_eq!(stored, signals);
        assert_eq!(format!("{signals:?}"), "{Legal, Churn}");
    }

    #[test]
    fn names_are_understood_in_any_case_and_others_are_none() {
        for signal in Signal::ALL {
            assert_eq!(Signal::named(&signal.name().to_uppercase()), Some(signal));
        }
        assert_eq!(Signal::named("anger"), None);
    }

    #[test]
    fn a_signal_is_new_once() {
        let mut signals = Signals::NONE;
        assert!(signals.is_empty() && signals.insert(Signal::Manager));
        assert!(!signals.insert(Signal::Manager));
        let both = signals.union([Signal::Urgent].into_iter().collect());
        assert!(both.contains(Signal::Urgent) && both.contains(Signal::Manager));
        assert!(!both.contains(Signal::Vulnerable));
    }
}
