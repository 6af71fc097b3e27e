//! Chats: the sessions of an agent in invocations that overlap, die and hand over, against a contact center, stores and receivers of
//! notifications that fail.
//!
//! An invocation starts every 20 seconds, finds the agent taken or works it, and hands over before its deadline; some are
//! delivered twice. The wall clocks of the invocations differ. What is checked:
//! - the archive of every chat holds each of its messages once, those that sessions missed included;
//! - every escalation is delivered, and delivered once where nothing failed; whatever is delivered again has the same idempotency key;
//! - what a session has promised to send for the agent arrives, once;
//! - no chat counts as ended while its customer goes on writing, also where the customer writes again after the end;
//! - nothing of a session that its caller has given up asks anything of the contact center;
//! - no session that serves ends with an error, or leaves its agent although nobody else has its lease and it was renewed in time;
//! - nobody asks for a token soon after refused credentials;
//! - no message is left unread for longer than [`MAX_UNREAD_MS`] while everything that reading needs works;
//! - at the end nothing is left of notes, notices and spilled messages, and the agent is offline;
//! - the number of requests stays within a bound, whatever fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backends::Backends;
use chat_session::Deps;
use chat_session::config::Config;
use chat_session::records;
use chat_session::session::{self, Options, Outcome, OutgoingMessage, Update};
use insights_core::chat::escalation::{EscalationDetector, EscalationPhrases, EscalationSource};
use insights_core::signals::Signals;
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
use store::objects::Objects;
use store::secrets::Secrets;
use store::state::{Item, State};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use crate::chat_center::{
    AGENT, ChatCenter, PlannedChats, Writing, draw_chats, draw_returning_chats,
};
use crate::chat_watch;
use crate::contact_center::ContactCenter;
use crate::faults::{Fault, FaultPlan, FaultWindow, Target, draw_skew};
use crate::network::{CONTACT_CENTER_URL, SCORING_URL, SimulatedNetwork, WEBHOOK_URL};
use crate::objects::SimulatedObjects;
use crate::outage::{self, MAX_RECOVERY_MS, Outage};
use crate::processes::{Plan, Process, run_side_by_side};
use crate::run::Violation;
use crate::seeded_os::{self, Clock};
use crate::state_store::SimulatedState;
use crate::surroundings::{bystander, stop_at, wait_until};
use crate::world::{SharedWorld, World};

/// What a chat session works with, each of which can fail.
const TARGETS: [Target; 8] = [
    Target::Token,
    Target::Stream,
    Target::ChatTranscript,
    Target::Presence,
    Target::Scoring,
    Target::Webhook,
    Target::Objects,
    Target::State,
];

/// The part of a run in which things fail.
const FAULTY_MS: u64 = 120_000;

/// When all sessions are stopped, long after the last chat.
const STOP_MS: u64 = 245_000;

/// The whole run: the end leaves time to archive every chat.
const WHOLE_MS: u64 = 300_000;

/// How often an invocation starts.
const SCHEDULE_MS: u64 = 20_000;

/// How long an invocation may last, in most runs: sessions are handed over each minute.
const INVOCATION_MS: u64 = 90_000;

/// How long an invocation of the deployed function may last, in milliseconds: one session lives through an outage.
const LONG_INVOCATION_MS: u64 = 900_000;

/// How long before its deadline an invocation begins to hand over, as a setting.
const HANDOVER_MS: &str = "40000";

/// Share of the requests to the object store that have no answer in runs in which only archives are in trouble.
const UNSTEADY_SHARE: f64 = 0.4;

/// Share of the sessions whose caller gives them up.
const DROPPED_SHARE: f64 = 0.04;

/// How long a process lives on after its session was given up, in milliseconds: nothing of the session may go on in it.
const IDLE_MS: u64 = 70_000;

/// Time without a message after which a chat counts as ended, in milliseconds.
const SILENCE_MS: u64 = 60_000;

/// Longest time for which a message may be left unread while everything that reading needs works: a lease of the dead, the schedule, the
/// longest wait before the stream is connected again, an open breaker, and the pauses between readings of a transcript.
pub const MAX_UNREAD_MS: u64 = 100_000;

/// Longest time that the agent's client waits until a session has taken a message.
const TAKING_TIMEOUT: Duration = Duration::from_secs(20);

