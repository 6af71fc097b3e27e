//! Conversations on their way into the vector store: webhook receiver, queue, embedding writer and store, with an erasure and a change
//! of the model in between.
//!
//! The contact center sends each event until it is accepted. The queue delivers each message until a writer has done it, to one of two
//! writers at a time; a writer that dies leaves its messages to the next one. What is checked:
//! - before everything is sent again for another model, and in the end, the store holds each conversation once, in its latest version, in the end with vectors of the current model;
//! - a conversation whose source has removed its text, and one that was erased here, is not there, whatever comes late;
//! - the queue is empty, and the dead letters are the messages that can never be processed;
//! - the number of requests stays within a bound, whatever fails.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{bail, ensure};
use backends::Backends;
use backends::erasure::{Eraser, QueuedMessages};
use bytes::Bytes;
use embedding::openai::EmbeddingsClient;
use embedding::provider::{OpenAiProvider, Provider};
use futures::executor::block_on;
use insights_http::secret::FixedSecret;
use insights_http::{CallLimits, Deadline};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use runtime::config::Env;
use secrecy::SecretString;
use store::objects::Objects;
use store::queue::AnyQueue;
use store::secrets::Secrets;
use store::state::State;
use store::vectors::{EmbeddingModel, SqliteVectors, VectorQuery, VectorStore, Vectors};
use tokio::time::Instant;

use crate::contact_center::ContactCenter;
use crate::conversations::{PlannedConversations, draw_conversations};
use crate::embedding_service::DIMENSION;
use crate::faults::{Target, draw_skew};
use crate::network::{EMBEDDING_URL, SimulatedNetwork};
use crate::objects::SimulatedObjects;
use crate::outage::{self, Outage};
use crate::processes::{Plan, Process, run_side_by_side};
use crate::queue::SimulatedQueue;
use crate::run::Violation;
use crate::seeded_os::{self, Clock};
use crate::state_store::SimulatedState;
use crate::surroundings::wait_until;
use crate::vector_store::SimulatedVectors;
use crate::world::SharedWorld;

/// What the pipeline works with, each of which can fail.
const TARGETS: [Target; 4] = [
    Target::State,
    Target::Queue,
    Target::Vectors,
    Target::Embedding,
];

/// The part of a run in which things fail.
const FAULTY_MS: u64 = 120_000;

/// The whole run: the healthy part at its end is long enough for messages that are hidden and for grown pauses.
const WHOLE_MS: u64 = 300_000;

/// When an operator sends every conversation again, after the model has changed.
const AGAIN_MS: u64 = 190_000;

/// When an operator deletes the rows of the former model.
const EXPIRY_MS: u64 = 270_000;

/// How long before that the store must hold everything, in milliseconds.
const BEFORE_AGAIN_MS: u64 = 1000;

/// Longest time for which an event is in the queue while the service that embeds answers late, in milliseconds.
const MAX_QUEUED_MS: u64 = 240_000;

/// When events are sent where everything comes at once, in milliseconds of the run.
const SENT_AT_ONCE_MS: Range<u64> = 40_000..40_400;

/// Number of sentences of a text, which is less than this.
const FEW_SENTENCES: usize = 30;

/// The same where texts are long: a batch of them takes a service that answers late longer than a writer has.
const MANY_SENTENCES: usize = 48;

/// Most tokens of a chunk, as a setting: the conversations of a simulation are short, and yet have several chunks.
const CHUNK_TOKENS: &str = "64";

/// Tokens in which two chunks overlap, as a setting.
const CHUNK_OVERLAP: &str = "8";

/// Most tokens of one request to embed, which is one chunk.
const REQUEST_TOKENS: usize = 100;

/// How long a writer may work on a batch.
const BATCH_TIME: Duration = Duration::from_secs(25);

/// How long a message is hidden from other writers, in milliseconds.
const HIDDEN_MS: u64 = 40_000;

/// The same in a run in which a store is away: far longer than a message may wait afterwards. What a writer had that died with the former
/// model is visible again before the store is back.
const HIDDEN_LONG_MS: u64 = 300_000;

/// Most messages of a batch.
const BATCH_SIZE: usize = 10;

/// The key of the sender.
const KEY: &str = "a-key-of-the-simulation-0123456789";

/// A message that can never be processed.
const POISON: &str = r#"{"event": "something else"}"#;

