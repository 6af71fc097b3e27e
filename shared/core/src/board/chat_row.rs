//! The row of a chat: what a message and its score change in it.

use jiff::Timestamp;

use super::row::{BoardRow, ConversationKind, RowAlert, RowReading, thousandths};
use super::standing::Severity;
use crate::chat::escalation::Severity as EscalationSeverity;
use crate::live::{LiveSettings, Trend};
use crate::scale::Score;

/// Number of the customer's newest messages that the average of a chat covers. A chat has long pauses, so that a time would cover
/// nothing or too much.
pub const CHAT_WINDOW_MESSAGES: usize = 5;

/// One thing that happened in a chat.
#[derive(Debug, Clone)]
pub enum ChatUpdate {
    /// A message came or was sent.
    Message {
        /// When the message was sent, in milliseconds since the epoch.
        at_ms: i64,
    },
    /// A message of the customer or of the agent has its score.
    Scored {
        /// When the message was sent, in milliseconds since the epoch.
        at_ms: i64,
        /// Whether the customer wrote the message.
        is_customer: bool,
        /// Sentiment of the message.
        score: Score,
    },
    /// An escalation was raised.
    Escalated {
        /// When the message was sent that raised the escalation, in milliseconds since the epoch.
        at_ms: i64,
        /// How severe the escalation is.
        severity: EscalationSeverity,
    },
}

impl BoardRow {
    /// Builds the row of a chat of which nothing is known but its agent.
    #[must_use]
    pub fn of_new_chat(agent_id: &str, now: Timestamp) -> Self {
        Self {
            kind: ConversationKind::Chat,
            started_ms: now.as_millisecond(),
            read_ms: now.as_millisecond(),
            agent_id: Some(agent_id.to_owned()),
            ..Self::default()
        }
    }

    /// Takes over what happened in a chat.
    pub fn update_chat(&mut self, update: &ChatUpdate) {
        match update {
            ChatUpdate::Message { at_ms } => {
                self.move_points_to(*at_ms);
                self.started_ms = self.started_ms.min(*at_ms);
            }
            ChatUpdate::Scored {
                at_ms,
                is_customer: true,
                score,
            } => self.add_point(*at_ms, *score),
            ChatUpdate::Scored { score, .. } => {
                let before = self.agent.map_or(0.5, RowReading::average);
                self.agent = Some(reading(before, score.get()));
            }
            ChatUpdate::Escalated { at_ms, severity } => self.escalate(*at_ms, *severity),
        }
    }

    /// Adds the score of a customer's message. Scores come in any order; the points stay in that of the messages.
    fn add_point(&mut self, at_ms: i64, score: Score) {
        self.move_points_to(at_ms);
        let newest_ms = self.heard_ms.unwrap_or(at_ms);
        let mut points: Vec<(i64, u16)> = self
            .points
            .iter()
            .map(|(tenths, score)| (newest_ms - i64::from(*tenths) * 100, *score))
            .collect();
        points.push((at_ms, thousandths(score.get())));
        points.sort_by_key(|(at, _)| *at);
        let surplus = points.len().saturating_sub(CHAT_WINDOW_MESSAGES);
        points.drain(..surplus);
        self.points = points
            .iter()
            .map(|(at, score)| {
                let tenths = newest_ms.saturating_sub(*at) / 100;
                (u32::try_from(tenths).unwrap_or(u32::MAX), *score)
            })
            .collect();
        let sum: f64 = points.iter().map(|(_, score)| f64::from(*score)).sum();
        let average = sum / (points.len().max(1) as f64 * 1000.0);
        let before = self.customer.map_or(0.5, RowReading::average);
        self.customer = Some(reading(before, average));
    }

    /// Counts the ages of the points from a newer message on.
    fn move_points_to(&mut self, at_ms: i64) {
        let newest_ms = self.heard_ms.unwrap_or(at_ms).max(at_ms);
        let moved_ms = newest_ms.saturating_sub(self.heard_ms.unwrap_or(newest_ms));
        let tenths = u32::try_from(moved_ms / 100).unwrap_or(u32::MAX);
        for (age, _) in &mut self.points {
            *age = age.saturating_add(tenths);
        }
        self.heard_ms = Some(newest_ms);
    }

    fn escalate(&mut self, at_ms: i64, severity: EscalationSeverity) {
        let rule = format!("escalation-{}", severity.name());
        self.note_fired(&rule);
        let severity = match severity {
            EscalationSeverity::Legal => Severity::Severe,
            EscalationSeverity::Complaint | EscalationSeverity::Urgent => Severity::Warn,
        };
        self.raise(RowAlert {
            rule,
            version: "built-in".to_owned(),
            at_ms,
            average: 0,
            severity,
            model: None,
        });
    }
}

fn reading(before: f64, after: f64) -> RowReading {
    let delta = LiveSettings::default().trend_delta;
    RowReading::new(after, Trend::between(before, after, delta))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> BoardRow {
        BoardRow::of_new_chat("agent-1", Timestamp::from_millisecond(100_000).unwrap())
    }

    fn scored(at_ms: i64, score: f64) -> ChatUpdate {
        ChatUpdate::Scored {
            at_ms,
            is_customer: true,
            score: Score::try_from(score).unwrap(),
        }
    }

    #[test]
    fn the_average_covers_the_newest_five_messages_whatever_the_order_of_their_scores() {
        let mut row = row();
        for (at, score) in [
            (7000, 0.2),
            (1000, 1.0),
            (6000, 0.2),
            (5000, 0.2),
            (4000, 0.2),
            (3000, 0.2),
        ] {
            row.update_chat(&ChatUpdate::Message { at_ms: at });
            row.update_chat(&scored(at, score));
        }
        assert_eq!(row.points.len(), CHAT_WINDOW_MESSAGES);
        assert_eq!(
            row.customer.unwrap().0,
            200,
            "the first message is out of the window"
        );
        assert_eq!(row.points.first(), Some(&(40, 200)));
        assert_eq!(row.started_ms, 1000);
    }

    #[test]
    fn a_message_without_a_score_moves_the_points_back() {
        let mut row = row();
        row.update_chat(&scored(1000, 0.5));
        row.update_chat(&ChatUpdate::Message { at_ms: 11_000 });
        row.update_chat(&scored(12_000, 0.5));
        assert_eq!(row.points, [(110, 500), (0, 500)]);
    }

    #[test]
    fn the_worst_escalation_stays_the_alert() {
        let mut row = row();
        for (at_ms, severity) in [
            (1, EscalationSeverity::Complaint),
            (2, EscalationSeverity::Legal),
            (3, EscalationSeverity::Urgent),
        ] {
            row.update_chat(&ChatUpdate::Escalated { at_ms, severity });
        }
        let alert = row.alert.unwrap();
        assert_eq!((alert.rule.as_str(), alert.at_ms), ("escalation-legal", 2));
        assert_eq!(row.fired.len(), 3);
    }
}
