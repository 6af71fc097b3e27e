//! What supervisors say about alerts: acknowledged, snoozed, wrong.
//!
//! The JSON of an [`AlertMark`] is a stored form that does not change: a replay of rules measures their precision by the marks that
//! say "wrong". Example:
//!
//! ```
//! use insights_core::board::{AlertMark, MarkKind};
//!
//! let stored = r#"{"alert":{"rule":"customer-average","version":"9f2c01ab","at_ms":1764000009000},"kind":"wrong",
//!     "by":"Grace","key":"floor-1","at_ms":1764000031000,"reason":"the customer joked"}"#;
//! let mark: AlertMark = serde_json::from_str(stored).unwrap();
//! assert_eq!(mark.kind, MarkKind::Wrong);
//! assert_eq!(mark.alert.rule, "customer-average");
//! ```

use serde::{Deserialize, Serialize};

use crate::pii::{RedactionPolicy, redact_text};

use super::row::{AVERAGE_RULE, BoardRow, RowAlert};
use super::standing::{AlertHandling, Severity};

/// Longest name of a supervisor, in characters.
pub const MAX_NAME_CHARS: usize = 60;

/// Longest reason why an alert is wrong, in characters.
pub const MAX_REASON_CHARS: usize = 300;

/// Longest snooze in minutes: a long call's length.
pub const MAX_SNOOZE_MINUTES: u32 = 120;

/// What names one alert of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertReference {
    /// Name of the rule that raised the alert.
    pub rule: String,
    /// Version of the rule.
    pub version: String,
    /// When the alert was raised, in milliseconds since the epoch, by the times of the conversation.
    pub at_ms: i64,
}

impl From<&RowAlert> for AlertReference {
    fn from(alert: &RowAlert) -> Self {
        Self {
            rule: alert.rule.clone(),
            version: alert.version.clone(),
            at_ms: alert.at_ms,
        }
    }
}

impl AlertReference {
    fn names(&self, alert: &RowAlert) -> bool {
        self.rule == alert.rule && self.at_ms == alert.at_ms
    }
}

/// What a supervisor says about an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarkKind {
    /// Somebody takes care of the alert.
    Acknowledged,
    /// Alerts of the conversation are to be silent for a while.
    Snoozed,
    /// The alert should not have been raised.
    Wrong,
    /// What was said before is taken back.
    Reopened,
    /// An agent or a manager objects to the answer of a rule in the scorecard.
    Contested,
}

impl MarkKind {
    /// Returns the lower-case name, as it is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Acknowledged => "acknowledged",
            Self::Snoozed => "snoozed",
            Self::Wrong => "wrong",
            Self::Reopened => "reopened",
            Self::Contested => "contested",
        }
    }
}

/// One thing that a supervisor said about an alert.
///
/// `Debug` leaves the reason out, which a person typed and which may quote the conversation.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertMark {
    /// Alert that is meant.
    pub alert: AlertReference,
    /// What is said about the alert.
    pub kind: MarkKind,
    /// Name that the supervisor gave.
    pub by: String,
    /// Name of the API key that the supervisor logged in with.
    pub key: String,
    /// When the supervisor said it, in milliseconds since the epoch.
    pub at_ms: i64,
    /// When a snooze ends, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// Why the alert is wrong, or the answer of the scorecard; with personal data masked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl std::fmt::Debug for AlertMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AlertMark")
            .field("alert", &self.alert)
            .field("kind", &self.kind)
            .field("at_ms", &self.at_ms)
            .finish_non_exhaustive()
    }
}

/// Why a mark is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidMark(pub &'static str);

impl AlertMark {
    /// Checks the mark, cleans what a person typed, and masks personal data in the reason.
    ///
    /// # Errors
    /// [`InvalidMark`] if the name is missing or too long, a snooze has no end or one out of range, or a wrong alert no reason.
    pub fn checked(mut self) -> Result<Self, InvalidMark> {
        self.by = clean_text(&self.by);
        if !(1..=MAX_NAME_CHARS).contains(&self.by.chars().count()) {
            return Err(InvalidMark("the name has 1 to 60 characters"));
        }
        let reason = self.reason.take().map(|reason| clean_text(&reason));
        self.reason = reason.filter(|reason| !reason.is_empty());
        if matches!(self.kind, MarkKind::Wrong | MarkKind::Contested) {
            let length = self.reason.as_ref().map_or(0, |text| text.chars().count());
            if !(1..=MAX_REASON_CHARS).contains(&length) {
                return Err(InvalidMark("the reason has 1 to 300 characters"));
            }
            // A person who quotes the conversation may quote what nobody may keep.
            self.reason = self
                .reason
                .map(|reason| redact_text(&reason, &RedactionPolicy::default()));
        } else {
            self.reason = None;
        }
        let longest = i64::from(MAX_SNOOZE_MINUTES) * 60_000;
        match (self.kind, self.until_ms) {
            (MarkKind::Snoozed, Some(until))
                if (1..=longest).contains(&until.saturating_sub(self.at_ms)) => {}
            (MarkKind::Snoozed, _) => return Err(InvalidMark("a snooze has 1 to 120 minutes")),
            _ => self.until_ms = None,
        }
        Ok(self)
    }
}

