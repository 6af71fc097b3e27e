//! Tests of the transition, event by event.

use std::time::Duration;

use super::*;
use crate::language::{Language, find_other_language};
use crate::live::batch::MAX_PENDING_SUGGESTIONS;
use crate::live::{AlertSubject, CallView, ScoredSegment, Segment, Speaker, Suggestion, Trend};
use crate::scale::Score;
use crate::signals::Signal;
use crate::unscored::Unscored;

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
    let score = Score::try_from(score).unwrap();
    let batch = segments
        .into_iter()
        .map(|segment| ScoredSegment::new(segment, score));
    CallEvent::BatchScored(ScoredBatch {
        scored: batch.collect(),
        ..ScoredBatch::default()
    })
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

    /// Applies an event, and then sends what is not acknowledged if the event was a round or a batch, as a process does.
    fn on(&mut self, second: i64, event: CallEvent) -> Vec<CallAction> {
        let is_sent_after = matches!(event, CallEvent::RoundStarted | CallEvent::BatchScored(_));
        let mut actions = self.apply(second, event);
        let is_left = actions
            .iter()
            .any(|action| matches!(action, CallAction::LeaveCall(_)));
        if is_sent_after && !is_left {
            actions.extend(self.apply(second, CallEvent::DeliveryRequested));
        }
        actions
    }

    fn apply(&mut self, second: i64, event: CallEvent) -> Vec<CallAction> {
        let actions;
        (self.state, actions) = apply_event(self.state.clone(), event, &self.settings, at(second));
        actions
    }

    /// Takes the answer to a poll, which is a sweep.
    fn answer(&mut self, second: i64, segments: Vec<Segment>) -> Vec<CallAction> {
        let answer = CallEvent::SegmentsFetched {
            segments,
            is_sweep: true,
        };
        self.on(second, answer)
    }

    /// Polls until a moment at an interval, and nothing is said. Returns the second at which the call was left.
    fn poll_silence(&mut self, seconds: std::ops::Range<i64>) -> Option<i64> {
        seconds.into_iter().find(|second| {
            self.on(*second, CallEvent::RoundStarted);
            let actions = self.answer(*second, Vec::new());
            actions.contains(&CallAction::LeaveCall(LeaveReason::Ended(
                EndReason::Silence,
            )))
        })
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
fn partials_and_repeats_are_not_scored_and_senseless_times_are_reported() {
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
        backwards.clone(),
        nanoseconds.clone(),
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
            CallAction::ReportOddSegments {
                late: 0,
                misdated: 2
            },
            CallAction::ScoreSegments {
                segments: vec![backwards, fresh, nanoseconds],
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
    let CallEvent::BatchScored(batch) = scored(first.clone(), 0.2) else {
        unreachable!()
    };
    let batch = ScoredBatch {
        has_more: true,
        ..batch
    };
    assert!(sent_suggestions(&call.on(100, CallEvent::BatchScored(batch))).is_empty());
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
    call.answer(0, Vec::new());
    call.customer(10, 0.5);
    call.on(10, CallEvent::AttributesSettled { revision: 1 });
    assert_eq!(call.poll_silence(11..100), Some(70));
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
fn time_in_which_nobody_could_listen_is_no_silence() {
    let silence = Some(Duration::from_secs(600));
    // The contact center is out of reach for twenty minutes; the answer after it says that nothing was said so far.
    let mut call = Call::claimed();
    call.settings.silence_timeout = silence;
    call.customer(1, 0.5);
    call.on(1, CallEvent::AttributesSettled { revision: 1 });
    call.answer(2, Vec::new());
    for second in 3..1203 {
        call.on(second, CallEvent::RoundStarted);
        call.on(second, CallEvent::PollFailed);
    }
    assert_eq!(call.poll_silence(1203..4000), Some(1803));
    // No poller runs for twenty minutes.
    let mut call = Call::claimed();
    call.settings.silence_timeout = silence;
    call.answer(2, Vec::new());
    call.on(1203, CallEvent::ClaimRequested { holder: "b".into() });
    assert_eq!(call.poll_silence(1203..4000), Some(1803));
    // A poll that fails now and then, and hand-overs, do not keep a call alive for ever.
    let mut call = Call::claimed();
    call.settings.silence_timeout = silence;
    for second in 0..599 {
        if second % 20 == 0 {
            call.on(second, CallEvent::PollFailed);
        }
        if second % 100 == 50 {
            call.on(second, CallEvent::HandOverRequested);
            let holder = format!("process {second}");
            call.on(second, CallEvent::ClaimRequested { holder });
        }
        assert_eq!(call.poll_silence(second..second + 1), None);
    }
    assert_eq!(call.poll_silence(599..700), Some(600));
}

#[test]
fn a_call_that_is_registered_again_is_listened_to_anew() {
    let mut call = Call::claimed();
    call.settings.silence_timeout = Some(Duration::from_secs(60));
    assert_eq!(call.poll_silence(0..50), None);
    assert_eq!(
        call.on(50, CallEvent::RegistrationRequested),
        [CallAction::SaveState]
    );
    assert_eq!(call.on(51, CallEvent::RegistrationRequested), []);
    assert_eq!(call.poll_silence(51..200), Some(110));
}

#[test]
fn a_segment_stamped_ahead_is_scored_once_and_moves_neither_cursor_nor_horizon() {
    let mut call = Call::claimed();
    call.customer(1, 0.5);
    let cursor = call.state.memory.newest_end();
    let ahead = Segment {
        start: START + 7_200_000,
        end: START + 7_201_000,
        ..said(2, Speaker::Agent)
    };
    let actions = call.answer(2, vec![ahead.clone()]);
    assert_eq!(
        actions,
        [
            CallAction::ReportOddSegments {
                late: 0,
                misdated: 1
            },
            CallAction::ScoreSegments {
                segments: vec![ahead.clone()],
                has_more: false
            }
        ]
    );
    let report = call.on(2, scored(vec![ahead.clone()], 0.9));
    let reported = report.iter().find_map(|action| match action {
        CallAction::ReportBatch(report) => Some(report.segments[0].id),
        _ => None,
    });
    assert_eq!(
        reported,
        Some(ahead.id()),
        "its identity is that of its own times"
    );
    assert_eq!(call.state.total(Speaker::Agent).segments, 1);
    assert_eq!(
        (
            call.state.memory.newest_end(),
            call.state.memory.forgotten_until()
        ),
        (cursor, None)
    );
    // It is served again at each poll for the rest of the call, and other segments go on to count at once, in another process too.
    for second in 3..1000 {
        let json = serde_json::to_string(&call.state).unwrap();
        call.state = serde_json::from_str(&json).unwrap();
        let fresh = said(second, Speaker::Customer);
        let actions = call.answer(second, vec![ahead.clone(), fresh.clone()]);
        assert_eq!(
            actions,
            [CallAction::ScoreSegments {
                segments: vec![fresh.clone()],
                has_more: false
            }],
            "{second}"
        );
        call.on(second, scored(vec![fresh], 0.5));
    }
    assert_eq!(call.state.total(Speaker::Agent).segments, 1);
}

#[test]
fn a_call_whose_clock_is_hours_ahead_is_scored_in_full() {
    let mut call = Call::claimed();
    let mut served = Vec::new();
    for second in 1..400 {
        let local = said(second, Speaker::Customer);
        served.push(Segment {
            start: local.start + 3_600_000,
            end: local.end + 3_600_000,
            ..local
        });
        let actions = call.answer(second, served.clone());
        let Some(CallAction::ScoreSegments { segments, .. }) = actions.last() else {
            panic!("{second}: {actions:?}")
        };
        assert_eq!(segments.len(), 1, "{second}");
        let score = if second < 200 { 0.9 } else { 0.1 };
        call.on(second, scored(segments.clone(), score));
        let json = serde_json::to_string(&call.state).unwrap();
        assert!(json.len() < 16 * 1024);
        call.state = serde_json::from_str(&json).unwrap();
    }
    assert_eq!(call.state.total(Speaker::Customer).segments, 399);
    let customer = call.state.sentiment().customer.unwrap();
    assert!(customer.average < 0.2, "the window moves on: {customer:?}");
    assert_eq!(call.state.memory.newest_end(), None);
}

#[test]
fn a_clock_that_is_a_little_fast_hides_nothing_that_is_said_until_then() {
    let mut call = Call::claimed();
    call.on(0, CallEvent::RoundStarted);
    call.answer(0, Vec::new());
    let fast = said(110, Speaker::Agent);
    call.on(0, scored(vec![fast], 0.5));
    for second in 1..100 {
        let actions = call.on(second, CallEvent::RoundStarted);
        let Some(from) = actions.iter().find_map(|action| match action {
            CallAction::FetchSegments { from, .. } => Some(*from),
            _ => None,
        }) else {
            panic!("{actions:?}")
        };
        assert!(
            from <= START + second * 1000,
            "{second}: it asks from {from}"
        );
        call.answer(second, Vec::new());
    }
}

#[test]
fn a_segment_that_ends_before_it_starts_is_scored_and_reported_once() {
    let mut call = Call::claimed();
    let reversed = Segment {
        start: START + 5000,
        end: START + 1000,
        ..said(5, Speaker::Customer)
    };
    let odd = CallAction::ReportOddSegments {
        late: 0,
        misdated: 1,
    };
    assert_eq!(call.answer(6, vec![reversed.clone()])[0], odd);
    // The scoring failed; the next answer brings the segment again.
    assert!(!call.answer(7, vec![reversed.clone()]).contains(&odd));
    let actions = call.on(7, scored(vec![reversed.clone()], 0.5));
    let report = actions.iter().find_map(|action| match action {
        CallAction::ReportBatch(report) => Some(report.segments[0]),
        _ => None,
    });
    let report = report.unwrap();
    assert_eq!((report.start, report.end), (START + 1000, START + 1000));
    assert_eq!(call.answer(8, vec![reversed]), []);
}

#[test]
fn a_late_segment_that_is_served_at_each_poll_is_reported_once() {
    let mut call = Call::claimed();
    call.customer(1, 0.5);
    call.customer(1000, 0.5);
    let late = said(2, Speaker::Agent);
    let report = CallAction::ReportOddSegments {
        late: 1,
        misdated: 0,
    };
    assert_eq!(call.answer(1001, vec![late.clone()]), [report]);
    assert_eq!(call.answer(1002, vec![late]), []);
}

#[test]
fn a_segment_that_cannot_be_scored_is_counted_once_and_left_out_of_the_averages() {
    let mut call = Call::claimed();
    call.customer(1, 0.2);
    let (refused, fine) = (said(2, Speaker::Customer), said(3, Speaker::Customer));
    let CallEvent::BatchScored(batch) = scored(vec![fine.clone()], 0.4) else {
        unreachable!()
    };
    let actions = call.on(
        3,
        CallEvent::BatchScored(ScoredBatch {
            unscored: vec![refused.clone()],
            ..batch
        }),
    );
    assert!(actions.contains(&CallAction::ReportUnscored { count: 1 }));
    assert!((call.state.sentiment().customer.unwrap().average - 0.3).abs() < 1e-9);
    assert_eq!(call.state.total(Speaker::Customer).segments, 2);
    let json = serde_json::to_string(&call.state).unwrap();
    call.state = serde_json::from_str(&json).unwrap();
    assert_eq!(call.state.unscored_count(), 1);
    assert_eq!(call.answer(4, vec![refused, fine]), []);
}

#[test]
fn a_call_of_which_nothing_can_be_scored_is_not_asked_for_again_and_again() {
    let mut call = Call::claimed();
    for second in 1..1000 {
        let actions = call.on(second, CallEvent::RoundStarted);
        let from = actions.iter().find_map(|action| match action {
            CallAction::FetchSegments { from, .. } => Some(*from),
            _ => None,
        });
        let served: Vec<Segment> = (1..=second)
            .map(|second| said(second, Speaker::Customer))
            .filter(|segment| segment.end >= from.unwrap())
            .collect();
        let actions = call.answer(second, served);
        let Some(CallAction::ScoreSegments { segments, .. }) = actions.last() else {
            continue;
        };
        assert_eq!(segments.len(), 1, "{second}");
        let actions = call.on(
            second,
            CallEvent::BatchScored(ScoredBatch {
                unscored: segments.clone(),
                ..ScoredBatch::default()
            }),
        );
        assert_eq!(
            actions,
            [
                CallAction::SaveState,
                CallAction::ReportUnscored { count: 1 }
            ]
        );
        assert!(serde_json::to_string(&call.state).unwrap().len() < 16 * 1024);
    }
    assert!(call.state.unscored_count() >= 998);
}

#[test]
fn a_segment_that_failed_this_time_is_read_again_however_far_the_others_get() {
    let mut call = Call::claimed();
    let failed = said(1, Speaker::Customer);
    // The others of the batch reach far beyond the horizon of the memory.
    let others: Vec<Segment> = (2..60)
        .map(|place| said(place * 60, Speaker::Agent))
        .collect();
    let CallEvent::BatchScored(batch) = scored(others, 0.5) else {
        unreachable!()
    };
    call.answer(3600, vec![failed.clone()]);
    call.on(
        3600,
        CallEvent::BatchScored(ScoredBatch {
            failed: vec![failed.clone()],
            ..batch
        }),
    );
    let actions = call.on(3601, CallEvent::RoundStarted);
    assert!(
        matches!(actions[0], CallAction::FetchSegments { from, is_sweep: true } if from <= failed.end),
        "{actions:?}"
    );
    let actions = call.answer(3601, vec![failed.clone()]);
    assert!(
        matches!(&actions[0], CallAction::ScoreSegments { segments, .. } if *segments == [failed.clone()]),
        "{actions:?}"
    );
    call.on(3602, scored(vec![failed.clone()], 0.5));
    assert_eq!(call.state.total(Speaker::Customer).segments, 1);
    assert!(
        call.state.memory.forgotten_until() > Some(failed.end),
        "the horizon moves on once nothing is left"
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

/// A segment of the customer that has no sentiment of its own.
fn unscored(second: i64, reason: Unscored, code: &str) -> ScoredSegment {
    let language = find_other_language(code).filter(|_| reason == Unscored::OtherLanguage);
    ScoredSegment {
        unscored: Some(reason),
        language,
        ..ScoredSegment::new(said(second, Speaker::Customer), Score::NEUTRAL)
    }
}

#[test]
fn what_has_no_sentiment_of_its_own_moves_no_average_and_is_counted_once() {
    let batch = |scored: Vec<ScoredSegment>| {
        CallEvent::BatchScored(ScoredBatch {
            scored,
            ..ScoredBatch::default()
        })
    };
    let mut call = Call::claimed();
    call.on(1, scored(vec![said(1, Speaker::Customer)], 0.1));
    let before = call.state.sentiment();
    let revision = call.state.revision;
    let blank = batch(vec![unscored(2, Unscored::NoWords, "")]);
    let actions = call.apply(3, blank.clone());
    assert!(matches!(
        actions.as_slice(),
        [CallAction::SaveState, CallAction::ReportBatch(report)] if report.segments.len() == 1
    ));
    assert_eq!(
        (call.state.sentiment(), call.state.revision),
        (before, revision)
    );
    assert_eq!(call.state.total(Speaker::Customer).segments, 1);
    assert_eq!(call.apply(4, blank), [], "a repeat changes nothing");

    let spanish = unscored(5, Unscored::OtherLanguage, "quiero cancelar mi cuenta");
    call.on(6, batch(vec![spanish]));
    assert_eq!(call.state.sentiment(), before);
    let attribute = ("customer_language", "es".to_owned());
    assert!(call.state.attributes().contains(&attribute));
    assert_eq!(call.state.revision, revision + 1, "the language is sent");
    let mut english = ScoredSegment::new(said(7, Speaker::Customer), Score::NEUTRAL);
    english.language = Some(Language::ENGLISH);
    english.signals = [Signal::Legal, Signal::Churn].into_iter().collect();
    call.on(8, batch(vec![english]));
    let attributes = call.state.attributes();
    assert!(attributes.contains(&("customer_language", "en".to_owned())));
    assert!(attributes.contains(&("customer_signals", "legal,churn".to_owned())));
}