/// The moments and bounds of a run.
#[derive(Debug, Clone, Copy)]
struct Course {
    /// How much later than in other runs everything is healthy, in milliseconds.
    delay_ms: u64,
    /// Longest time for which a message may be left unread while everything that reading needs works, in milliseconds.
    max_unread_ms: u64,
    /// When every chat must be archived that ended a while before, if there is such a moment, in milliseconds of the run.
    archived_by_ms: Option<u64>,
    /// How long an invocation may last, in milliseconds.
    invocation_ms: u64,
}

impl Course {
    fn of(outage: Option<Outage>, has_long_sessions: bool) -> Self {
        let invocation_ms = if has_long_sessions {
            LONG_INVOCATION_MS
        } else {
            INVOCATION_MS
        };
        match outage {
            None => Self {
                delay_ms: 0,
                max_unread_ms: MAX_UNREAD_MS,
                archived_by_ms: None,
                invocation_ms,
            },
            Some(outage) => Self {
                delay_ms: outage::UNTIL_MS - FAULTY_MS,
                max_unread_ms: outage.max_recovery_ms(),
                archived_by_ms: (outage.target == Target::Objects)
                    .then_some(outage::UNTIL_MS + MAX_RECOVERY_MS),
                invocation_ms,
            },
        }
    }

    const fn stop_ms(self) -> u64 {
        STOP_MS + self.delay_ms
    }

    const fn whole_ms(self) -> u64 {
        WHOLE_MS + self.delay_ms
    }

    /// Returns until when the chats of the run go on at least. Where they need not be read, they end while the store is away.
    const fn chats_until_ms(self) -> u64 {
        match self.archived_by_ms {
            Some(_) => FAULTY_MS,
            None => FAULTY_MS + self.delay_ms,
        }
    }
}

/// Runs the schedule of one seed, or one in which a store is away and nothing else fails. Returns the first rule that the run broke, and
/// what happened in it, if it is traced.
///
/// With an outage, no message may be unread for longer than [`Outage::max_recovery_ms`] before it and after it, and what ended while the
/// object store was away must be archived within that time. In every fourth run sessions last as long as those of the deployed function.
pub fn run(seed: u64, is_traced: bool, outage: Option<Outage>) -> (Result<(), Violation>, String) {
    seeded_os::set_clock(Clock::Standing { at_ms: 0 });
    let mut random = StdRng::seed_from_u64(seed.rotate_left(23));
    let course = Course::of(outage, seed % 4 == 1);
    let again_ms = course.archived_by_ms.map(|_| outage::UNTIL_MS - 6000);
    let has_unsteady_archives = outage.is_none() && random.random_bool(0.15);
    let chats = if has_unsteady_archives {
        draw_returning_chats(&mut random, FAULTY_MS - 10_000)
    } else {
        draw_chats(&mut random, course.chats_until_ms(), again_ms)
    };
    let world = SharedWorld::new(
        seed,
        is_traced,
        FAULTY_MS + course.delay_ms,
        &TARGETS,
        ContactCenter::default(),
        outage,
    );
    world.lock().chats = ChatCenter::new(&chats);
    if has_unsteady_archives {
        world.lock().faults = unsteady_archives();
    }
    let chats = Arc::new(chats);
    let complaints = Arc::new(Mutex::new(Vec::new()));
    let bounds = chat_watch::Bounds {
        max_unread_ms: course.max_unread_ms,
        archived_by_ms: course.archived_by_ms,
        silence_ms: SILENCE_MS,
        stop_ms: course.stop_ms(),
    };
    let mut plans = plan_invocations(&world, &chats, course, &mut random);
    plans.push(bystander("watch", course.stop_ms(), {
        let (world, chats, complaints) = (world.clone(), chats.clone(), Arc::clone(&complaints));
        move |process| {
            Box::pin(async move {
                if let Some(complaint) = chat_watch::watch(world, process, chats, bounds).await {
                    lock(&complaints).push(complaint);
                }
            })
        }
    }));
    run_side_by_side(plans, &world);
    seeded_os::set_clock(Clock::Standing {
        at_ms: course.whole_ms(),
    });
    let complaint = lock(&complaints).first().cloned();
    let checked = match complaint {
        Some(complaint) => Err(complaint),
        None => check_end(&world, &chats, course),
    };
    let result = checked.map_err(|complaint| Violation::of_world(&world, complaint));
    let trace = world.lock().trace.text();
    (result, trace)
}

/// Returns the faults of a run in which nothing fails but requests to the object store, whose answers are lost or whose writes land late.
fn unsteady_archives() -> FaultPlan {
    let window = FaultWindow {
        target: Target::Objects,
        fault: Fault::LostAnswer,
        from_ms: 0,
        until_ms: FAULTY_MS,
        share: UNSTEADY_SHARE,
    };
    FaultPlan {
        windows: vec![window],
        ..FaultPlan::default()
    }
}