/// Returns a text that a person typed without control characters and without white space at its ends.
#[must_use]
pub fn clean_text(text: &str) -> String {
    let is_shown = |c: char| !c.is_control() && !is_direction_override(c);
    let spaced = text
        .chars()
        .map(|c| if c == '\n' || c == '\t' { ' ' } else { c });
    spaced
        .filter(|c| is_shown(*c))
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Returns whether a character changes the direction of what follows, and so may make a text look like another.
pub(super) fn is_direction_override(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

/// The newest marks of a conversation, one of each kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AlertMarks {
    /// Who takes care of which alert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged: Option<AlertMark>,
    /// Until when alerts of the conversation are silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snoozed: Option<AlertMark>,
    /// Which alert is wrong, of those the one that was called so last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wrong: Option<AlertMark>,
    /// Alerts that were called wrong before, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wrong_before: Vec<AlertReference>,
}

/// Largest number of alerts that are remembered as wrong beside the newest.
const MAX_WRONG_BEFORE: usize = 8;

impl AlertMarks {
    /// Takes over what a supervisor said.
    pub fn apply(&mut self, mark: AlertMark) {
        match mark.kind {
            MarkKind::Acknowledged => self.acknowledged = Some(mark),
            MarkKind::Snoozed => self.snoozed = Some(mark),
            MarkKind::Wrong => {
                let before = self.wrong.take().map(|wrong| wrong.alert);
                let before = before.filter(|alert| *alert != mark.alert);
                self.wrong_before.retain(|alert| *alert != mark.alert);
                self.wrong_before.extend(before);
                let too_many = self.wrong_before.len().saturating_sub(MAX_WRONG_BEFORE);
                self.wrong_before.drain(..too_many);
                self.wrong = Some(mark);
            }
            MarkKind::Reopened => *self = Self::default(),
            // It is about the scorecard, and no alert is handled by it.
            MarkKind::Contested => {}
        }
    }

    /// Returns whether somebody said that an alert is wrong.
    #[must_use]
    pub fn is_wrong(&self, alert: &RowAlert) -> bool {
        let newest = self.wrong.as_ref().map(|mark| &mark.alert);
        let mut all = newest.into_iter().chain(&self.wrong_before);
        all.any(|wrong| wrong.names(alert))
    }

    /// Returns whether somebody takes care of an alert of a row. Whoever took one also takes those that are no worse and came
    /// before it, so that an alert that comes back into view does not wait anew.
    fn is_acknowledged(&self, alert: &RowAlert, row: &BoardRow) -> bool {
        let Some(taken) = self.acknowledged.as_ref().map(|mark| &mark.alert) else {
            return false;
        };
        let severity = match row.alerts().find(|alert| taken.names(alert)) {
            Some(alert) => alert.severity,
            // It has ended; that of the average is severe.
            None if taken.rule == AVERAGE_RULE => Severity::Severe,
            None => Severity::Calm,
        };
        taken.names(alert) || (alert.at_ms <= taken.at_ms && alert.severity <= severity)
    }

    /// Returns what was said about an alert of a row, at `now_ms`.
    #[must_use]
    pub fn handling(&self, alert: &RowAlert, row: &BoardRow, now_ms: i64) -> AlertHandling {
        let is_snoozed = self
            .snoozed
            .as_ref()
            .and_then(|mark| mark.until_ms)
            .is_some_and(|until| now_ms < until);
        if self.is_wrong(alert) {
            AlertHandling::Wrong
        } else if is_snoozed {
            AlertHandling::Snoozed
        } else if self.is_acknowledged(alert, row) {
            AlertHandling::Acknowledged
        } else {
            AlertHandling::Open
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(kind: MarkKind) -> AlertMark {
        AlertMark {
            alert: AlertReference {
                rule: "customer-average".to_owned(),
                version: "v".to_owned(),
                at_ms: 1,
            },
            kind,
            by: "Grace".to_owned(),
            key: "floor".to_owned(),
            at_ms: 1000,
            until_ms: None,
            reason: None,
        }
    }

    #[test]
    fn what_a_person_types_is_bounded_and_cleaned() {
        let wrong = |reason: &str| AlertMark {
            reason: Some(reason.to_owned()),
            ..mark(MarkKind::Wrong)
        };
        let kept = wrong(" a\u{1b}[2J joke\u{202e} \n").checked().unwrap();
        assert_eq!(kept.reason.as_deref(), Some("a[2J joke"));
        assert!(wrong(" \u{7} ").checked().is_err());
        assert!(wrong(&"é".repeat(301)).checked().is_err());
        assert!(wrong(&"é".repeat(300)).checked().is_ok());
        let unnamed = AlertMark {
            by: " ".to_owned(),
            ..mark(MarkKind::Acknowledged)
        };
        assert!(unnamed.checked().is_err());
        for (until, is_allowed) in [
            (None, false),
            (Some(1000), false),
            (Some(1001), true),
            (Some(7_201_001), false),
        ] {
            let snooze = AlertMark {
                until_ms: until,
                ..mark(MarkKind::Snoozed)
            };
            assert_eq!(snooze.checked().is_ok(), is_allowed, "{until:?}");
        }
    }

    fn alert(rule: &str, severity: Severity, at_ms: i64) -> RowAlert {
        RowAlert {
            rule: rule.to_owned(),
            version: "v".to_owned(),
            at_ms,
            average: 0,
            severity,
            model: None,
        }
    }

    fn mark_of(kind: MarkKind, alert: &RowAlert) -> AlertMark {
        AlertMark {
            alert: AlertReference::from(alert),
            ..mark(kind)
        }
    }

    #[test]
    fn an_alert_that_is_wrong_leaves_the_place_to_the_next_and_stays_wrong() {
        let (legal, cancel) = (
            alert("legal", Severity::Severe, 5),
            alert("cancel", Severity::Warn, 9),
        );
        let mut row = BoardRow::default();
        row.raise(cancel.clone());
        row.raise(legal.clone());
        let mut marks = AlertMarks::default();
        assert_eq!(row.current_alert(&marks), Some(&legal));
        marks.apply(mark_of(MarkKind::Wrong, &legal));
        assert_eq!(row.current_alert(&marks), Some(&cancel));
        assert_eq!(marks.handling(&cancel, &row, 0), AlertHandling::Open);
        marks.apply(mark_of(MarkKind::Wrong, &cancel));
        assert!(marks.is_wrong(&legal) && marks.is_wrong(&cancel));
        assert_eq!(row.current_alert(&marks), Some(&legal));
        assert_eq!(marks.handling(&legal, &row, 0), AlertHandling::Wrong);
        row.raise(alert("cancel", Severity::Warn, 20));
        let again = row.current_alert(&marks).unwrap();
        assert_eq!(again.at_ms, 20, "a new hit of the rule is not wrong yet");
        for number in 0..20 {
            marks.apply(mark_of(
                MarkKind::Wrong,
                &alert("many", Severity::Warn, number),
            ));
        }
        assert_eq!(marks.wrong_before.len(), MAX_WRONG_BEFORE);
        let stored = serde_json::to_string(&marks).unwrap();
        assert_eq!(serde_json::from_str::<AlertMarks>(&stored).unwrap(), marks);
    }

    #[test]
    fn whoever_takes_an_alert_takes_the_earlier_ones_that_are_no_worse() {
        let average = alert(AVERAGE_RULE, Severity::Severe, 10);
        let (before, after) = (
            alert("legal", Severity::Severe, 5),
            alert("notice", Severity::Warn, 12),
        );
        let mut row = BoardRow::default();
        for raised in [&average, &before, &after] {
            row.raise(raised.clone());
        }
        let mut marks = AlertMarks::default();
        marks.apply(mark_of(MarkKind::Acknowledged, &average));
        let handling =
            |alert: &RowAlert, row: &BoardRow, marks: &AlertMarks| marks.handling(alert, row, 100);
        assert_eq!(handling(&before, &row, &marks), AlertHandling::Acknowledged);
        assert_eq!(handling(&after, &row, &marks), AlertHandling::Open);
        // The average is better again, and its alert has ended.
        let mut later = BoardRow::default();
        later.raise(before.clone());
        assert_eq!(
            handling(&before, &later, &marks),
            AlertHandling::Acknowledged
        );
        marks.apply(mark_of(MarkKind::Acknowledged, &after));
        assert_eq!(
            handling(&before, &row, &marks),
            AlertHandling::Open,
            "whoever takes a warning does not take what is worse"
        );
    }

    #[test]
    fn a_reason_keeps_no_personal_data() {
        let reason =
            "agent: card number please customer: 4111 1111 agent: okay customer: 1111 1111";
        let wrong = AlertMark {
            reason: Some(reason.to_owned()),
            ..mark(MarkKind::Wrong)
        };
        assert_eq!(
            wrong.checked().unwrap().reason.unwrap(),
            "agent: card number please customer: [CARD] agent: okay customer: [CARD]"
        );
    }

    #[test]
    fn a_debug_print_holds_no_reason() {
        let wrong = AlertMark {
            reason: Some("secret words".to_owned()),
            ..mark(MarkKind::Wrong)
        };
        assert!(!format!("{wrong:?}").contains("secret"));
    }
}
