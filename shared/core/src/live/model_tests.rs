//! Two processes drive one call through random crashes, lost and repeated answers and late segments; afterwards every
//! final segment counts once, the attributes are those of an undisturbed run, and each suggestion went out once.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::scale::Score;

/// What happens to an action on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// It is done and answered.
    Fine,
    /// The process dies before it.
    CrashBefore,
    /// It is done, and the process dies before it gets the answer.
    CrashAfter,
    /// It is not done, and the process gets an error.
    Fails,
    /// It is done, and the process gets an error.
    AnswerLost,
    /// It is done twice, or answered with everything twice.
    Doubled,
}

/// One move of the schedule.
#[derive(Debug, Clone, Copy)]
enum Move {
    /// This process goes one action further, or begins a round.
    Act(usize, Fate),
    /// Time passes, in ms.
    Wait(i64),
}

/// The world outside the processes: the state store, the contact center and the clock.
struct World {
    now: Timestamp,
    stored: Option<(u64, String)>,
    writes: u64,
    /// Identities of the batches, in the order in which they were written with the state.
    counted: Vec<SegmentId>,
    served: Vec<Segment>,
    attributes: BTreeMap<&'static str, String>,
    suggestions: BTreeMap<String, Vec<String>>,
    settings: LiveSettings,
}

/// One process: what it has in memory.
#[derive(Default)]
struct Process {
    name: &'static str,
    memory: Option<(CallState, u64)>,
    todo: VecDeque<CallAction>,
    /// Whether the round is over and what is not acknowledged is sent next.
    is_delivery_due: bool,
    /// Segments that the next write counts in.
    batch: Vec<SegmentId>,
}

impl World {
    fn new(settings: LiveSettings) -> Self {
        let now = Timestamp::from_millisecond(1_700_000_000_000).unwrap();
        let stored = Some((
            0,
            serde_json::to_string(&CallState::new("call", now)).unwrap(),
        ));
        Self {
            now,
            stored,
            writes: 0,
            counted: Vec::new(),
            served: Vec::new(),
            attributes: BTreeMap::new(),
            suggestions: BTreeMap::new(),
            settings,
        }
    }

    /// Writes the state if the stored version is as expected, and returns the new version, or `None` on a conflict.
    fn write(&mut self, state: &CallState, expected: u64, batch: &[SegmentId]) -> Option<u64> {
        let (version, _) = self.stored.as_ref()?;
        if *version != expected {
            return None;
        }
        self.writes += 1;
        let body = serde_json::to_string(state).unwrap();
        assert!(body.len() < 16 * 1024);
        self.stored = Some((self.writes, body));
        self.counted.extend(batch);
        Some(self.writes)
    }

    fn read(&self) -> (CallState, u64) {
        let (version, body) = self.stored.as_ref().unwrap();
        (serde_json::from_str(body).unwrap(), *version)
    }
}

/// Returns a score that depends on the text alone, as that of a model does.
fn score(segment: &Segment) -> ScoredSegment {
    let score = Score::try_from(f64::from(segment.text.parse::<u16>().unwrap()) / 1e4).unwrap();
    ScoredSegment::new(segment.clone(), score)
}

impl Process {
    fn crash(&mut self) {
        *self = Self {
            name: self.name,
            ..Self::default()
        };
    }

    /// Applies an event, and puts the actions that follow from it before all others.
    fn apply(&mut self, event: CallEvent, world: &World) {
        let Some((state, version)) = self.memory.take() else {
            return;
        };
        let (state, actions) = apply_event(state, event, &world.settings, world.now);
        self.memory = Some((state, version));
        // Actions that follow from an answer come before those that were waiting already.
        actions
            .into_iter()
            .rev()
            .for_each(|action| self.todo.push_front(action));
    }

    /// Makes one move: performs the next action with its fate, or begins a new round.
    fn act(&mut self, world: &mut World, fate: Fate) {
        if fate == Fate::CrashBefore {
            return self.crash();
        }
        match (self.todo.pop_front(), &self.memory) {
            (Some(action), _) => self.perform(action, world, fate),
            (None, Some(_)) if self.is_delivery_due => {
                self.is_delivery_due = false;
                self.apply(CallEvent::DeliveryRequested, world);
            }
            (None, Some(_)) => {
                self.is_delivery_due = true;
                self.apply(CallEvent::RoundStarted, world);
            }
            (None, None) => {
                self.memory = Some(world.read());
                self.apply(
                    CallEvent::ClaimRequested {
                        holder: self.name.into(),
                    },
                    world,
                );
            }
        }
        if fate == Fate::CrashAfter {
            self.crash();
        }
    }

