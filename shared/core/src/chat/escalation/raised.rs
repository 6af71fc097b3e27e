//! The severities that a conversation has escalated with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::detector::EscalationTrigger;
use super::severity::Severity;

/// The severities that were raised in one conversation; each severity is raised once.
///
/// The stored form is a JSON list of severity names, for example `["legal"]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RaisedSeverities(BTreeSet<Severity>);

impl RaisedSeverities {
    /// Returns the trigger if its severity was not raised before in this conversation, and marks the severity as raised.
    pub fn raise(&mut self, trigger: Option<EscalationTrigger>) -> Option<EscalationTrigger> {
        trigger.filter(|trigger| self.0.insert(trigger.severity))
    }

    /// Marks a severity as raised, for example because the record of an earlier session says so.
    pub fn mark_raised(&mut self, severity: Severity) {
        self.0.insert(severity);
    }
}
