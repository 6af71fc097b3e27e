//! The transition, event by event.

use std::time::Duration;

use super::*;
use crate::live::interaction::SUGGESTIONS_DUE;
use crate::live::{Direction, Listener, Scored, Segment, Suggestion, Trend};
use crate::scale::Score;

/// Ms at which the tests' clock starts; segment times count from it too.
const START: i64 = 1_700_000_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millisecond(START + seconds * 1000).unwrap()
}

fn said(second: i64, direction: Direction) -> Segment {
    let start = START + second * 1000;
    Segment {
        text: format!("words at {second}"),
        start,
        end: start + 900,
        direction,
        is_final: true,
    }
}

fn scored(segments: Vec<Segment>, score: f64) -> Event {
    let batch = segments.into_iter().map(|segment| Scored {
        segment,
        score: Score::try_from(score).unwrap(),
        emotions: Vec::new(),
        intent: None,
    });
    Event::Scored {
        batch: batch.collect(),
        more: false,
    }
}

/// A call claimed by `a`, driven event by event with the default rules and a lease of 15 s.
struct Call {
    state: Interaction,
    rules: Rules,
}

impl Call {
    fn claimed() -> Self {
        let lease = Duration::from_secs(15);
        let mut call = Self {
            state: Interaction::new("call", at(0)),
            rules: Rules {
                lease,
                ..Rules::default()
            },
        };
        assert_eq!(
            call.on(0, Event::Claim { holder: "a".into() }),
            [Effect::Save]
        );
        call
    }

    fn on(&mut self, second: i64, event: Event) -> Vec<Effect> {
        let effects;
        (self.state, effects) = step(self.state.clone(), event, &self.rules, at(second));
        effects
    }

    fn customer(&mut self, second: i64, score: f64) -> Vec<Effect> {
        self.on(
            second,
            scored(vec![said(second, Direction::Customer)], score),
        )
    }
}

fn patches(effects: &[Effect]) -> Vec<(&'static str, String)> {
    let patch = effects.iter().find_map(|effect| match effect {
        Effect::Patch { attributes, .. } => Some(attributes.clone()),
        _ => None,
    });
    patch.unwrap_or_default()
}

fn posts(effects: &[Effect]) -> Vec<Suggestion> {
    let post = |effect: &Effect| {
        if let Effect::Post(s) = effect {
            Some(s.clone())
        } else {
            None
        }
    };
    effects.iter().filter_map(post).collect()
}

#[test]
fn intents_are_written_before_they_are_sent() {
    let mut call = Call::claimed();
    let effects = call.customer(1, 0.1);
    let position = |wanted: fn(&Effect) -> bool| effects.iter().position(wanted).unwrap();
    let save = position(|e| matches!(e, Effect::Save));
    assert!(save < position(|e| matches!(e, Effect::Patch { .. })));
    assert!(save < position(|e| matches!(e, Effect::Post(_))));
    let stored: Interaction =
        serde_json::from_str(&serde_json::to_string(&call.state).unwrap()).unwrap();
    assert!(stored.has_due());
}

#[test]
fn partials_repeats_and_senseless_times_are_not_scored() {
    let mut call = Call::claimed();
    call.on(1, scored(vec![said(1, Direction::Customer)], 0.5));
    let partial = Segment {
        is_final: false,
        ..said(2, Direction::Customer)
    };
    let backwards = Segment {
        end: START,
        ..said(3, Direction::Customer)
    };
    let nanoseconds = Segment {
        end: START * 1_000_000,
        ..said(3, Direction::Customer)
    };
    let fresh = said(4, Direction::Agent);
    let segments = vec![
        fresh.clone(),
        said(1, Direction::Customer),
        partial,
        backwards,
        nanoseconds,
        fresh.clone(),
    ];
    assert_eq!(
        call.on(
            5,
            Event::Fetched {
                segments,
                sweep: false
            }
        ),
        [
            Effect::Skipped {
                late: 0,
                implausible: 2
            },
            Effect::Score {
                segments: vec![fresh],
                more: false
            },
        ],
    );
}

