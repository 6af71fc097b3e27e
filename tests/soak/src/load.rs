//! The callers of the process under test: they score, hold calls and chats, post conversations and search.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use cxone_simulator::live::{Call, Line};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::process::{KEY, ServedProcess};

/// Sentences that the customers say.
const SAID: [&str; 6] = [
    "I am furious, this is the third time I call about the same bill.",
    "Thank you, that was very helpful.",
    "I want to speak to a manager about my refund.",
    "Could you please update my address?",
    "The parcel has not arrived and nobody answers my mails.",
    "Okay, that works for me.",
];

/// Answers to requests for a score since they were last taken.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scores {
    /// The 95th percentile of their times, in milliseconds.
    pub(crate) p95_ms: f64,
    /// How many of them were errors.
    pub(crate) failed: usize,
}

#[derive(Debug, Default)]
struct Answers {
    times_ms: Vec<f64>,
    failed: usize,
}

/// The callers, each in a task.
pub(crate) struct Load {
    tasks: JoinSet<()>,
    answers: Arc<Mutex<Answers>>,
}

/// What every caller has.
#[derive(Clone)]
struct Caller {
    http: reqwest::Client,
    url: String,
    answers: Arc<Mutex<Answers>>,
}

impl Caller {
    async fn send(&self, request: reqwest::RequestBuilder) -> bool {
        let request = request.bearer_auth(KEY).timeout(Duration::from_secs(30));
        request
            .send()
            .await
            .is_ok_and(|answer| answer.status().is_success())
    }

    async fn score(&self, text: &str) {
        let started = Instant::now();
        let request = self
            .http
            .post(format!("{}/data-actions/sentiment", self.url));
        let is_ok = self
            .send(request.json(&json!({ "interaction_text": text })))
            .await;
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .times_ms
            .push(started.elapsed().as_secs_f64() * 1000.0);
        answers.failed += usize::from(!is_ok);
    }
}

impl Load {
    /// Starts all callers of the process under test.
    pub(crate) fn start(
        process: &ServedProcess,
        simulator: &cxone_simulator::Handle,
        calls: usize,
        scores_per_second: u32,
        seed: u64,
    ) -> Self {
        let answers = Arc::<Mutex<Answers>>::default();
        let caller = Caller {
            http: process.http.clone(),
            url: process.url.clone(),
            answers: Arc::clone(&answers),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(score_texts(caller.clone(), scores_per_second, seed));
        for number in 0..calls {
            let world = Arc::clone(simulator.world());
            tasks.spawn(hold_calls(caller.clone(), world, number, seed));
        }
        for number in 0..3 {
            tasks.spawn(hold_chats(Arc::clone(simulator.world()), number, seed));
        }
        tasks.spawn(post_and_search(caller, seed));
        Self { tasks, answers }
    }

    /// Returns the answers since the last call of this function.
    pub(crate) fn take_scores(&self) -> Scores {
        let mut answers =
            std::mem::take(&mut *self.answers.lock().unwrap_or_else(PoisonError::into_inner));
        answers.times_ms.sort_by(f64::total_cmp);
        let place = answers.times_ms.len() * 95 / 100;
        Scores {
            p95_ms: answers.times_ms.get(place).copied().unwrap_or_default(),
            failed: answers.failed,
        }
    }

    /// Ends all callers.
    pub(crate) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn score_texts(caller: Caller, per_second: u32, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second.max(1));
    loop {
        ticks.tick().await;
        // Half of the texts were scored before, so that the cache works too.
        let text = SAID[random.random_range(0..SAID.len())];
        let text = if random.random_bool(0.5) {
            text.to_owned()
        } else {
            format!("{text} Order {}.", random.random::<u32>())
        };
        let caller = caller.clone();
        tokio::spawn(async move { caller.score(&text).await });
    }
}

/// Holds one live call after the other.
async fn hold_calls(caller: Caller, world: Arc<cxone_simulator::World>, number: usize, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed ^ (number as u64 + 1));
    for round in 0_u64.. {
        let id = format!("soak-{number}-{round}");
        let lines = (0..random.random_range(10..40)).map(|place| {
            let speaker = if place % 2 == 0 { "customer" } else { "agent" };
            let text = format!("{} ({place})", SAID[random.random_range(0..SAID.len())]);
            Line::said(speaker, place * 3000, &text)
        });
        let call = Call::new(&id, lines.collect());
        let length = Duration::from_secs(3 * call.lines.len() as u64 + 10);
        world.live.begin(call);
        let path = format!("{}/interactions/{id}", caller.url);
        caller.send(caller.http.put(&path)).await;
        tokio::time::sleep(length).await;
        caller.send(caller.http.delete(&path)).await;
    }
}

/// Holds one chat after the other.
async fn hold_chats(world: Arc<cxone_simulator::World>, number: usize, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed ^ (number as u64 + 1000));
    for round in 0_u64.. {
        let id = format!("soak-chat-{number}-{round}");
        world.chat.assign(&id);
        for _ in 0..random.random_range(5..25) {
            tokio::time::sleep(Duration::from_millis(random.random_range(300..4000))).await;
            world
                .chat
                .say(&id, "customer", SAID[random.random_range(0..SAID.len())]);
        }
        world.chat.end(&id);
    }
}

/// Posts finished conversations and searches them.
async fn post_and_search(caller: Caller, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed ^ 77);
    for number in 0_u64.. {
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let said = SAID[random.random_range(0..SAID.len())];
        // Every third conversation comes again, as webhooks do.
        let id = format!("soak-conversation-{}", number - number % 3);
        let event = json!({
            "event": "conversation.completed",
            "timestamp": jiff::Timestamp::now().to_string(),
            "conversationId": id,
            "data": {"subject": "billing", "transcript": [{"speaker": "customer", "text": said}]},
        });
        let webhook = caller.http.post(format!("{}/webhooks/cxone", caller.url));
        caller.send(webhook.json(&event)).await;
        let search = caller.http.post(format!("{}/search", caller.url));
        caller
            .send(search.json(&json!({"query": "a refund that nobody answers", "limit": 5})))
            .await;
    }
}
