//! Trying alert rules on recorded calls: thresholds in, alerts a call out.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::event::{Effect, Event, Scored};
use super::interaction::Interaction;
use super::rules::{Rules, ms};
use super::step::step;

/// An alert that the rules would have raised.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Segment time, in ms.
    pub at: i64,
    /// The average that raised it.
    pub average: f64,
    /// The template of the suggestion.
    pub template: String,
}

/// The alerts that `rules` raise on a recorded call that is polled every `poll` of segment time.
///
/// The call is put through the same transitions as a live one: segments that end within the same poll are one batch.
#[must_use]
pub fn alerts(mut call: Vec<Scored>, rules: &Rules, poll: Duration) -> Vec<Alert> {
    call.sort_by_key(|scored| (scored.segment.end, scored.segment.id()));
    let mut state = Interaction::new("recorded", Timestamp::UNIX_EPOCH);
    let mut alerts = Vec::new();
    let every = ms(poll).max(1);
    for batch in
        call.chunk_by(|a, b| a.segment.end.div_euclid(every) == b.segment.end.div_euclid(every))
    {
        let event = Event::Scored {
            batch: batch.to_vec(),
            more: false,
        };
        let effects;
        (state, effects) = step(state, event, rules, Timestamp::UNIX_EPOCH);
        for effect in effects {
            if let Effect::Post(suggestion) = effect {
                let posted = Event::Posted {
                    key: suggestion.key,
                    id: None,
                };
                state = step(state, posted, rules, Timestamp::UNIX_EPOCH).0;
                let (at, average, template) =
                    (suggestion.at, suggestion.average, suggestion.template);
                alerts.push(Alert {
                    at,
                    average,
                    template,
                });
            }
        }
    }
    alerts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{AlertRules, Direction, Listener, Segment};
    use crate::scale::Score;

    fn said(second: i64, direction: Direction, score: f64) -> Scored {
        let (start, end) = (second * 1000, second * 1000 + 900);
        let segment = Segment {
            text: format!("at {second}"),
            start,
            end,
            direction,
            is_final: true,
        };
        Scored {
            segment,
            score: Score::try_from(score).unwrap(),
            emotions: vec!["anger".into()],
            intent: None,
        }
    }

    fn falling(direction: Direction) -> Vec<Scored> {
        [0.8, 0.6, 0.3, 0.1, 0.05, 0.05]
            .iter()
            .zip(0..)
            .map(|(&s, n)| said(n * 12, direction, s))
            .collect()
    }

    fn times(call: Vec<Scored>, alert: AlertRules) -> Vec<i64> {
        let rules = Rules {
            alert,
            ..Rules::default()
        };
        alerts(call, &rules, Duration::from_secs(1))
            .into_iter()
            .map(|alert| alert.at)
            .collect()
    }

    #[test]
    fn a_higher_threshold_alerts_earlier() {
        let at = |threshold| AlertRules {
            threshold,
            rearm: threshold,
            ..Rules::default().alert
        };
        assert_eq!(
            times(falling(Direction::Customer), at(0.35)),
            [36_900, 60_900]
        );
        assert_eq!(
            times(falling(Direction::Customer), at(0.60)),
            [24_900, 48_900]
        );
        assert_eq!(times(falling(Direction::Customer), at(0.05)), [0; 0]);
    }

    #[test]
    fn an_agent_alone_raises_nothing_unless_both_are_read() {
        let alert = Rules::default().alert;
        assert_eq!(times(falling(Direction::Agent), alert), [0; 0]);
        let both = AlertRules {
            listener: Listener::Both,
            ..alert
        };
        assert_eq!(times(falling(Direction::Agent), both), [36_900, 60_900]);
    }

    #[test]
    fn an_empty_call_raises_nothing() {
        assert_eq!(times(Vec::new(), Rules::default().alert), [0; 0]);
    }
}
