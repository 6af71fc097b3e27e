//! Tests of the transition, event by event.

use std::time::Duration;

use super::*;
use crate::live::batch::MAX_PENDING_SUGGESTIONS;
use crate::live::{AlertSubject, CallView, ScoredSegment, Segment, Speaker, Suggestion, Trend};
use crate::scale::Score;

/// Start of the clock of these tests in milliseconds since the epoch; segment times count from it too.
const START: i64 = 1_700_000_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(START + seconds * 1000).unwrap()
}

fn said(second: i64, speaker: Speaker) -> Segment {
    let start = START + second * 1000;
    Segment {
        text: format!("words at {second}"),
        start,
        end: start + 900,
        speaker,
        is_final: true,
    }
}

fn scored(segments: Vec<Segment>, score: f64) -> CallEvent {
    let batch = segments.into_iter().map(|segment| ScoredSegment {
        segment,
        score: Score::try_from(score).unwrap(),
        emotions: Vec::new(),
        intent: None,
    });
    CallEvent::BatchScored {
        batch: batch.collect(),
        has_more: false,
    }
}

/// A call that process `a` has claimed, driven event by event with the default settings and a lease of 15 s.
struct Call {
    state: CallState,
    settings: LiveSettings,
}

impl Call {
    fn claimed() -> Self {
        let lease = Duration::from_secs(15);
        let mut call = Self {
            state: CallState::new("call", at(0)),
            settings: LiveSettings {
                lease_duration: lease,
                ..LiveSettings::default()
            },
        };
        assert_eq!(
            call.on(0, CallEvent::ClaimRequested { holder: "a".into() }),
            [CallAction::SaveState]
        );
        call
    }

    fn on(&mut self, second: i64, event: CallEvent) -> Vec<CallAction> {
        let actions;
        (self.state, actions) = apply_event(self.state.clone(), event, &self.settings, at(second));
        actions
    }

    fn customer(&mut self, second: i64, score: f64) -> Vec<CallAction> {
        self.on(second, scored(vec![said(second, Speaker::Customer)], score))
    }
}

fn sent_attributes(actions: &[CallAction]) -> Vec<(&'static str, String)> {
    let attributes = actions.iter().find_map(|action| match action {
        CallAction::SendAttributes { attributes, .. } => Some(attributes.clone()),
        _ => None,
    });
    attributes.unwrap_or_default()
}

fn sent_suggestions(actions: &[CallAction]) -> Vec<Suggestion> {
    let post = |action: &CallAction| {
        if let CallAction::SendSuggestion(s) = action {
            Some(s.clone())
        } else {
            None
        }
    };
    actions.iter().filter_map(post).collect()
}

#[test]
fn intents_are_written_before_they_are_sent() {
    let mut call = Call::claimed();
    let actions = call.customer(1, 0.1);
    let position = |wanted: fn(&CallAction) -> bool| actions.iter().position(wanted).unwrap();
    let save = position(|e| matches!(e, CallAction::SaveState));
    assert!(save < position(|e| matches!(e, CallAction::SendAttributes { .. })));
    assert!(save < position(|e| matches!(e, CallAction::SendSuggestion(_))));
    let stored: CallState =
        serde_json::from_str(&serde_json::to_string(&call.state).unwrap()).unwrap();
    assert!(stored.has_unacknowledged());
}

#[test]
fn partials_repeats_and_senseless_times_are_not_scored() {
    let mut call = Call::claimed();
    call.on(1, scored(vec![said(1, Speaker::Customer)], 0.5));
    let partial = Segment {
        is_final: false,
        ..said(2, Speaker::Customer)
    };
    let backwards = Segment {
        end: START,
        ..said(3, Speaker::Customer)
    };
    let nanoseconds = Segment {
        end: START * 1_000_000,
        ..said(3, Speaker::Customer)
    };
    let fresh = said(4, Speaker::Agent);
    let segments = vec![
        fresh.clone(),
        said(1, Speaker::Customer),
        partial,
        backwards,
        nanoseconds,
        fresh.clone(),
    ];
    assert_eq!(
        call.on(
            5,
            CallEvent::SegmentsFetched {
                segments,
                is_sweep: false
            }
        ),
        [
            CallAction::ReportSkipped {
                late: 0,
                implausible: 2
            },
            CallAction::ScoreSegments {
                segments: vec![fresh],
                has_more: false
            },
        ],
    );
}

