//! Live calls: the transcript poller in invocations that overlap, die and hand over, against a contact center and a state
//! store that fail.
//!
//! Each minute an invocation starts, as the schedule of the deployed function starts it; it works for up to 70 seconds, so that
//! two of them overlap. The wall clocks of the invocations differ. What is checked:
//! - every final segment is scored exactly once, or counted as one that the scoring service cannot score;
//! - the attributes in the contact center are those of the whole call, and every raised suggestion is there once;
//! - no call is left unread for longer than [`MAX_UNREAD_MS`] while its transcript endpoint, the tokens and the state store work;
//! - no call is ended by silence in which nobody could listen: in some runs all calls are quiet while transcripts are away;
//! - no suggestion is due for longer than a bound while nothing fails that its sending needs;
//! - nobody asks for a transcript before the end of the wait that a 429 has asked for, nor for a token soon after refused credentials;
//! - the number of requests stays within a bound, whatever fails.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backends::Backends;
use backends::interactions::Interactions;
use insights_http::CallLimits;
use insights_http::secret::FixedSecret;
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use runtime::Observer;
use runtime::config::Env;
use secrecy::SecretString;
use sentiment::service::NlpClient;
use sentiment::{HttpProvider, Provider};
use store::secrets::Secrets;
use store::state::State;
use tokio_util::sync::CancellationToken;
use transcript_poller::config::Config;
use transcript_poller::{CallSelection, CountedBatch, Deps, poll};

use crate::contact_center::{Call, ContactCenter};
use crate::faults::{Target, draw_skew};
use crate::hold::Hold;
use crate::network::{CONTACT_CENTER_URL, SCORING_URL, SimulatedNetwork};
use crate::outage::{self, Outage};
use crate::processes::{Plan, Process, run_side_by_side};
use crate::run::Violation;
use crate::seeded_os::{self, Clock};
use crate::state_store::SimulatedState;
use crate::suggestion_watch::{self, SuggestionWatch};
use crate::surroundings::{bystander, stop_at, wait_until};
use crate::world::SharedWorld;

/// What the poller works with, each of which can fail.
const TARGETS: [Target; 6] = [
    Target::Token,
    Target::Transcript,
    Target::Attributes,
    Target::Suggestions,
    Target::Scoring,
    Target::State,
];

/// What the reading of a call needs.
const NEEDED_BY_READING: [Target; 3] = [Target::Transcript, Target::Token, Target::State];

/// The part of a run in which things fail.
const FAULTY_MS: u64 = 120_000;

/// The whole run: the healthy part at its end is long enough for open breakers, leases of the dead and grown backoffs.
const WHOLE_MS: u64 = 260_000;

/// How often the schedule starts an invocation.
const SCHEDULE_MS: u64 = 60_000;

/// How long an invocation works before it hands over.
const INVOCATION_MS: u64 = 70_000;

/// Time without a segment after which a call ends.
const SILENCE_MS: u64 = 30_000;

/// Longest time for which a live call may be left unread while everything that reading needs works. An open breaker stays open
/// for 30 s, and a process that dies is replaced within a minute, when the schedule starts the next one.
pub const MAX_UNREAD_MS: u64 = 100_000;

/// Longest time for which a live call may be left unread while parts are away that reading does not need, and longest time for which a
/// suggestion may be due then.
const MAX_UNREAD_BESIDE_MS: u64 = 10_000;

/// Most requests to one endpoint per second and call, over the whole run.
const MAX_REQUESTS_PER_SECOND: f64 = 6.0;

/// What the processes of a run report of the batches that they counted: call, segment identity, process.
type Reports = Arc<Mutex<Vec<(String, u64)>>>;

/// The rules that a process saw broken while the run went on.
type Complaints = Arc<Mutex<Vec<String>>>;

/// The moments and bounds of a run.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// How much later than in other runs everything is healthy, in milliseconds.
    delay_ms: u64,
    /// Longest time for which a live call may be left unread while everything that reading needs works, in milliseconds.
    max_unread_ms: u64,
    /// Longest time for which a suggestion may be due while everything that its sending needs works, in milliseconds.
    max_due_ms: u64,
}