/// The moments of a run, in milliseconds, and where its vectors lie.
#[derive(Debug, Clone)]
struct Course {
    conversations: Arc<PlannedConversations>,
    file: PathBuf,
    model_changes_ms: u64,
    poison_ms: Option<u64>,
    /// How much later than in other runs everything is healthy, in milliseconds.
    delay_ms: u64,
    /// How long a message is hidden from other writers, in milliseconds.
    hidden_ms: u64,
    /// The moment by which everything must have recovered from an outage; `None` where there is none.
    recovered_ms: Option<u64>,
    /// Whether the service that embeds is away or late for ten minutes.
    is_slow: bool,
}

impl Course {
    fn model_at(&self, run_ms: u64) -> EmbeddingModel {
        let name = if run_ms < self.model_changes_ms {
            "former"
        } else {
            "current"
        };
        model(name)
    }
}

fn model(name: &str) -> EmbeddingModel {
    EmbeddingModel {
        name: name.to_owned(),
        dimension: DIMENSION,
    }
}

/// Runs the schedule of one seed, or one in which a store is away and nothing else fails. Returns the first rule that the run broke, and
/// what happened in it, if it is traced.
///
/// After an outage, every event must be accepted, and every message of the queue be done, within [`Outage::max_recovery_ms`]. Messages that could not be
/// embedded are hidden for their whole time meanwhile.
pub fn run(seed: u64, is_traced: bool, outage: Option<Outage>) -> (Result<(), Violation>, String) {
    seeded_os::set_clock(Clock::Standing { at_ms: 0 });
    let mut random = StdRng::seed_from_u64(seed.rotate_left(31));
    let folder = tempfile::tempdir().expect("a folder for the vectors");
    let is_slow = outage.is_some_and(|outage| outage.target == Target::Embedding);
    // A service that answers late is behind most where everything comes at once.
    let (sent_ms, max_sentences) = if is_slow {
        (SENT_AT_ONCE_MS, MANY_SENTENCES)
    } else {
        (0..FAULTY_MS, FEW_SENTENCES)
    };
    let course = Course {
        conversations: Arc::new(draw_conversations(&mut random, &sent_ms, max_sentences)),
        file: folder.path().join("vectors.sqlite"),
        model_changes_ms: random.random_range(20_000..FAULTY_MS),
        poison_ms: random
            .random_bool(0.3)
            .then(|| random.random_range(0..FAULTY_MS)),
        delay_ms: outage.map_or(0, |_| outage::UNTIL_MS - FAULTY_MS),
        hidden_ms: match outage {
            Some(_) if !is_slow => HIDDEN_LONG_MS,
            _ => HIDDEN_MS,
        },
        recovered_ms: outage.map(|outage| {
            let hidden_ms = if is_slow { HIDDEN_MS } else { 0 };
            outage::UNTIL_MS + outage.max_recovery_ms() + hidden_ms
        }),
        is_slow,
    };
    let whole_ms = WHOLE_MS + course.delay_ms;
    let world = SharedWorld::new(
        seed,
        is_traced,
        FAULTY_MS + course.delay_ms,
        &TARGETS,
        ContactCenter::default(),
        outage,
    );
    let mut plans = plan_lives(&world, &course, &mut random);
    plans.push(plan("operator", 0, whole_ms, 0, &world, &course, operate));
    run_side_by_side(plans, &world);
    seeded_os::set_clock(Clock::Standing { at_ms: whole_ms });
    let checked = block_on(check_end(&world, &course)).map_err(|error| format!("{error:#}"));
    let result = checked.map_err(|complaint| Violation::of_world(&world, complaint));
    let trace = world.lock().trace.text();
    (result, trace)
}

/// Plans the receiver and the two writers, each in as many lives as it has deaths and changes of the model.
fn plan_lives(world: &SharedWorld, course: &Course, random: &mut StdRng) -> Vec<Plan> {
    let crashes = world.lock().faults.crashes_ms.clone();
    let mut plans = Vec::new();
    for name in ["receiver", "writer-a", "writer-b"] {
        let mut ends: Vec<u64> = crashes
            .iter()
            .copied()
            .filter(|_| random.random_bool(0.5))
            .collect();
        // A process of the former model goes on for a while after the change.
        ends.push(course.model_changes_ms + random.random_range(0..5000));
        ends.sort_unstable();
        ends.push(WHOLE_MS + course.delay_ms);
        let mut starts_ms = 0;
        for (life, dies_ms) in ends.into_iter().enumerate() {
            let skew_ms = draw_skew(random);
            let name = format!("{name}-{life}");
            plans.push(if name.starts_with("receiver") {
                plan(&name, starts_ms, dies_ms, skew_ms, world, course, receive)
            } else {
                plan(&name, starts_ms, dies_ms, skew_ms, world, course, write)
            });
            starts_ms = dies_ms + random.random_range(100..3000);
        }
    }
    plans
}