#[test]
fn a_long_answer_is_taken_in_batches_and_alerts_only_at_its_end() {
    let mut call = Call::claimed();
    let segments: Vec<Segment> = (0..100)
        .map(|second| said(second, Speaker::Customer))
        .collect();
    let actions = call.on(
        100,
        CallEvent::SegmentsFetched {
            segments: segments.clone(),
            is_sweep: true,
        },
    );
    let [
        CallAction::ScoreSegments {
            segments: first,
            has_more: true,
        },
    ] = actions.as_slice()
    else {
        panic!("{actions:?}")
    };
    assert_eq!(first.as_slice(), &segments[..64]);
    let CallEvent::BatchScored { batch, .. } = scored(first.clone(), 0.2) else {
        unreachable!()
    };
    assert!(
        sent_suggestions(&call.on(
            100,
            CallEvent::BatchScored {
                batch,
                has_more: true
            }
        ))
        .is_empty()
    );
    let actions = call.on(
        100,
        CallEvent::SegmentsFetched {
            segments: segments.clone(),
            is_sweep: false,
        },
    );
    let [
        CallAction::ScoreSegments {
            segments: rest,
            has_more: false,
        },
    ] = actions.as_slice()
    else {
        panic!("{actions:?}")
    };
    assert_eq!(rest.as_slice(), &segments[64..]);
    assert_eq!(
        sent_suggestions(&call.on(100, scored(rest.clone(), 0.1))).len(),
        1
    );
}

#[test]
fn polls_start_at_the_cursor_and_sweep_behind_it_now_and_then() {
    let mut call = Call::claimed();
    assert_eq!(
        call.on(0, CallEvent::RoundStarted),
        [CallAction::FetchSegments {
            from: 0,
            is_sweep: true
        }]
    );
    call.on(
        1,
        CallEvent::SegmentsFetched {
            segments: Vec::new(),
            is_sweep: true,
        },
    );
    call.customer(1, 0.5);
    call.on(1, CallEvent::AttributesSettled { revision: 1 });
    let cursor = START + 1900;
    assert_eq!(
        call.on(2, CallEvent::RoundStarted),
        [CallAction::FetchSegments {
            from: cursor,
            is_sweep: false
        }]
    );
    assert_eq!(
        call.on(6, CallEvent::RoundStarted),
        [CallAction::FetchSegments {
            from: 0,
            is_sweep: true
        }],
        "the last sweep was at the start"
    );
    call.on(
        6,
        CallEvent::SegmentsFetched {
            segments: Vec::new(),
            is_sweep: true,
        },
    );
    call.customer(7, 0.5);
    call.on(7, CallEvent::AttributesSettled { revision: 2 });
    assert_eq!(
        call.on(11, CallEvent::RoundStarted),
        [CallAction::FetchSegments {
            from: cursor - 60_000,
            is_sweep: true
        }]
    );
}

#[test]
fn what_was_not_answered_is_sent_again_with_the_newest_values_and_the_same_key() {
    let mut call = Call::claimed();
    let sent = sent_suggestions(&call.customer(1, 0.3));
    let later = call.customer(2, 0.2);
    assert_eq!(sent_suggestions(&later), sent);
    assert_eq!(
        sent_attributes(&later)[0],
        ("realtime_sentiment_score", "0.250".to_owned())
    );
    let retried = call.on(3, CallEvent::RoundStarted);
    assert_eq!(
        (sent_suggestions(&retried), sent_attributes(&retried)),
        (sent.clone(), sent_attributes(&later))
    );
    assert_eq!(
        call.on(
            3,
            CallEvent::SuggestionAccepted {
                key: sent[0].key.clone(),
                id: Some("s-1".into())
            }
        ),
        [CallAction::SaveState]
    );
    assert_eq!(
        call.on(
            3,
            CallEvent::SuggestionAccepted {
                key: sent[0].key.clone(),
                id: None
            }
        ),
        []
    );
    assert_eq!(call.on(3, CallEvent::AttributesSettled { revision: 2 }), []);
    assert!(!call.state.has_unacknowledged());
    assert_eq!(
        CallView::from(&call.state).suggestions[0].id.as_deref(),
        Some("s-1")
    );
}

#[test]
fn an_answer_to_older_attributes_does_not_settle_newer_ones() {
    let mut call = Call::claimed();
    call.customer(1, 0.5);
    call.customer(2, 0.5);
    call.on(2, CallEvent::AttributesSettled { revision: 1 });
    assert!(!sent_attributes(&call.on(3, CallEvent::RoundStarted)).is_empty());
}