impl Course {
    fn of(outage: Option<Outage>) -> Self {
        match outage {
            None => Self {
                delay_ms: 0,
                max_unread_ms: MAX_UNREAD_MS,
                max_due_ms: MAX_UNREAD_MS,
            },
            Some(outage) => {
                let max_after = |needed: &[Target]| {
                    if needed.contains(&outage.target) {
                        outage.max_recovery_ms()
                    } else {
                        MAX_UNREAD_BESIDE_MS
                    }
                };
                Self {
                    delay_ms: outage::UNTIL_MS - FAULTY_MS,
                    max_unread_ms: max_after(&NEEDED_BY_READING),
                    max_due_ms: max_after(&suggestion_watch::NEEDED),
                }
            }
        }
    }

    const fn whole_ms(self) -> u64 {
        WHOLE_MS + self.delay_ms
    }
}

/// Runs the schedule of one seed, or one in which a store is away and nothing else fails. Returns the first rule that the run broke, and
/// what happened in it, if it is traced.
///
/// With an outage, no call may be unread for longer than [`Outage::max_recovery_ms`] before it and after it, and hardly at all where reading
/// does not need the part that is away.
pub fn run(seed: u64, is_traced: bool, outage: Option<Outage>) -> (Result<(), Violation>, String) {
    let course = Course::of(outage);
    let whole_ms = course.whole_ms();
    seeded_os::set_clock(Clock::Standing { at_ms: 0 });
    let mut random = StdRng::seed_from_u64(seed.rotate_left(17));
    let has_hold = outage.is_none() && random.random_bool(0.3);
    let hold = has_hold.then(|| Hold::draw(&mut random));
    let center = ContactCenter::draw(&mut random, FAULTY_MS + course.delay_ms, hold);
    let calls = center.calls.clone();
    let world = SharedWorld::new(
        seed,
        is_traced,
        FAULTY_MS + course.delay_ms,
        &TARGETS,
        center,
        outage,
    );
    // The first window that fits counts.
    let windows = hold.map(|hold| hold.away);
    world.lock().faults.windows.splice(..0, windows);
    let (reports, complaints) = (Reports::default(), Complaints::default());
    let mut plans = plan_invocations(&world, &reports, whole_ms);
    plans.push(bystander("studio", whole_ms, {
        let (world, calls) = (world.clone(), calls.clone());
        move |process| Box::pin(register_and_stop(world, process, calls))
    }));
    plans.push(bystander("watch", whole_ms, {
        let (world, calls) = (world.clone(), calls.clone());
        let complaints = Arc::clone(&complaints);
        move |process| {
            Box::pin(async move {
                if let Some(complaint) = watch_reading(world, process, calls, course).await {
                    lock(&complaints).push(complaint);
                }
            })
        }
    }));
    run_side_by_side(plans, &world);
    seeded_os::set_clock(Clock::Standing { at_ms: whole_ms });
    let complaint = lock(&complaints).first().cloned();
    let checked = match complaint {
        Some(complaint) => Err(complaint),
        None => check_end(&world, &calls, &reports, whole_ms),
    };
    let result = checked.map_err(|complaint| Violation::of_world(&world, complaint));
    let trace = world.lock().trace.text();
    (result, trace)
}

/// Plans an invocation for each minute, and the death of those that the faults kill.
fn plan_invocations(world: &SharedWorld, reports: &Reports, whole_ms: u64) -> Vec<Plan> {
    let crashes = world.lock().faults.crashes_ms.clone();
    (0..whole_ms.div_ceil(SCHEDULE_MS))
        .map(|number| {
            let starts_ms = number * SCHEDULE_MS;
            let stops_ms = (starts_ms + INVOCATION_MS).min(whole_ms);
            let crash = crashes
                .iter()
                .copied()
                .find(|at| (starts_ms..stops_ms).contains(at) && at % 2 == number % 2);
            let (world, reports) = (world.clone(), Arc::clone(reports));
            let skew_ms = draw_skew(&mut world.lock().random);
            Plan {
                name: format!("poller-{number}"),
                starts_ms,
                // A process that does not end in time is killed, as Lambda does at the deadline.
                dies_ms: crash.unwrap_or(stops_ms + 5000),
                skew_ms,
                work: Box::new(move |process| {
                    Box::pin(async move {
                        let line = || {
                            format!("{} starts, its clock is {skew_ms} ms ahead", process.name())
                        };
                        world.lock().trace.add(line);
                        let stop = stop_at(stops_ms);
                        invocation(world, process, reports, stop).await;
                    })
                }),
            }
        })
        .collect()
}