#[test]
fn a_long_answer_is_taken_in_batches_and_alerts_only_at_its_end() {
    let mut call = Call::claimed();
    let segments: Vec<Segment> = (0..100)
        .map(|second| said(second, Direction::Customer))
        .collect();
    let effects = call.on(
        100,
        Event::Fetched {
            segments: segments.clone(),
            sweep: true,
        },
    );
    let [
        Effect::Score {
            segments: first,
            more: true,
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(first.as_slice(), &segments[..64]);
    let Event::Scored { batch, .. } = scored(first.clone(), 0.2) else {
        unreachable!()
    };
    assert!(posts(&call.on(100, Event::Scored { batch, more: true })).is_empty());
    let effects = call.on(
        100,
        Event::Fetched {
            segments: segments.clone(),
            sweep: false,
        },
    );
    let [
        Effect::Score {
            segments: rest,
            more: false,
        },
    ] = effects.as_slice()
    else {
        panic!("{effects:?}")
    };
    assert_eq!(rest.as_slice(), &segments[64..]);
    assert_eq!(posts(&call.on(100, scored(rest.clone(), 0.1))).len(), 1);
}

#[test]
fn polls_start_at_the_cursor_and_sweep_behind_it_now_and_then() {
    let mut call = Call::claimed();
    assert_eq!(
        call.on(0, Event::Tick),
        [Effect::Fetch {
            from: 0,
            sweep: true
        }]
    );
    call.on(
        1,
        Event::Fetched {
            segments: Vec::new(),
            sweep: true,
        },
    );
    call.customer(1, 0.5);
    call.on(1, Event::Patched { revision: 1 });
    let cursor = START + 1900;
    assert_eq!(
        call.on(2, Event::Tick),
        [Effect::Fetch {
            from: cursor,
            sweep: false
        }]
    );
    assert_eq!(
        call.on(6, Event::Tick),
        [Effect::Fetch {
            from: 0,
            sweep: true
        }],
        "the last sweep was at the start"
    );
    call.on(
        6,
        Event::Fetched {
            segments: Vec::new(),
            sweep: true,
        },
    );
    call.customer(7, 0.5);
    call.on(7, Event::Patched { revision: 2 });
    assert_eq!(
        call.on(11, Event::Tick),
        [Effect::Fetch {
            from: cursor - 60_000,
            sweep: true
        }]
    );
}

#[test]
fn what_was_not_answered_is_sent_again_with_the_newest_values_and_the_same_key() {
    let mut call = Call::claimed();
    let sent = posts(&call.customer(1, 0.3));
    let later = call.customer(2, 0.2);
    assert_eq!(posts(&later), sent);
    assert_eq!(
        patches(&later)[0],
        ("realtime_sentiment_score", "0.250".to_owned())
    );
    let retried = call.on(3, Event::Tick);
    assert_eq!(
        (posts(&retried), patches(&retried)),
        (sent.clone(), patches(&later))
    );
    assert_eq!(
        call.on(
            3,
            Event::Posted {
                key: sent[0].key.clone(),
                id: Some("s-1".into())
            }
        ),
        [Effect::Save]
    );
    assert_eq!(
        call.on(
            3,
            Event::Posted {
                key: sent[0].key.clone(),
                id: None
            }
        ),
        []
    );
    assert_eq!(call.on(3, Event::Patched { revision: 2 }), []);
    assert!(!call.state.has_due());
    assert_eq!(call.state.view().suggestions[0].id.as_deref(), Some("s-1"));
}

#[test]
fn an_answer_to_older_attributes_does_not_settle_newer_ones() {
    let mut call = Call::claimed();
    call.customer(1, 0.5);
    call.customer(2, 0.5);
    call.on(2, Event::Patched { revision: 1 });
    assert!(!patches(&call.on(3, Event::Tick)).is_empty());
}

#[test]
fn the_customer_decides_by_default_and_both_when_asked() {
    let mut call = Call::claimed();
    assert!(posts(&call.on(1, scored(vec![said(1, Direction::Agent)], 0.0))).is_empty());
    let mut call = Call::claimed();
    call.rules.alert.listener = Listener::Both;
    assert_eq!(
        posts(&call.on(1, scored(vec![said(1, Direction::Agent)], 0.0))).len(),
        1
    );
    let mut call = Call::claimed();
    call.customer(1, 0.1);
    call.on(
        1,
        Event::Posted {
            key: call.state.suggestions()[0].key.clone(),
            id: None,
        },
    );
    // The customer's reading is still bad and declining, but nothing new was said by the customer.
    assert!(posts(&call.on(30, scored(vec![said(30, Direction::Agent)], 0.0))).is_empty());
}

#[test]
fn two_processes_never_hold_a_call_at_once() {
    let mut call = Call::claimed();
    let until = at(15);
    assert_eq!(
        call.on(14, Event::Claim { holder: "b".into() }),
        [Effect::Leave(Left::Held(until))]
    );
    assert_eq!(
        call.on(14, Event::Claim { holder: "a".into() }),
        [Effect::Save]
    );
    assert_eq!(
        call.on(29, Event::Claim { holder: "b".into() }),
        [Effect::Save]
    );
    assert_eq!(call.state.holder(at(30)).unwrap().name, "b");
    assert_eq!(call.on(30, Event::Release), [Effect::Save]);
    assert!(call.state.holder(at(30)).is_none());
}

#[test]
fn the_lease_is_renewed_by_batches_and_by_quiet_rounds_half_way() {
    let mut call = Call::claimed();
    assert_eq!(
        call.on(7, Event::Tick),
        [Effect::Fetch {
            from: 0,
            sweep: true
        }]
    );
    assert_eq!(
        call.on(8, Event::Tick),
        [
            Effect::Save,
            Effect::Fetch {
                from: 0,
                sweep: true
            }
        ]
    );
    call.customer(12, 0.5);
    assert_eq!(call.state.holder(at(12)).unwrap().until, at(27));
}

#[test]
fn a_call_ends_by_silence_and_by_removal_and_can_be_registered_again() {
    let mut call = Call::claimed();
    call.rules.silence = Some(Duration::from_secs(60));
    call.customer(10, 0.5);
    call.on(10, Event::Patched { revision: 1 });
    assert!(call.on(69, Event::Tick).contains(&Effect::Fetch {
        from: 0,
        sweep: true
    }));
    assert_eq!(
        call.on(70, Event::Tick),
        [Effect::Save, Effect::Leave(Left::Ended(Reason::Silence))]
    );
    assert_eq!(
        call.on(71, Event::Claim { holder: "b".into() }),
        [Effect::Leave(Left::Ended(Reason::Silence))]
    );
    assert_eq!(call.on(80, Event::Register), [Effect::Save]);
    assert_eq!(call.on(80, Event::Register), []);
    assert_eq!(
        call.on(80, Event::Claim { holder: "b".into() }),
        [Effect::Save]
    );
    assert_eq!(
        call.on(
            81,
            Event::Fetched {
                segments: vec![said(10, Direction::Customer)],
                sweep: true
            }
        ),
        [],
        "what was scored before stays scored",
    );
    assert_eq!(call.on(82, Event::Stop), [Effect::Save]);
    assert_eq!(call.on(82, Event::Stop), []);
    assert_eq!(
        call.on(83, Event::Tick),
        [Effect::Save, Effect::Leave(Left::Ended(Reason::Stopped))]
    );
}

#[test]
fn a_removed_call_still_sends_what_it_owes_for_a_while() {
    let mut call = Call::claimed();
    call.customer(1, 0.1);
    call.on(2, Event::Stop);
    assert_eq!(
        call.on(16, Event::Claim { holder: "b".into() }),
        [Effect::Save]
    );
    let effects = call.on(17, Event::Tick);
    assert!(
        matches!(effects.as_slice(), [Effect::Patch { .. }, Effect::Post(_)]),
        "{effects:?}"
    );
    assert!(matches!(
        call.on(122, Event::Tick).as_slice(),
        [Effect::Save, Effect::Leave(_)]
    ));
}

#[test]
fn suggestions_that_cannot_be_sent_do_not_pile_up() {
    let mut call = Call::claimed();
    for second in 0..200 {
        let score = if second % 10 == 0 { 0.9 } else { 0.05 };
        call.rules.window = Duration::from_secs(1);
        call.on(
            second * 20,
            scored(vec![said(second * 20, Direction::Customer)], score),
        );
    }
    assert_eq!(call.state.suggestions().len(), SUGGESTIONS_DUE);
    assert!(serde_json::to_string(&call.state).unwrap().len() < 16 * 1024);
}

#[test]
fn a_refused_suggestion_is_not_sent_again() {
    let mut call = Call::claimed();
    let sent = posts(&call.customer(1, 0.1));
    assert_eq!(
        call.on(
            1,
            Event::Refused {
                key: sent[0].key.clone()
            }
        ),
        [Effect::Save]
    );
    assert!(posts(&call.on(2, Event::Tick)).is_empty());
    assert_eq!(call.state.view().suggestions[0].status, "refused");
}

#[test]
fn the_state_of_a_two_hour_call_stays_under_16_kb() {
    let mut call = Call::claimed();
    call.rules.horizon = Duration::from_secs(86_400);
    let mut largest = 0;
    // A segment a second, and a mood that swings so that there are suggestions as well.
    for second in 0..7200 {
        let direction = if second % 2 == 0 {
            Direction::Customer
        } else {
            Direction::Agent
        };
        let score = if (second / 60) % 2 == 0 { 0.95 } else { 0.02 };
        let effects = call.on(second, scored(vec![said(second, direction)], score));
        for suggestion in posts(&effects) {
            call.on(
                second,
                Event::Posted {
                    key: suggestion.key,
                    id: Some("a-suggestion-id-of-36-characters----".into()),
                },
            );
        }
        largest = largest.max(serde_json::to_string(&call.state).unwrap().len());
    }
    assert!(call.state.raised > 50, "{}", call.state.raised);
    assert!((11_000..16_384).contains(&largest), "{largest} bytes");
    let total = call.state.total(Direction::Customer).segments
        + call.state.total(Direction::Agent).segments;
    assert_eq!(total, 7200);
}

#[test]
fn the_view_shows_scores_and_no_words() {
    let mut call = Call::claimed();
    call.customer(1, 0.25);
    let shown = serde_json::to_value(call.state.view()).unwrap();
    assert_eq!(shown["average"], 0.25);
    assert_eq!(shown["trend"], "declining");
    assert_eq!(shown["segments"][0]["score"], 0.25);
    assert_eq!(shown["customer"]["segments"], 1);
    assert_eq!(shown["agent"]["call_average"], serde_json::Value::Null);
    assert!(!shown.to_string().contains("words at"));
    assert_eq!(call.state.readings().both.trend, Trend::Declining);
}

#[test]
fn a_sweep_whose_segments_could_not_be_scored_is_repeated_from_where_it_began() {
    let mut call = Call::claimed();
    let sweep = Effect::Fetch {
        from: 0,
        sweep: true,
    };
    assert_eq!(call.on(0, Event::Tick), std::slice::from_ref(&sweep));
    let segments = vec![said(0, Direction::Customer)];
    let answer = Event::Fetched {
        segments: segments.clone(),
        sweep: true,
    };
    call.on(1, answer.clone());
    // Nothing came of the scoring.
    assert_eq!(call.on(2, Event::Tick), [sweep]);
    call.on(2, answer);
    call.on(2, scored(segments, 0.5));
    call.on(2, Event::Patched { revision: 1 });
    let [Effect::Fetch { sweep: false, .. }] = call.on(3, Event::Tick)[..] else {
        panic!("it was swept a second ago")
    };
}
