//! Replays recorded calls through the live algorithm, to try alert settings: settings in, alerts per call out.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::action::CallAction;
use super::call_state::CallState;
use super::event::{CallEvent, ScoredBatch, ScoredSegment};
use super::settings::{LiveSettings, whole_millis};
use super::transition::apply_event;

/// An alert that the settings would have raised on a recorded call.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReplayedAlert {
    /// Segment time of the alert, in milliseconds.
    pub at: i64,
    /// Average score that raised the alert.
    pub average: f64,
    /// Name of the suggestion template.
    pub template: String,
}

/// Returns the alerts that `settings` raise on a recorded call that is polled every `poll_interval` of segment time.
///
/// The call goes through the same transitions as a live one: segments that end within the same poll are one batch, and every
/// suggestion is acknowledged at once.
#[must_use]
pub fn replay_alerts(
    mut call: Vec<ScoredSegment>,
    settings: &LiveSettings,
    poll_interval: Duration,
) -> Vec<ReplayedAlert> {
    call.sort_by_key(|scored| (scored.segment.end, scored.segment.id()));
    let mut state = CallState::new("recorded", Timestamp::UNIX_EPOCH);
    let mut alerts = Vec::new();
    let interval = whole_millis(poll_interval).max(1);
    let poll_of = |scored: &ScoredSegment| scored.segment.end.div_euclid(interval);
    for batch in call.chunk_by(|a, b| poll_of(a) == poll_of(b)) {
        let event = CallEvent::BatchScored(ScoredBatch {
            scored: batch.to_vec(),
            ..ScoredBatch::default()
        });
        // The clock of the replay stands at the end of what was said, as that of a live call does.
        let now = batch
            .last()
            .and_then(|scored| Timestamp::from_millisecond(scored.segment.end).ok())
            .unwrap_or(Timestamp::UNIX_EPOCH);
        state = apply_event(state, event, settings, now).0;
        let (next, sends) = apply_event(state, CallEvent::DeliveryRequested, settings, now);
        state = next;
        for action in sends {
            if let CallAction::SendSuggestion(suggestion) = action {
                let accepted = CallEvent::SuggestionAccepted {
                    key: suggestion.key,
                    id: None,
                };
                state = apply_event(state, accepted, settings, now).0;
                alerts.push(ReplayedAlert {
                    at: suggestion.at,
                    average: suggestion.average,
                    template: suggestion.template,
                });
            }
        }
    }
    alerts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::{AlertSettings, AlertSubject, Segment, Speaker};
    use crate::scale::Score;

    fn said(second: i64, speaker: Speaker, score: f64) -> ScoredSegment {
        let (start, end) = (second * 1000, second * 1000 + 900);
        let segment = Segment {
            text: format!("at {second}"),
            start,
            end,
            speaker,
            is_final: true,
        };
        ScoredSegment {
            emotions: vec!["anger".into()],
            ..ScoredSegment::new(segment, Score::try_from(score).unwrap())
        }
    }

    fn falling(speaker: Speaker) -> Vec<ScoredSegment> {
        [0.8, 0.6, 0.3, 0.1, 0.05, 0.05]
            .iter()
            .zip(0..)
            .map(|(&s, n)| said(n * 12, speaker, s))
            .collect()
    }

    fn times(call: Vec<ScoredSegment>, alert: AlertSettings) -> Vec<i64> {
        let settings = LiveSettings {
            alert,
            ..LiveSettings::default()
        };
        replay_alerts(call, &settings, Duration::from_secs(1))
            .into_iter()
            .map(|alert| alert.at)
            .collect()
    }

    #[test]
    fn a_higher_threshold_alerts_earlier() {
        let at = |threshold| AlertSettings {
            threshold,
            rearm: threshold,
            ..LiveSettings::default().alert
        };
        assert_eq!(
            times(falling(Speaker::Customer), at(0.35)),
            [36_900, 60_900]
        );
        assert_eq!(
            times(falling(Speaker::Customer), at(0.60)),
            [24_900, 48_900]
        );
        assert_eq!(times(falling(Speaker::Customer), at(0.05)), [0; 0]);
    }

    #[test]
    fn an_agent_alone_raises_nothing_unless_both_are_read() {
        let alert = LiveSettings::default().alert;
        assert_eq!(times(falling(Speaker::Agent), alert), [0; 0]);
        let both = AlertSettings {
            subject: AlertSubject::Both,
            ..alert
        };
        assert_eq!(times(falling(Speaker::Agent), both), [36_900, 60_900]);
    }

    #[test]
    fn an_empty_call_raises_nothing() {
        assert_eq!(times(Vec::new(), LiveSettings::default().alert), [0; 0]);
    }
}