async fn invocation(
    world: SharedWorld,
    process: Process,
    reports: Reports,
    stop: CancellationToken,
) {
    let deps = match deps(&world, &process, reports).await {
        Ok(deps) => Arc::new(deps),
        Err(error) => panic!("the dependencies were not built: {error:#}"),
    };
    let shards = (0..deps.calls.shards()).collect();
    let holder = process.name().to_owned();
    if let Err(error) = poll(&deps, CallSelection::Shards(shards), &holder, stop).await {
        let line = || format!("{holder} ends: {error:#}");
        world.lock().trace.add(line);
    }
}

async fn deps(world: &SharedWorld, process: &Process, reports: Reports) -> anyhow::Result<Deps> {
    let state = State::other(SimulatedState::new(world.clone(), process.clone()));
    let http = SimulatedNetwork::client(world.clone(), process.clone());
    let secrets: Secrets = [("client_id", "simulated"), ("client_secret", "not secret")]
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .into_iter()
        .collect();
    let backends = Backends::laptop(std::env::temp_dir(), secrets)
        .with_state(state)
        .with_http_client(http.clone());
    let nlp = NlpClient::new(
        http,
        SCORING_URL,
        Arc::new(FixedSecret(SecretString::from("not secret"))),
        CallLimits::default(),
    )?;
    let provider = Provider::Http(Box::new(HttpProvider::new(nlp)));
    let silence = (SILENCE_MS / 1000).to_string();
    let env = Env::from_pairs([
        ("CXONE_BASE_URL", CONTACT_CENTER_URL),
        ("SILENCE_END_SECONDS", silence.as_str()),
    ]);
    let config = Config::from_env(&env)?.with_scorer(provider);
    let deps = Deps::new(&backends, config).await?;
    Ok(
        deps.with_observer(Observer::new(move |batch: CountedBatch| {
            let mut reports = lock(&reports);
            for segment in &batch.report.segments {
                reports.push((batch.interaction_id.clone(), segment.id.0));
            }
        })),
    )
}