    fn perform(&mut self, action: CallAction, world: &mut World, fate: Fate) {
        let is_done = fate != Fate::Fails;
        let is_answered = !matches!(fate, Fate::Fails | Fate::AnswerLost);
        match action {
            CallAction::SaveState => {
                let (state, version) = self.memory.clone().unwrap();
                let written = is_done
                    .then(|| world.write(&state, version, &self.batch))
                    .flatten();
                self.batch.clear();
                match written {
                    Some(version) if is_answered => self.memory = Some((state, version)),
                    // Whether the write was done or not: only the store knows.
                    _ => self.crash(),
                }
            }
            CallAction::LeaveCall(_) => self.crash(),
            CallAction::FetchSegments { from, is_sweep } => {
                let mut segments: Vec<Segment> = world
                    .served
                    .iter()
                    .filter(|s| s.end >= from)
                    .cloned()
                    .collect();
                if fate == Fate::Doubled {
                    segments.extend(segments.clone());
                }
                if is_answered {
                    self.apply(CallEvent::SegmentsFetched { segments, is_sweep }, world);
                }
            }
            CallAction::ScoreSegments { segments, has_more } => {
                if is_answered {
                    self.batch = segments.iter().map(Segment::id).collect();
                    let batch = ScoredBatch {
                        scored: segments.iter().map(score).collect(),
                        has_more,
                        ..ScoredBatch::default()
                    };
                    self.apply(CallEvent::BatchScored(batch), world);
                }
            }
            CallAction::ReportOddSegments { .. }
            | CallAction::ReportUnscored { .. }
            | CallAction::ReportRuleHits(_)
            | CallAction::ReportBatch(_) => {}
            CallAction::SendAttributes { .. } | CallAction::SendSuggestion(_)
                if !self.holds(world) =>
            {
                self.crash()
            }
            CallAction::SendAttributes {
                revision,
                attributes,
            } => {
                if is_done {
                    world.attributes.extend(attributes);
                }
                if is_answered {
                    self.apply(CallEvent::AttributesSettled { revision }, world);
                }
            }
            CallAction::SendSuggestion(suggestion) => {
                let hits = [is_done, fate == Fate::Doubled]
                    .into_iter()
                    .filter(|hit| *hit)
                    .count();
                let wire = world.suggestions.entry(suggestion.key.clone()).or_default();
                wire.extend(std::iter::repeat_n(suggestion.content, hits));
                if is_answered {
                    self.apply(
                        CallEvent::SuggestionAccepted {
                            key: suggestion.key,
                            id: None,
                        },
                        world,
                    );
                }
            }
        }
    }

    /// Returns whether this process may still send.
    fn holds(&self, world: &World) -> bool {
        let (state, _) = self.memory.as_ref().unwrap();
        state
            .lease(world.now)
            .is_some_and(|lease| lease.holder == self.name)
    }
}

fn run(world: &mut World, processes: &mut [Process; 2], schedule: &[Move]) {
    for step in schedule {
        match *step {
            Move::Act(process, fate) => processes[process].act(world, fate),
            Move::Wait(ms) => world.now += SignedDuration::from_millis(ms),
        }
    }
}

/// Lets both processes work without faults until every lease has run out and everything is sent.
fn settle(world: &mut World, processes: &mut [Process; 2]) {
    for turn in 0..200 {
        processes[turn % 2].act(world, Fate::Fine);
        world.now += SignedDuration::from_millis(500);
    }
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::Fine),
        1 => Just(Fate::CrashBefore),
        1 => Just(Fate::CrashAfter),
        1 => Just(Fate::Fails),
        1 => Just(Fate::AnswerLost),
        1 => Just(Fate::Doubled),
    ]
}

fn schedule(moves: usize) -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        5 => (0..2_usize, fate()).prop_map(|(process, fate)| Move::Act(process, fate)),
        1 => (0..4000_i64).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 0..moves)
}

/// Generates the segments of a round: by how much the call moves on, how late the segment is, whether the customer speaks, and
/// the score, which is also the text.
fn round() -> impl Strategy<Value = Vec<(i64, i64, bool, u16)>> {
    let late = prop_oneof![3 => Just(0_i64), 1 => 0..30_000_i64];
    let mood = prop_oneof![0..2000_u16, 0..=10_000_u16];
    prop::collection::vec((0..8000_i64, late, any::<bool>(), mood), 0..5)
}

/// Lets the contact center serve the segments of a round from now on.
fn serve(world: &mut World, clock: &mut i64, round: &[(i64, i64, bool, u16)]) {
    for &(ahead, late, customer, mood) in round {
        *clock += ahead;
        world.now += SignedDuration::from_millis(ahead);
        let end = 1_699_999_000_000 + *clock - late;
        let speaker = if customer {
            Speaker::Customer
        } else {
            Speaker::Agent
        };
        let text = mood.to_string();
        // A partial comes first and stays: it must never count.
        world.served.push(Segment {
            text: text.clone(),
            start: end - 500,
            end: end - 100,
            speaker,
            is_final: false,
        });
        world.served.push(Segment {
            text,
            start: end - 500,
            end,
            speaker,
            is_final: true,
        });
    }
}