/// Plans the invocations of the schedule, those that are delivered twice, and the deaths of those that the faults kill.
fn plan_invocations(
    world: &SharedWorld,
    chats: &Arc<PlannedChats>,
    course: Course,
    random: &mut StdRng,
) -> Vec<Plan> {
    let crashes = world.lock().faults.crashes_ms.clone();
    let scheduled = (0..course.stop_ms() / SCHEDULE_MS).map(|number| number * SCHEDULE_MS);
    let mut starts: Vec<u64> = scheduled.collect();
    if random.random_bool(0.3) {
        let twice = starts[random.random_range(0..starts.len())];
        starts.push(twice + random.random_range(0..3000));
    }
    starts
        .into_iter()
        .enumerate()
        .map(|(number, starts_ms)| {
            let deadline_ms = starts_ms + course.invocation_ms;
            let crash = crashes
                .iter()
                .copied()
                .find(|at| (starts_ms..deadline_ms).contains(at) && random.random_bool(0.5));
            let (world, chats) = (world.clone(), Arc::clone(chats));
            let skew_ms = draw_skew(random);
            let dropped = random.random_bool(DROPPED_SHARE) && starts_ms < FAULTY_MS;
            let dropped_after = dropped.then(|| {
                let life_ms = random.random_range(1000..INVOCATION_MS);
                Duration::from_millis(life_ms)
            });
            Plan {
                name: format!("chat-session-{number}"),
                starts_ms,
                dies_ms: crash.unwrap_or(
                    (deadline_ms + 2000).clamp(course.stop_ms() + 45_000, course.whole_ms()),
                ),
                skew_ms,
                work: Box::new(move |process| {
                    let deadline = Instant::now() + Duration::from_millis(course.invocation_ms);
                    Box::pin(async move {
                        let line = || {
                            format!("{} starts, its clock is {skew_ms} ms ahead", process.name())
                        };
                        world.lock().trace.add(line);
                        let working = work(
                            world.clone(),
                            process.clone(),
                            chats,
                            deadline,
                            course.stop_ms(),
                        );
                        match dropped_after {
                            None => working.await,
                            Some(life) => give_up(world, process, life, working).await,
                        }
                    })
                }),
            }
        })
        .collect()
}

/// Gives the work of an invocation up after a while, as a caller does that waits no longer, and lives on for a while.
async fn give_up(
    world: SharedWorld,
    process: Process,
    life: Duration,
    working: impl Future<Output = ()>,
) {
    if tokio::time::timeout(life, working).await.is_ok() {
        return;
    }
    process.turn().await;
    {
        let mut world = world.lock();
        world
            .trace
            .add(|| format!("the session of {} is given up", process.name()));
        world.given_up.insert(process.name().to_owned());
    }
    tokio::time::sleep(Duration::from_millis(IDLE_MS)).await;
}