fn plan<F>(
    name: &str,
    starts_ms: u64,
    dies_ms: u64,
    skew_ms: i64,
    world: &SharedWorld,
    course: &Course,
    work: fn(SharedWorld, Process, Course) -> F,
) -> Plan
where
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let (world, course) = (world.clone(), course.clone());
    Plan {
        name: name.to_owned(),
        starts_ms: starts_ms.min(dies_ms),
        dies_ms,
        skew_ms,
        work: Box::new(move |process| {
            Box::pin(async move {
                if let Err(error) = work(world, process, course).await {
                    panic!("a process could not start: {error:#}");
                }
            })
        }),
    }
}

fn backends(world: &SharedWorld, process: &Process) -> Backends {
    let secrets: Secrets = [("api_key", KEY)]
        .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
        .into_iter()
        .collect();
    let queue = SimulatedQueue::new(world.clone(), process.clone());
    let state = SimulatedState::new(world.clone(), process.clone());
    Backends::laptop(std::env::temp_dir(), secrets)
        .with_state(State::other(state))
        .with_queue(AnyQueue::other(queue))
}

/// Opens the vector store of the model of a moment.
fn open_vectors(course: &Course, run_ms: u64) -> anyhow::Result<SqliteVectors> {
    let model = course.model_at(run_ms);
    Ok(block_on(SqliteVectors::open(&course.file, "cxone", model))?)
}

/// Takes the events that the contact center sends until each of them is accepted.
async fn receive(world: SharedWorld, process: Process, course: Course) -> anyhow::Result<()> {
    let config = webhook_receiver::config::Config::from_env(&Env::default())?;
    let deps = webhook_receiver::Deps::new(&backends(&world, &process), config)?;
    let mut deliveries = course
        .conversations
        .values()
        .flat_map(|conversation| &conversation.events)
        .map(|event| deliver(&world, &process, &deps, event.sent_ms, &event.body))
        .collect::<Vec<_>>();
    futures::future::join_all(deliveries.drain(..)).await;
    Ok(())
}

