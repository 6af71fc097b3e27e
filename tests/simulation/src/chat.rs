//! Chats: the sessions of an agent in invocations that overlap, die and hand over, against a contact center, stores and receivers of
//! notifications that fail.
//!
//! An invocation starts every 20 seconds, finds the agent taken or works it, and hands over before its deadline; some are
//! delivered twice. The wall clocks of the invocations differ. What is checked:
//! - the archive of every chat holds each of its messages once, those that sessions missed included;
//! - every escalation is delivered, and delivered once where nothing failed; whatever is delivered again has the same idempotency key;
//! - what a session has promised to send for the agent arrives, once;
//! - no message is left unread for longer than [`MAX_UNREAD_MS`] while everything that reading needs works;
//! - at the end nothing is left of notes, notices and spilled messages, and the agent is offline;
//! - the number of requests stays within a bound, whatever fails.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backends::Backends;
use chat_session::Deps;
use chat_session::config::Config;
use chat_session::records;
use chat_session::session::{self, Options, OutgoingMessage, Update};
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
use store::state::State;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::chat_center::{AGENT, ChatCenter, PlannedChats, Writing, customer_message, draw_chats};
use crate::contact_center::ContactCenter;
use crate::faults::{Target, draw_skew};
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

/// How long an invocation may last.
const INVOCATION_MS: u64 = 90_000;

/// How long before its deadline an invocation begins to hand over, as a setting.
const HANDOVER_MS: &str = "40000";

/// Time without a message after which a chat counts as ended, as a setting.
const SILENCE_SECONDS: &str = "60";

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
}