fn processes() -> [Process; 2] {
    ["a", "b"].map(|name| Process {
        name,
        ..Process::default()
    })
}

fn finals(world: &World) -> BTreeSet<SegmentId> {
    world
        .served
        .iter()
        .filter(|segment| segment.is_final)
        .map(Segment::id)
        .collect()
}

/// Asserts that every final segment was counted once, in the state and in the log of writes.
fn counted_once(world: &World) -> Result<(), TestCaseError> {
    let counted: BTreeSet<SegmentId> = world.counted.iter().copied().collect();
    prop_assert_eq!(
        counted.len(),
        world.counted.len(),
        "a segment was counted twice"
    );
    prop_assert_eq!(&counted, &finals(world), "a segment was lost");
    let (state, _) = world.read();
    let totals = [Speaker::Customer, Speaker::Agent].map(|who| state.total(who));
    prop_assert_eq!(
        totals.iter().map(|total| total.segments).sum::<u64>(),
        counted.len() as u64
    );
    let sum: u64 = world
        .served
        .iter()
        .filter(|s| s.is_final)
        .map(|s| (s.id(), s.text.parse::<u64>().unwrap()))
        .collect::<BTreeMap<_, _>>()
        .into_values()
        .sum();
    prop_assert_eq!(totals.iter().map(|total| total.score_sum).sum::<u64>(), sum);
    prop_assert!(!state.has_unacknowledged(), "something was not sent");
    Ok(())
}

/// Asserts that each suggestion was sent under one key with one text.
fn sent_once(world: &World) -> Result<(), TestCaseError> {
    for texts in world.suggestions.values() {
        prop_assert!(!texts.is_empty());
        prop_assert!(
            texts.windows(2).all(|pair| pair[0] == pair[1]),
            "one key, two texts"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Segments appear in rounds; within a round anything may go wrong. What comes out equals the undisturbed run in
    /// everything: attributes with trends, and suggestions with their keys.
    #[test]
    fn a_disturbed_run_ends_as_an_undisturbed_one(
        rounds in prop::collection::vec((round(), schedule(40)), 1..8),
    ) {
        // Seven settled rounds without a word last longer than the silence that ends a call.
        let settings = LiveSettings { sweep_interval: std::time::Duration::ZERO, silence_timeout: None, ..LiveSettings::default() };
        let (mut disturbed, mut calm) = (World::new(settings.clone()), World::new(settings));
        let (mut two, mut one) = (processes(), processes());
        let mut clocks = [0; 2];
        for (segments, moves) in &rounds {
            serve(&mut disturbed, &mut clocks[0], segments);
            run(&mut disturbed, &mut two, moves);
            settle(&mut disturbed, &mut two);
            serve(&mut calm, &mut clocks[1], segments);
            settle(&mut calm, &mut one);
        }
        counted_once(&disturbed)?;
        counted_once(&calm)?;
        sent_once(&disturbed)?;
        prop_assert_eq!(&disturbed.attributes, &calm.attributes);
        let keys = |world: &World| world.suggestions.keys().cloned().collect::<Vec<_>>();
        prop_assert_eq!(keys(&disturbed), keys(&calm));
    }

    /// Segments appear at any moment, in between the moves; sweeps are rare. Which segments share a batch then depends
    /// on the faults, and so may a trend; nothing is lost or doubled, and the averages are those of the calm run.
    #[test]
    fn segments_that_appear_amid_the_faults_all_count_once(
        steps in prop::collection::vec((round(), schedule(12)), 1..20),
    ) {
        let settings = LiveSettings { silence_timeout: None, ..LiveSettings::default() };
        let (mut disturbed, mut calm) = (World::new(settings.clone()), World::new(settings));
        let (mut two, mut one) = (processes(), processes());
        let mut clocks = [0; 2];
        for (segments, moves) in &steps {
            serve(&mut disturbed, &mut clocks[0], segments);
            run(&mut disturbed, &mut two, moves);
            serve(&mut calm, &mut clocks[1], segments);
            settle(&mut calm, &mut one);
        }
        settle(&mut disturbed, &mut two);
        counted_once(&disturbed)?;
        sent_once(&disturbed)?;
        let scores = |world: &World| {
            world.attributes.iter().filter(|(name, _)| name.ends_with("score")).map(|(n, v)| (*n, v.clone())).collect::<Vec<_>>()
        };
        prop_assert_eq!(scores(&disturbed), scores(&calm));
    }
}