/// Does what the Studio script does: registers each call, and stops those that end before their silence.
async fn register_and_stop(world: SharedWorld, process: Process, calls: BTreeMap<String, Call>) {
    let state = State::other(SimulatedState::new(world, process));
    let interactions = Interactions::new(state, 1);
    let each = calls.into_iter().map(|(id, call)| {
        let interactions = interactions.clone();
        async move {
            wait_until(call.registered_ms).await;
            while interactions.register(&id, Timestamp::now()).await.is_err() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            let Some(stopped_ms) = call.stopped_ms else {
                return;
            };
            wait_until(stopped_ms).await;
            while interactions.stop(&id, Timestamp::now()).await.is_err() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    });
    futures::future::join_all(each).await;
}

/// Watches that each live call is read, and returns the first complaint.
async fn watch_reading(
    world: SharedWorld,
    process: Process,
    calls: BTreeMap<String, Call>,
    course: Course,
) -> Option<String> {
    let mut last_ok: BTreeMap<&String, u64> = BTreeMap::new();
    let mut suggestions = SuggestionWatch::default();
    for second in 0..course.whole_ms() / 1000 {
        wait_until(second * 1000).await;
        process.turn().await;
        let now_ms = second * 1000;
        let world = world.lock();
        for (id, call) in &calls {
            let due = suggestions.look(&world, id, now_ms, course.max_due_ms);
            if due.is_some() {
                return due;
            }
            let over_ms = call.lines.last().map_or(0, |line| line.final_ms);
            let reads = world
                .contact_center
                .calls
                .get(id)
                .and_then(|call| call.read_ms);
            let is_live = (call.registered_ms..over_ms).contains(&now_ms);
            let is_disturbed = world.is_disturbed(&NEEDED_BY_READING, now_ms);
            let since = last_ok.entry(id).or_insert(now_ms);
            if !is_live || is_disturbed {
                *since = now_ms;
                continue;
            }
            let since = (*since).max(reads.unwrap_or(0));
            if now_ms.saturating_sub(since) > course.max_unread_ms {
                return Some(format!(
                    "{id} was not read for {} s although nothing that reading needs failed",
                    (now_ms - since) / 1000
                ));
            }
        }
    }
    None
}

/// Checks what is left at the end of the run.
fn check_end(
    world: &SharedWorld,
    calls: &BTreeMap<String, Call>,
    reports: &Reports,
    whole_ms: u64,
) -> Result<(), String> {
    let world = world.lock();
    if let Some(complaint) = world.complaints.first() {
        return Err(complaint.clone());
    }
    let reports = lock(reports);
    let mut counted = BTreeMap::<&(String, u64), usize>::new();
    for report in reports.iter() {
        *counted.entry(report).or_default() += 1;
    }
    if let Some(((id, _), times)) = counted.into_iter().find(|(_, times)| *times > 1) {
        return Err(format!("a segment of {id} was reported {times} times"));
    }
    if let Some(key) = world.contact_center.changed_suggestions.first() {
        return Err(format!(
            "the suggestion {key} was sent twice with other words"
        ));
    }
    let seconds = whole_ms as f64 / 1000.0;
    for (target, requests) in &world.requests {
        let bound = match target {
            Target::Token => 130.0 * whole_ms.div_ceil(WHOLE_MS) as f64,
            // Each process writes for itself, and each call has a lease, a cursor and what is sent.
            Target::State => 4.0 * MAX_REQUESTS_PER_SECOND * seconds * calls.len() as f64,
            _ => MAX_REQUESTS_PER_SECOND * seconds * calls.len() as f64,
        };
        if *requests as f64 > bound {
            return Err(format!(
                "{requests} requests to {target:?}, the bound is {bound}"
            ));
        }
    }
    for (id, call) in calls {
        check_call(&world, id, call, whole_ms)?;
    }
    Ok(())
}

fn check_call(
    world: &crate::world::World,
    id: &str,
    call: &Call,
    whole_ms: u64,
) -> Result<(), String> {
    let key = store::state::Key::new(format!("interaction#{id}"), "state");
    let now = Timestamp::now();
    let item = world
        .items
        .get(&key, now)
        .ok_or_else(|| format!("{id} has no state"))?;
    let state: insights_core::live::CallState =
        item.decode().map_err(|error| format!("{id}: {error}"))?;
    let view = insights_core::live::CallView::from(&state);
    let is_late = |line: &&crate::contact_center::Line| {
        call.stopped_ms
            .is_some_and(|stopped| line.final_ms > stopped)
    };
    let spoken = |is_customer: bool| {
        call.lines
            .iter()
            .filter(|line| line.is_customer == is_customer && !line.is_refused && !is_late(line))
            .count() as u64
    };
    let scored = (view.customer.segments, view.agent.segments);
    let expected = (spoken(true), spoken(false));
    // Every segment is accounted for: scored, or counted as one that cannot be scored. Without a fault of the scoring service
    // only refused texts are of the second kind. A call that is stopped keeps what was read until then.
    let lines = call.lines.len() as u64;
    let is_scoring_healthy = !world.faults.touches(Target::Scoring, 0, whole_ms);
    let is_accounted = scored.0 + scored.1 + state.unscored_count() == lines;
    let is_complete = match call.stopped_ms {
        None => is_accounted && (scored == expected || !is_scoring_healthy),
        Some(_) => scored.0 <= expected.0 && scored.1 <= expected.1,
    };
    if !is_complete {
        return Err(format!(
            "{id} has {scored:?} scored segments of customer and agent, said were {expected:?} (status {})",
            view.status
        ));
    }
    if view.status == "live" {
        return Err(format!("{id} is still live at the end"));
    }
    for suggestion in &view.suggestions {
        let is_shown = world
            .contact_center
            .suggestions
            .contains_key(&suggestion.idempotency_key);
        if suggestion.status == "sent" && !is_shown {
            return Err(format!(
                "a suggestion of {id} counts as sent and is not there"
            ));
        }
    }
    Ok(())
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