/// Does what an invocation does: runs the session of the agent, and starts one that fails again.
async fn work(
    world: SharedWorld,
    process: Process,
    chats: Arc<PlannedChats>,
    deadline: Instant,
    stop_ms: u64,
) {
    let deps = match deps(&world, &process).await {
        Ok(deps) => Arc::new(deps),
        Err(error) => panic!("the dependencies were not built: {error:#}"),
    };
    let stop = stop_at(stop_ms);
    let handover = deps.config.handover;
    loop {
        let (connected, has_served) = (Arc::new(Notify::new()), Arc::new(AtomicBool::new(false)));
        let (outbound, outgoing) = mpsc::channel(16);
        let options = Options {
            deadline: Some(deadline),
            stop: stop.clone(),
            outbound: Some(outgoing),
            updates: Observer::new({
                let (connected, has_served) = (Arc::clone(&connected), Arc::clone(&has_served));
                move |update| {
                    if matches!(update, Update::Connected) {
                        has_served.store(true, Ordering::Relaxed);
                        connected.notify_one();
                    }
                }
            }),
            ..Options::new(format!("{}/{:016x}", process.name(), rand::random::<u64>()))
        };
        let holder = options.holder.clone();
        let desk = AbortOnDropHandle::new(tokio::spawn(write_for_the_agent(
            world.clone(),
            process.clone(),
            Arc::clone(&chats),
            connected,
            outbound,
        )));
        let session_deps = Arc::clone(&deps);
        let session = tokio::spawn(async move { session::run(session_deps, AGENT, options).await });
        // Whoever drops this future drops the session.
        let result = AbortOnDropHandle::new(session).await;
        desk.abort();
        let line = || match &result {
            Ok(Ok(report)) => format!("{} ends: {:?}", process.name(), report.outcome),
            Ok(Err(error)) => format!("{} fails: {error:#}", process.name()),
            Err(error) => format!("{} fails: {error}", process.name()),
        };
        world.lock().trace.add(line);
        let is_serving = has_served.load(Ordering::Relaxed)
            && Instant::now() + handover < deadline
            && seeded_os::elapsed_ms() < stop_ms;
        process.turn().await;
        match &result {
            Ok(Ok(report)) if report.outcome == Outcome::Lost => {
                let mut world = world.lock();
                let lease = world
                    .items
                    .get(&records::lease_key(AGENT), Timestamp::now());
                if is_own_lease(lease, &holder) && world.lease_failures.count(process.name()) < 2 {
                    world.complain(format!(
                        "{} leaves its agent, although its lease is its own and a renewal has failed once at most",
                        process.name()
                    ));
                }
            }
            Ok(Err(error)) if is_serving => {
                let complaint = format!(
                    "a session of {} that serves has failed: {error:#}",
                    process.name()
                );
                world.lock().complain(complaint);
            }
            _ => {}
        }
        match result {
            Ok(Ok(_)) => return,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            _ => tokio::time::sleep(Duration::from_secs(2)).await,
        }
        if Instant::now() + Duration::from_secs(45) >= deadline {
            return;
        }
    }
}

/// Returns whether the item of a lease names a holder.
fn is_own_lease(lease: Option<&Item>, holder: &str) -> bool {
    let held = lease.and_then(|item| item.decode::<serde_json::Value>().ok());
    held.is_some_and(|held| held["holder"] == holder)
}

/// Writes for the agent as the agent's client does: each text once, through the session that is connected at its time.
async fn write_for_the_agent(
    world: SharedWorld,
    process: Process,
    chats: Arc<PlannedChats>,
    connected: Arc<Notify>,
    outbound: mpsc::Sender<OutgoingMessage>,
) {
    connected.notified().await;
    let started_ms = seeded_os::elapsed_ms();
    let mut writings: Vec<(&String, &Writing)> = chats
        .iter()
        .flat_map(|(id, chat)| chat.agent.iter().map(move |writing| (id, writing)))
        .filter(|(_, writing)| writing.at_ms >= started_ms)
        .collect();
    writings.sort_by_key(|(_, writing)| writing.at_ms);
    for (chat, writing) in writings {
        wait_until(writing.at_ms).await;
        process.turn().await;
        if !world.lock().chats.begun.insert(writing.text.clone()) {
            continue;
        }
        let (accepted, answer) = oneshot::channel();
        let message = OutgoingMessage {
            conversation_id: chat.clone(),
            text: writing.text.clone(),
            accepted,
        };
        if outbound.send(message).await.is_err() {
            return;
        }
        if let Ok(Ok(Ok(()))) = tokio::time::timeout(TAKING_TIMEOUT, answer).await {
            world.lock().chats.promised.insert(writing.text.clone());
        }
    }
}

async fn deps(world: &SharedWorld, process: &Process) -> anyhow::Result<Deps> {
    let state = State::other(SimulatedState::new(world.clone(), process.clone()));
    let objects = Objects::over(Arc::new(SimulatedObjects::new(
        world.clone(),
        process.clone(),
    )));
    let http = SimulatedNetwork::client(world.clone(), process.clone());
    let secrets: Secrets = [("client_id", "simulated"), ("client_secret", "not secret")]
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .into_iter()
        .collect();
    let backends = Backends::laptop(std::env::temp_dir(), secrets)
        .with_state(state)
        .with_objects(objects)
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
        ("ESCALATION_WEBHOOK_URL", WEBHOOK_URL),
        ("CHAT_SILENCE_SECONDS", silence.as_str()),
        ("CHAT_HANDOVER_MS", HANDOVER_MS),
        ("REDACT_PII", "off"),
    ]);
    let config = Config::from_env(&env)?.with_scorer(provider);
    Deps::new(&backends, config).await
}

/// Checks what is left at the end of the run.
fn check_end(world: &SharedWorld, chats: &PlannedChats, course: Course) -> Result<(), String> {
    let world = world.lock();
    if let Some(complaint) = world.complaints.first() {
        return Err(complaint.clone());
    }
    for id in chats.keys() {
        check_archive(&world, id)?;
    }
    check_promises(&world)?;
    check_escalations(&world, chats, course)?;
    check_leftovers(&world)?;
    check_requests(&world, course)
}