/// Sends an event until it is accepted, unless an earlier receiver has accepted it.
async fn deliver(
    world: &SharedWorld,
    process: &Process,
    deps: &webhook_receiver::Deps,
    sent_ms: u64,
    body: &str,
) {
    wait_until(sent_ms).await;
    loop {
        process.turn().await;
        if world.lock().accepted.contains_key(body) {
            return;
        }
        let request = http::Request::post("/webhooks/cxone")
            .header("x-api-key", KEY)
            .header("content-type", "application/json")
            .body(Bytes::from(body.to_owned()))
            .expect("a request");
        let answered = tokio::time::timeout(
            Duration::from_secs(10),
            webhook_receiver::handle(deps, request),
        );
        let is_accepted = matches!(answered.await, Ok(Ok(answer)) if answer.status().is_success());
        process.turn().await;
        if is_accepted && knows_of_acceptance(world, body) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Notes that an event was accepted, unless the answer is lost on its way to the sender, who then sends the event again.
fn knows_of_acceptance(world: &SharedWorld, body: &str) -> bool {
    let mut world = world.lock();
    let is_known = world.random.random_bool(0.9);
    if is_known {
        world
            .accepted
            .insert(body.to_owned(), seeded_os::elapsed_ms());
    }
    is_known
}

/// Writes batch after batch, as the function and the service that invokes it do.
async fn write(world: SharedWorld, process: Process, course: Course) -> anyhow::Result<()> {
    let vectors = open_vectors(&course, seeded_os::elapsed_ms())?;
    let model = course.model_at(seeded_os::elapsed_ms());
    let http = SimulatedNetwork::client(world.clone(), process.clone());
    let client = EmbeddingsClient::new(
        http,
        EMBEDDING_URL,
        &model.name,
        model.dimension,
        Arc::new(FixedSecret(SecretString::from("not secret"))),
        CallLimits::default(),
    )?;
    let provider = Provider::OpenAi(Box::new(OpenAiProvider::new(client, 200, REQUEST_TOKENS)));
    let vectors = SimulatedVectors::new(world.clone(), process.clone(), vectors);
    let config = embedding_writer::config::Config::from_env(&Env::from_pairs([
        ("EMBEDDING_CHUNK_TOKENS", CHUNK_TOKENS),
        ("EMBEDDING_CHUNK_OVERLAP", CHUNK_OVERLAP),
    ]))?;
    let embedding = config.embedding.clone().with_provider(provider);
    let backends = backends(&world, &process).with_vectors(Vectors::other(vectors));
    let deps = embedding_writer::Deps::new(&backends, config.with_embedding(embedding)).await?;
    loop {
        process.turn().await;
        let messages = world.lock().queue.receive(BATCH_SIZE, course.hidden_ms);
        if messages.is_empty() {
            tokio::time::sleep(Duration::from_secs(1)).await;
            continue;
        }
        let line = || format!("{} takes {} messages", process.name(), messages.len());
        world.lock().trace.add(line);
        let deadline = Deadline::within(BATCH_TIME);
        let working = embedding_writer::process(&deps, &messages, deadline);
        let report = tokio::time::timeout(BATCH_TIME + Duration::from_secs(5), working).await;
        process.turn().await;
        let mut world = world.lock();
        let line = || format!("{} has done a batch: {report:?}", process.name());
        world.trace.add(line);
        if let Ok(report) = report {
            for message in messages {
                // Now and then a message comes again although it is done.
                let is_repeated =
                    seeded_os::elapsed_ms() < FAULTY_MS && world.random.random_bool(0.1);
                if !report.failed.contains(&message.id) && !is_repeated {
                    world.queue.delete(&message.id);
                }
            }
        }
    }
}

/// Does what operators do: erases conversations, sends everything again after the model has changed, and deletes the rows of the
/// former model.
async fn operate(world: SharedWorld, process: Process, course: Course) -> anyhow::Result<()> {
    let vectors = open_vectors(&course, WHOLE_MS + course.delay_ms)?;
    let vectors = SimulatedVectors::new(world.clone(), process.clone(), vectors);
    let state = SimulatedState::new(world.clone(), process.clone());
    let objects = SimulatedObjects::new(world.clone(), process.clone());
    let eraser = Eraser {
        state: State::other(state),
        objects: Objects::over(Arc::new(objects)),
        vectors: Vectors::other(vectors.clone()),
        queued: QueuedMessages::Nowhere,
        agents: Vec::new(),
    };
    let erasing = course
        .conversations
        .iter()
        .filter_map(|(id, conversation)| {
            let erased_ms = conversation.erased_ms?;
            Some(erase(&eraser, id, erased_ms))
        });
    let poison = async {
        if let Some(poison_ms) = course.poison_ms {
            wait_until(poison_ms).await;
            process.turn().await;
            world.lock().queue.send(POISON);
        }
    };
    let again = async {
        wait_until(AGAIN_MS + course.delay_ms - BEFORE_AGAIN_MS).await;
        process.turn().await;
        // What still waits in the queue is not stored yet.
        let is_done = world.lock().queue.is_empty();
        let models = ["former", "current"];
        let checked = is_done.then(|| block_on(check_rows(&course.file, &course, &models)));
        if let Some(Err(complaint)) = checked {
            let complaint = format!("before everything is sent again, {complaint:#}");
            world.lock().complain(complaint);
        }
        wait_until(AGAIN_MS + course.delay_ms).await;
        process.turn().await;
        for conversation in course.conversations.values() {
            for event in &conversation.events {
                world.lock().queue.send(&event.body);
            }
        }
    };
    let expiry = async {
        wait_until(EXPIRY_MS + course.delay_ms).await;
        let deadline = Instant::now() + Duration::from_secs(10);
        vectors.delete_other_models(1000, deadline).await
    };
    let recovery = async {
        if let Some(recovered_ms) = course.recovered_ms {
            wait_until(recovered_ms).await;
            process.turn().await;
            let mut world = world.lock();
            world.left_after_outage = world.queue.left_of(outage::UNTIL_MS);
        }
    };
    let slow = async {
        if course.is_slow {
            wait_until(outage::UNTIL_MS - 1000).await;
            process.turn().await;
            let mut world = world.lock();
            let left = world.queue.left_of(outage::UNTIL_MS - MAX_QUEUED_MS);
            if left > 0
                && world
                    .faults
                    .windows
                    .iter()
                    .all(|window| window.fault.is_answered())
            {
                world.complain(format!(
                    "{left} messages were not stored for minutes by a service that answers"
                ));
            }
        }
    };
    let (_, (), (), (), (), expired) = futures::join!(
        futures::future::join_all(erasing),
        poison,
        again,
        recovery,
        slow,
        expiry
    );
    expired?;
    Ok(())
}

/// Erases a conversation as often as it takes.
async fn erase(eraser: &Eraser, id: &str, erased_ms: u64) {
    wait_until(erased_ms).await;
    loop {
        let (stop, deadline) = (
            Deadline::within(Duration::from_secs(20)),
            Deadline::within(Duration::from_secs(30)),
        );
        let erased = eraser.erase(id, Timestamp::now(), stop, deadline).await;
        if erased.is_ok_and(|record| record.done) {
            return;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

/// Checks what is left at the end of the run.
async fn check_end(world: &SharedWorld, course: &Course) -> anyhow::Result<()> {
    if let Some(complaint) = world.lock().complaints.first() {
        bail!("{complaint}");
    }
    check_rows(&course.file, course, &["current"]).await?;
    let current = SqliteVectors::open(&course.file, "cxone", model("current")).await?;
    let others = current
        .other_models(Instant::now() + Duration::from_secs(10))
        .await?;
    ensure!(
        others.is_empty(),
        "rows of other models are left: {others:?}"
    );
    let world = world.lock();
    ensure!(
        world.queue.is_empty(),
        "{} messages are left in the queue",
        world.queue.len()
    );
    let dead_letters: BTreeSet<&str> = world
        .queue
        .dead_letters
        .iter()
        .map(String::as_str)
        .collect();
    let expected: BTreeSet<&str> = course.poison_ms.iter().map(|_| POISON).collect();
    ensure!(
        dead_letters == expected,
        "the dead letters are {dead_letters:?}"
    );
    let sent: usize = course
        .conversations
        .values()
        .map(|conversation| conversation.events.len())
        .sum();
    ensure!(
        world.accepted.len() == sent,
        "{} of {sent} events were accepted",
        world.accepted.len()
    );
    let latest_ms = world.accepted.values().max().copied().unwrap_or(0);
    ensure!(
        course
            .recovered_ms
            .is_none_or(|recovered_ms| latest_ms <= recovered_ms),
        "an event was accepted only {} s into the run",
        latest_ms / 1000
    );
    ensure!(
        world.left_after_outage == 0,
        "{} messages of the outage were not stored {} s into the run",
        world.left_after_outage,
        course.recovered_ms.unwrap_or(0) / 1000
    );
    for (target, requests) in &world.requests {
        let bound = match target {
            // An erasure looks for the conversation in each of a thousand shards, and begins again where one of these reads fails.
            Target::State => 150_000,
            _ => 2000,
        };
        ensure!(*requests < bound, "{requests} requests to {target:?}");
    }
    Ok(())
}

/// Checks that the store holds what it must, once, and nothing else.
async fn check_rows(file: &Path, course: &Course, models: &[&str]) -> anyhow::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    let query = VectorQuery {
        embedding: vec![1.0; DIMENSION],
        limit: 1000,
        filter: std::collections::BTreeMap::new(),
    };
    let mut hits = Vec::new();
    for name in models {
        let vectors = SqliteVectors::open(file, "cxone", model(name)).await?;
        hits.extend(vectors.search(&query, deadline).await?);
    }
    for (id, conversation) in course.conversations.iter() {
        let mut own: Vec<_> = hits
            .iter()
            .filter(|hit| hit.conversation_id == *id)
            .collect();
        own.sort_by_key(|hit| hit.chunk_index);
        let Some(text) = conversation.final_text() else {
            ensure!(own.is_empty(), "{id} is stored, and must not be");
            continue;
        };
        let marker: String = text.split(' ').take(3).collect::<Vec<_>>().join(" ");
        ensure!(
            own.first().is_some_and(|hit| hit.text.contains(&marker)),
            "{id} is stored as {:?}, expected is {marker:?}",
            own.first()
                .map(|hit| hit.text.chars().take(50).collect::<String>())
        );
        let chunks: Vec<u32> = own.iter().map(|hit| hit.chunk_index).collect();
        let expected: Vec<u32> = (0..own.len())
            .filter_map(|it| u32::try_from(it).ok())
            .collect();
        ensure!(chunks == expected, "{id} has the chunks {chunks:?}");
    }
    Ok(())
}