#[test]
fn the_customer_decides_by_default_and_both_when_asked() {
    let mut call = Call::claimed();
    assert!(sent_suggestions(&call.on(1, scored(vec![said(1, Speaker::Agent)], 0.0))).is_empty());
    let mut call = Call::claimed();
    call.settings.alert.subject = AlertSubject::Both;
    assert_eq!(
        sent_suggestions(&call.on(1, scored(vec![said(1, Speaker::Agent)], 0.0))).len(),
        1
    );
    let mut call = Call::claimed();
    call.customer(1, 0.1);
    call.on(
        1,
        CallEvent::SuggestionAccepted {
            key: call.state.suggestions()[0].key.clone(),
            id: None,
        },
    );
    // The customer's reading is still bad and declining, but nothing new was said by the customer.
    assert!(sent_suggestions(&call.on(30, scored(vec![said(30, Speaker::Agent)], 0.0))).is_empty());
}

#[test]
fn two_processes_never_hold_a_call_at_once() {
    let mut call = Call::claimed();
    let until = at(15);
    assert_eq!(
        call.on(14, CallEvent::ClaimRequested { holder: "b".into() }),
        [CallAction::LeaveCall(LeaveReason::LeasedUntil(until))]
    );
    assert_eq!(
        call.on(14, CallEvent::ClaimRequested { holder: "a".into() }),
        [CallAction::SaveState]
    );
    assert_eq!(
        call.on(29, CallEvent::ClaimRequested { holder: "b".into() }),
        [CallAction::SaveState]
    );
    assert_eq!(call.state.lease(at(30)).unwrap().holder, "b");
    assert_eq!(
        call.on(30, CallEvent::HandOverRequested),
        [CallAction::SaveState]
    );
    assert!(call.state.lease(at(30)).is_none());
}

#[test]
fn the_lease_is_renewed_by_batches_and_by_quiet_rounds_half_way() {
    let mut call = Call::claimed();
    assert_eq!(
        call.on(7, CallEvent::RoundStarted),
        [CallAction::FetchSegments {
            from: 0,
            is_sweep: true
        }]
    );
    assert_eq!(
        call.on(8, CallEvent::RoundStarted),
        [
            CallAction::SaveState,
            CallAction::FetchSegments {
                from: 0,
                is_sweep: true
            }
        ]
    );
    call.customer(12, 0.5);
    assert_eq!(call.state.lease(at(12)).unwrap().until, at(27));
}

#[test]
fn a_call_ends_by_silence_and_by_removal_and_can_be_registered_again() {
    let mut call = Call::claimed();
    call.settings.silence_timeout = Some(Duration::from_secs(60));
    call.customer(10, 0.5);
    call.on(10, CallEvent::AttributesSettled { revision: 1 });
    assert!(
        call.on(69, CallEvent::RoundStarted)
            .contains(&CallAction::FetchSegments {
                from: 0,
                is_sweep: true
            })
    );
    assert_eq!(
        call.on(70, CallEvent::RoundStarted),
        [
            CallAction::SaveState,
            CallAction::LeaveCall(LeaveReason::Ended(EndReason::Silence))
        ]
    );
    assert_eq!(
        call.on(71, CallEvent::ClaimRequested { holder: "b".into() }),
        [CallAction::LeaveCall(LeaveReason::Ended(
            EndReason::Silence
        ))]
    );
    assert_eq!(
        call.on(80, CallEvent::RegistrationRequested),
        [CallAction::SaveState]
    );
    assert_eq!(call.on(80, CallEvent::RegistrationRequested), []);
    assert_eq!(
        call.on(80, CallEvent::ClaimRequested { holder: "b".into() }),
        [CallAction::SaveState]
    );
    assert_eq!(
        call.on(
            81,
            CallEvent::SegmentsFetched {
                segments: vec![said(10, Speaker::Customer)],
                is_sweep: true
            }
        ),
        [],
        "what was scored before stays scored",
    );
    assert_eq!(
        call.on(82, CallEvent::StopRequested),
        [CallAction::SaveState]
    );
    assert_eq!(call.on(82, CallEvent::StopRequested), []);
    assert_eq!(
        call.on(83, CallEvent::RoundStarted),
        [
            CallAction::SaveState,
            CallAction::LeaveCall(LeaveReason::Ended(EndReason::Stopped))
        ]
    );
}

