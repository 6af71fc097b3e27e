//! How severe a conversation is now, and whether its alert waits for somebody.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::mark::AlertMarks;
use super::row::BoardRow;

/// Longest time between two writes of a row while a conversation is listened to.
pub const REFRESH_INTERVAL: SignedDuration = SignedDuration::from_secs(15);

/// Time without a new row after which a conversation counts as not listened to: three missed writes.
pub const UNHEARD_AFTER: SignedDuration = SignedDuration::from_secs(45);

/// Customer's average below which a conversation without an alert is one to watch.
pub const WATCH_BELOW: f64 = 0.40;

/// Coverage below which a conversation without an alert is one to watch.
pub const WATCH_COVERAGE_BELOW: f64 = 0.80;

/// How severe a conversation is, or a rule.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing is wrong with the conversation.
    #[default]
    Calm,
    /// There is no alert, but the customer is unhappy, or the conversation is not listened to.
    Watch,
    /// An alert is open.
    Warn,
    /// A severe alert is open.
    Severe,
}

impl Severity {
    /// Returns the lower-case name, as filters and replies use it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Watch => "watch",
            Self::Warn => "warn",
            Self::Severe => "severe",
        }
    }
}

/// What supervisors have said about the alert that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertHandling {
    /// There is no alert.
    #[default]
    None,
    /// The alert waits for somebody.
    Open,
    /// Somebody takes care of the alert.
    Acknowledged,
    /// Alerts of the conversation are silent for a while.
    Snoozed,
    /// Somebody said that the alert is wrong.
    Wrong,
}

/// Where a conversation stands on the board.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// How severe the conversation is now.
    pub severity: Severity,
    /// What was said about the alert that is open.
    pub handling: AlertHandling,
    /// Since when the alert has been open, in milliseconds since the epoch.
    pub alert_since_ms: Option<i64>,
    /// Whether nobody has listened to the conversation for longer than [`UNHEARD_AFTER`].
    pub is_unheard: bool,
}

/// Returns where a conversation stands at `now_ms`, in milliseconds since the epoch.
///
/// An alert that waits or is acknowledged has the severity of its rule. An alert that is snoozed or wrong counts as none: then a
/// customer's average below [`WATCH_BELOW`], a coverage below [`WATCH_COVERAGE_BELOW`], or nobody who listens, make
/// the conversation one to watch.
#[must_use]
pub fn standing(row: &BoardRow, marks: &AlertMarks, now_ms: i64) -> Standing {
    let is_unheard = now_ms.saturating_sub(row.read_ms)
        > i64::try_from(UNHEARD_AFTER.as_millis()).unwrap_or(i64::MAX);
    let current = row.current_alert(marks);
    let handling = current.map_or(AlertHandling::None, |alert| {
        marks.handling(alert, row, now_ms)
    });
    let is_low = row
        .customer
        .is_some_and(|customer| customer.average() < WATCH_BELOW);
    let is_thin = row
        .spoken
        .0
        .coverage()
        .is_some_and(|coverage| coverage < WATCH_COVERAGE_BELOW);
    let without_alert = if is_low || is_thin || is_unheard {
        Severity::Watch
    } else {
        Severity::Calm
    };
    let severity = match (current, handling) {
        (Some(alert), AlertHandling::Open | AlertHandling::Acknowledged) => {
            alert.severity.max(without_alert)
        }
        _ => without_alert,
    };
    Standing {
        severity,
        handling,
        alert_since_ms: current.map(|alert| alert.at_ms),
        is_unheard,
    }
}

/// Returns the word for a score: five equal steps from 0 to 1.
#[must_use]
pub fn word_of_score(score: f64) -> &'static str {
    match score {
        ..0.2 => "very negative",
        ..0.4 => "negative",
        ..0.6 => "neutral",
        ..0.8 => "positive",
        _ => "very positive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::mark::{AlertMark, AlertReference, MarkKind};
    use crate::board::row::{RowAlert, RowReading, Spoken};
    use crate::live::{SpeechTotals, Trend};

    const NOW: i64 = 1_764_000_000_000;

    fn row(average: f64) -> BoardRow {
        BoardRow {
            read_ms: NOW,
            customer: Some(RowReading::new(average, Trend::Stable)),
            ..BoardRow::default()
        }
    }

    fn alert() -> RowAlert {
        RowAlert {
            rule: "customer-average".to_owned(),
            version: "v1".to_owned(),
            at_ms: NOW - 5000,
            average: 200,
            severity: Severity::Severe,
            model: None,
        }
    }

    fn mark(kind: MarkKind) -> AlertMark {
        AlertMark {
            alert: AlertReference::from(&alert()),
            kind,
            by: "Grace".to_owned(),
            key: "floor".to_owned(),
            at_ms: NOW,
            until_ms: (kind == MarkKind::Snoozed).then_some(NOW + 60_000),
            reason: None,
        }
    }

    #[test]
    fn without_an_alert_the_number_the_coverage_and_the_listener_decide() {
        let marks = AlertMarks::default();
        let severity = |row: &BoardRow, now| standing(row, &marks, now).severity;
        assert_eq!(severity(&row(0.7), NOW), Severity::Calm);
        assert_eq!(severity(&row(0.39), NOW), Severity::Watch);
        assert_eq!(severity(&row(0.7), NOW + 45_000), Severity::Calm);
        assert_eq!(severity(&row(0.7), NOW + 45_001), Severity::Watch);
        let thin = BoardRow {
            spoken: Spoken(SpeechTotals {
                customer_ms: 700,
                unscored_ms: 300,
                ..SpeechTotals::default()
            }),
            ..row(0.7)
        };
        assert_eq!(severity(&thin, NOW), Severity::Watch);
    }

    #[test]
    fn a_snooze_ends_and_a_wrong_alert_stays_wrong_until_the_next_one() {
        let bad = BoardRow {
            alert: Some(alert()),
            ..row(0.2)
        };
        let mut marks = AlertMarks::default();
        let at = |marks: &AlertMarks, now| {
            let standing = standing(&bad, marks, now);
            (standing.severity, standing.handling)
        };
        assert_eq!(at(&marks, NOW), (Severity::Severe, AlertHandling::Open));
        marks.apply(mark(MarkKind::Acknowledged));
        assert_eq!(
            at(&marks, NOW),
            (Severity::Severe, AlertHandling::Acknowledged)
        );
        marks.apply(mark(MarkKind::Snoozed));
        assert_eq!(at(&marks, NOW), (Severity::Watch, AlertHandling::Snoozed));
        assert_eq!(
            at(&marks, NOW + 60_000),
            (Severity::Severe, AlertHandling::Acknowledged)
        );
        marks.apply(mark(MarkKind::Wrong));
        assert_eq!(
            at(&marks, NOW + 60_000),
            (Severity::Watch, AlertHandling::Wrong)
        );
        let next = BoardRow {
            alert: Some(RowAlert {
                at_ms: NOW + 70_000,
                ..alert()
            }),
            read_ms: NOW + 70_000,
            ..row(0.1)
        };
        assert_eq!(
            standing(&next, &marks, NOW + 70_000).handling,
            AlertHandling::Open
        );
        marks.apply(mark(MarkKind::Reopened));
        assert_eq!(at(&marks, NOW), (Severity::Severe, AlertHandling::Open));
    }

    #[test]
    fn every_score_has_a_word() {
        let words = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, f64::NAN].map(word_of_score);
        assert_eq!(
            words[..5],
            [
                "very negative",
                "negative",
                "neutral",
                "positive",
                "very positive"
            ]
        );
        assert_eq!(words[5], "very positive");
    }
}