/// Checks that the archive of a chat holds each of its messages once.
fn check_archive(world: &World, id: &str) -> Result<(), String> {
    let objects = Objects::over(Arc::clone(&world.objects) as _);
    // A store in memory answers at once.
    let archive = futures::executor::block_on(chat_session::archive::read_archive(&objects, id))
        .map_err(|error| format!("the archive of {id} is not readable: {error:#}"))?
        .ok_or_else(|| format!("{id} is not archived"))?;
    let messages = world.chats.messages(id);
    for message in messages {
        let times = archive
            .iter()
            .filter(|line| line.message == *message)
            .count();
        if times != 1 {
            return Err(format!(
                "{:?} of {id} is in its archive {times} times",
                message.text
            ));
        }
    }
    if let Some(line) = archive
        .iter()
        .find(|line| !messages.contains(&line.message))
    {
        let is_promised = world.chats.promised.contains(&line.message.text);
        return Err(format!(
            "the archive of {id} holds {:?} (promised: {is_promised}), which never arrived",
            line.message.text
        ));
    }
    Ok(())
}

/// Checks that what a session has promised to send has arrived, and nothing twice.
fn check_promises(world: &World) -> Result<(), String> {
    let mut arrived: BTreeMap<&str, usize> = BTreeMap::new();
    for message in world.chats.all_messages() {
        *arrived.entry(message.text.as_str()).or_default() += 1;
    }
    if let Some((text, times)) = arrived.iter().find(|(_, times)| **times > 1) {
        return Err(format!("{text:?} has arrived {times} times"));
    }
    match world
        .chats
        .promised
        .iter()
        .find(|text| !arrived.contains_key(text.as_str()))
    {
        Some(lost) => Err(format!("{lost:?} was promised and has not arrived")),
        None => Ok(()),
    }
}

/// Checks that each escalation was delivered.
fn check_escalations(world: &World, chats: &PlannedChats, course: Course) -> Result<(), String> {
    let detector = EscalationDetector::new(&EscalationPhrases::default());
    let mut expected = BTreeSet::new();
    for (id, chat) in chats {
        for writing in &chat.customer {
            let found = detector.find_by(EscalationSource::Both, &writing.text, Signals::NONE);
            if let Some(trigger) = found {
                expected.insert(format!("escalation-{id}-{}", trigger.severity));
            }
        }
    }
    let delivered = &world.chats.notifications;
    if let Some(missing) = expected.iter().find(|key| !delivered.contains_key(*key)) {
        return Err(format!("{missing} was never delivered"));
    }
    if let Some(unexpected) = delivered.keys().find(|key| !expected.contains(*key)) {
        return Err(format!("{unexpected} was delivered without a reason"));
    }
    // A receiver whose answers are lost gets them again until it answers.
    let most = if world.faults.is_empty() {
        1
    } else {
        40 * course.whole_ms().div_ceil(WHOLE_MS)
    };
    match delivered.iter().find(|(_, times)| **times > most) {
        Some((key, times)) => Err(format!("{key} was delivered {times} times")),
        None => Ok(()),
    }
}

/// Checks that nothing is left that a later session would have to do, and that the agent is offline.
fn check_leftovers(world: &World) -> Result<(), String> {
    let partition = records::agent_partition(AGENT);
    for prefix in ["open#", "out#", "notice#", "aside#"] {
        let left = world
            .items
            .list(&partition, prefix, None, 10, Timestamp::now());
        if let Some(item) = left.first() {
            return Err(format!("{} is left at the end", item.key));
        }
    }
    match world.chats.presence.as_deref() {
        Some("offline") => Ok(()),
        presence => Err(format!("the agent is {presence:?} at the end")),
    }
}

/// Checks that nobody was asked more often than a run of this length needs.
fn check_requests(world: &World, course: Course) -> Result<(), String> {
    let times_as_long = course.whole_ms().div_ceil(WHOLE_MS);
    for (target, requests) in &world.requests {
        let bound = match target {
            Target::Token => 130,
            Target::Stream | Target::Webhook => 300,
            Target::Presence => 400,
            Target::State => 6000,
            _ => 1500,
        };
        let bound = bound * times_as_long;
        if *requests > bound {
            return Err(format!(
                "{requests} requests to {target:?}, the bound is {bound}"
            ));
        }
    }
    Ok(())
}

fn lock<T>(shared: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