#[test]
fn a_removed_call_still_sends_what_it_owes_for_a_while() {
    let mut call = Call::claimed();
    call.customer(1, 0.1);
    call.on(2, CallEvent::StopRequested);
    assert_eq!(
        call.on(16, CallEvent::ClaimRequested { holder: "b".into() }),
        [CallAction::SaveState]
    );
    let actions = call.on(17, CallEvent::RoundStarted);
    assert!(
        matches!(
            actions.as_slice(),
            [
                CallAction::SendAttributes { .. },
                CallAction::SendSuggestion(_)
            ]
        ),
        "{actions:?}"
    );
    assert!(matches!(
        call.on(122, CallEvent::RoundStarted).as_slice(),
        [CallAction::SaveState, CallAction::LeaveCall(_)]
    ));
}

#[test]
fn suggestions_that_cannot_be_sent_do_not_pile_up() {
    let mut call = Call::claimed();
    for second in 0..200 {
        let score = if second % 10 == 0 { 0.9 } else { 0.05 };
        call.settings.window = Duration::from_secs(1);
        call.on(
            second * 20,
            scored(vec![said(second * 20, Speaker::Customer)], score),
        );
    }
    assert_eq!(call.state.suggestions().len(), MAX_PENDING_SUGGESTIONS);
    assert!(serde_json::to_string(&call.state).unwrap().len() < 16 * 1024);
}

#[test]
fn a_refused_suggestion_is_not_sent_again() {
    let mut call = Call::claimed();
    let sent = sent_suggestions(&call.customer(1, 0.1));
    assert_eq!(
        call.on(
            1,
            CallEvent::SuggestionRefused {
                key: sent[0].key.clone()
            }
        ),
        [CallAction::SaveState]
    );
    assert!(sent_suggestions(&call.on(2, CallEvent::RoundStarted)).is_empty());
    assert_eq!(CallView::from(&call.state).suggestions[0].status, "refused");
}

#[test]
fn the_state_of_a_two_hour_call_stays_under_16_kb() {
    let mut call = Call::claimed();
    call.settings.memory_horizon = Duration::from_secs(86_400);
    let mut largest = 0;
    // A segment a second, and a mood that swings so that there are suggestions as well.
    for second in 0..7200 {
        let speaker = if second % 2 == 0 {
            Speaker::Customer
        } else {
            Speaker::Agent
        };
        let score = if (second / 60) % 2 == 0 { 0.95 } else { 0.02 };
        let actions = call.on(second, scored(vec![said(second, speaker)], score));
        for suggestion in sent_suggestions(&actions) {
            call.on(
                second,
                CallEvent::SuggestionAccepted {
                    key: suggestion.key,
                    id: Some("a-suggestion-id-of-36-characters----".into()),
                },
            );
        }
        largest = largest.max(serde_json::to_string(&call.state).unwrap().len());
    }
    assert!(
        call.state.suggestion_count > 50,
        "{}",
        call.state.suggestion_count
    );
    assert!((11_000..16_384).contains(&largest), "{largest} bytes");
    let total =
        call.state.total(Speaker::Customer).segments + call.state.total(Speaker::Agent).segments;
    assert_eq!(total, 7200);
}

#[test]
fn the_view_shows_scores_and_no_words() {
    let mut call = Call::claimed();
    call.customer(1, 0.25);
    let shown = serde_json::to_value(CallView::from(&call.state)).unwrap();
    assert_eq!(shown["average"], 0.25);
    assert_eq!(shown["trend"], "declining");
    assert_eq!(shown["segments"][0]["score"], 0.25);
    assert_eq!(shown["customer"]["segments"], 1);
    assert_eq!(shown["agent"]["call_average"], serde_json::Value::Null);
    assert!(!shown.to_string().contains("words at"));
    assert_eq!(call.state.sentiment().both.trend, Trend::Declining);
}

#[test]
fn a_sweep_whose_segments_could_not_be_scored_is_repeated_from_where_it_began() {
    let mut call = Call::claimed();
    let sweep = CallAction::FetchSegments {
        from: 0,
        is_sweep: true,
    };
    assert_eq!(
        call.on(0, CallEvent::RoundStarted),
        std::slice::from_ref(&sweep)
    );
    let segments = vec![said(0, Speaker::Customer)];
    let answer = CallEvent::SegmentsFetched {
        segments: segments.clone(),
        is_sweep: true,
    };
    call.on(1, answer.clone());
    // Nothing came of the scoring.
    assert_eq!(call.on(2, CallEvent::RoundStarted), [sweep]);
    call.on(2, answer);
    call.on(2, scored(segments, 0.5));
    call.on(2, CallEvent::AttributesSettled { revision: 1 });
    let [
        CallAction::FetchSegments {
            is_sweep: false, ..
        },
    ] = call.on(3, CallEvent::RoundStarted)[..]
    else {
        panic!("it was swept a second ago")
    };
}
