//! The severities of an escalation.

use serde::{Deserialize, Serialize};

use crate::signals::Signal;

/// The severity of an escalation trigger; severities are ordered, the last is the most severe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The customer cannot wait.
    Urgent,
    /// The customer complains, or asks for somebody higher up.
    Complaint,
    /// The customer speaks of lawyers, courts or regulators.
    Legal,
}

impl Severity {
    /// Every severity, the most severe first.
    pub const ALL: [Self; 3] = [Self::Legal, Self::Complaint, Self::Urgent];

    /// Returns the severity that a signal escalates with. A customer who is leaving or vulnerable is shown as such, and escalates
    /// nothing.
    #[must_use]
    pub const fn of_signal(signal: Signal) -> Option<Self> {
        match signal {
            Signal::Legal => Some(Self::Legal),
            Signal::Manager => Some(Self::Complaint),
            Signal::Urgent => Some(Self::Urgent),
            Signal::Churn | Signal::Vulnerable => None,
        }
    }

    /// Returns the lower-case name, as phrase lists, metrics and logs use it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Complaint => "complaint",
            Self::Legal => "legal",
        }
    }
}

impl std::fmt::Display for Severity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