impl Course {
    fn of(outage: Option<Outage>) -> Self {
        match outage {
            None => Self {
                delay_ms: 0,
                max_unread_ms: MAX_UNREAD_MS,
                archived_by_ms: None,
            },
            Some(outage) => Self {
                delay_ms: outage::UNTIL_MS - FAULTY_MS,
                max_unread_ms: MAX_RECOVERY_MS,
                archived_by_ms: (outage.target == Target::Objects)
                    .then_some(outage::UNTIL_MS + MAX_RECOVERY_MS),
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
/// With an outage, no message may be unread for longer than [`MAX_RECOVERY_MS`] before it and after it, and what ended while the object
/// store was away must be archived within that time.
pub fn run(seed: u64, is_traced: bool, outage: Option<Outage>) -> (Result<(), Violation>, String) {
    let course = Course::of(outage);
    seeded_os::set_clock(Clock::Standing { at_ms: 0 });
    let mut random = StdRng::seed_from_u64(seed.rotate_left(23));
    let chats = draw_chats(&mut random, course.chats_until_ms());
    let world = SharedWorld::new(
        seed,
        is_traced,
        FAULTY_MS + course.delay_ms,
        &TARGETS,
        ContactCenter::default(),
        outage,
    );
    world.lock().chats = ChatCenter::new(&chats);
    let chats = Arc::new(chats);
    let complaints = Arc::new(Mutex::new(Vec::new()));
    let mut plans = plan_invocations(&world, &chats, course, &mut random);
    plans.push(bystander("watch", course.stop_ms(), {
        let (world, chats, complaints) = (world.clone(), chats.clone(), Arc::clone(&complaints));
        move |process| {
            Box::pin(async move {
                if let Some(complaint) = watch_reading(world, process, chats, course).await {
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
            let deadline_ms = starts_ms + INVOCATION_MS;
            let crash = crashes
                .iter()
                .copied()
                .find(|at| (starts_ms..deadline_ms).contains(at) && random.random_bool(0.5));
            let (world, chats) = (world.clone(), Arc::clone(chats));
            let skew_ms = draw_skew(random);
            Plan {
                name: format!("chat-session-{number}"),
                starts_ms,
                dies_ms: crash.unwrap_or(
                    (deadline_ms + 2000).clamp(course.stop_ms() + 45_000, course.whole_ms()),
                ),
                skew_ms,
                work: Box::new(move |process| {
                    let deadline = Instant::now() + Duration::from_millis(INVOCATION_MS);
                    Box::pin(async move {
                        let line = || {
                            format!("{} starts, its clock is {skew_ms} ms ahead", process.name())
                        };
                        world.lock().trace.add(line);
                        work(world, process, chats, deadline, course.stop_ms()).await;
                    })
                }),
            }
        })
        .collect()
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
    loop {
        let connected = Arc::new(Notify::new());
        let (outbound, outgoing) = mpsc::channel(16);
        let options = Options {
            deadline: Some(deadline),
            stop: stop.clone(),
            outbound: Some(outgoing),
            updates: Observer::new({
                let connected = Arc::clone(&connected);
                move |update| {
                    if matches!(update, Update::Connected) {
                        connected.notify_one();
                    }
                }
            }),
            ..Options::new(format!("{}/{:016x}", process.name(), rand::random::<u64>()))
        };
        let desk = tokio::spawn(write_for_the_agent(
            world.clone(),
            process.clone(),
            Arc::clone(&chats),
            connected,
            outbound,
        ));
        let session_deps = Arc::clone(&deps);
        let session = tokio::spawn(async move { session::run(session_deps, AGENT, options).await });
        let result = session.await;
        desk.abort();
        let line = || match &result {
            Ok(Ok(report)) => format!("{} ends: {:?}", process.name(), report.outcome),
            Ok(Err(error)) => format!("{} fails: {error:#}", process.name()),
            Err(error) => format!("{} fails: {error}", process.name()),
        };
        world.lock().trace.add(line);
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
    let env = Env::from_pairs([
        ("CXONE_BASE_URL", CONTACT_CENTER_URL),
        ("ESCALATION_WEBHOOK_URL", WEBHOOK_URL),
        ("CHAT_SILENCE_SECONDS", SILENCE_SECONDS),
        ("CHAT_HANDOVER_MS", HANDOVER_MS),
        ("REDACT_PII", "off"),
    ]);
    let config = Config::from_env(&env)?.with_scorer(provider);
    Deps::new(&backends, config).await
}

/// Watches that each message of a customer is read, and returns the first complaint.
async fn watch_reading(
    world: SharedWorld,
    process: Process,
    chats: Arc<PlannedChats>,
    course: Course,
) -> Option<String> {
    let needed = [
        Target::Stream,
        Target::Token,
        Target::ChatTranscript,
        Target::State,
    ];
    let mut unread: BTreeMap<_, _> = chats
        .iter()
        .flat_map(|(id, chat)| chat.customer.iter().map(move |writing| (id, writing)))
        .map(|(id, writing)| {
            (
                records::message_key(&customer_message(id, writing)),
                writing,
            )
        })
        .collect();
    let mut healthy_since = 0;
    for second in 0..course.stop_ms() / 1000 {
        wait_until(second * 1000).await;
        process.turn().await;
        let now_ms = second * 1000;
        let world = world.lock();
        if course.archived_by_ms.is_some_and(|by_ms| now_ms == by_ms) {
            let open = records::agent_partition(AGENT);
            let left = world.items.list(&open, "open#", None, 10, Timestamp::now());
            if let Some(item) = left.first() {
                return Some(format!(
                    "{} is not archived {} s after the outage",
                    item.key,
                    MAX_RECOVERY_MS / 1000
                ));
            }
        }
        unread.retain(|key, _| world.items.get(key, Timestamp::now()).is_none());
        let is_disturbed = needed.iter().any(|target| {
            world
                .faults
                .touches(*target, now_ms.saturating_sub(1000), now_ms + 1)
        });
        if is_disturbed {
            healthy_since = now_ms;
        }
        let missed = unread.values().find(|writing| {
            now_ms.saturating_sub(healthy_since.max(writing.at_ms)) > course.max_unread_ms
        });
        if let Some(missed) = missed {
            return Some(format!(
                "{:?} of {} ms was not read for {} s although nothing that reading needs failed",
                missed.text,
                missed.at_ms,
                course.max_unread_ms / 1000
            ));
        }
    }
    None
}

/// Checks what is left at the end of the run.
fn check_end(world: &SharedWorld, chats: &PlannedChats, course: Course) -> Result<(), String> {
    let world = world.lock();
    for id in chats.keys() {
        check_archive(&world, id)?;
    }
    check_promises(&world)?;
    check_escalations(&world, chats)?;
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
fn check_escalations(world: &World, chats: &PlannedChats) -> Result<(), String> {
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
    let most = if world.faults.is_empty() { 1 } else { 40 };
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
