//! Random schedules of a tenant that publishes late, again and out of order, repeats pages, fails, and of a feeder and a report that
//! are killed: in the end each finished conversation is in the vectors and in the report once, with its last text.
//!
//! The product's own code runs against a tenant in memory; the time is simulated. A failure names its seed, which
//! `FEED_SEED=n cargo test -p feeder --test schedules` runs alone.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests may unwrap: a panic is how a test fails"
)]

#[path = "schedules/memory_state.rs"]
mod memory_state;
#[path = "schedules/tenant.rs"]
mod tenant;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backends::conversation_source::{ConversationSource, SourceTranscript, TenantSource};
use backends::tenant_settings::MediaTypes;
use cxone::conversations::ConversationQuery;
use cxone::tenant::HostPaces;
use feeder::sink::ConversationSink;
use feeder::{Deps, feed};
use futures::future::BoxFuture;
use insights_core::webhook::WebhookEvent;
use insights_http::rate_limit::RateLimiter;
use insights_http::{CallLimits, Deadline};
use jiff::{SignedDuration, Timestamp};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store::state::State;
use testkit::tenant_client_on;

use crate::memory_state::MemoryState;
use crate::tenant::{SimulatedTenant, Tenant};

/// Number of schedules, each from a seed of its own.
const SCHEDULES: u64 = 1000;

/// What the vector store keeps of each conversation: the event with the latest time, and of two of the same time the one with the
/// larger digest, as the database decides.
#[derive(Debug)]
struct Vectors {
    stored: Mutex<BTreeMap<String, (Timestamp, String)>>,
    tenant: SimulatedTenant,
}

impl ConversationSink for Vectors {
    fn put<'a>(&'a self, event: &'a str, _deadline: Deadline) -> BoxFuture<'a, anyhow::Result<()>> {
        Box::pin(async move {
            let read = WebhookEvent::parse(event.as_bytes(), Timestamp::MAX).unwrap();
            let turns = read.data["transcript"].as_array().unwrap();
            let texts: Vec<_> = turns
                .iter()
                .map(|turn| turn["text"].as_str().unwrap())
                .collect();
            let new = (read.timestamp, texts.join(" "));
            self.tenant.step().await;
            {
                let mut stored = self.stored.lock().unwrap();
                let entry = stored.entry(read.conversation_id).or_default();
                if new > *entry {
                    *entry = new;
                }
            }
            // Who dies here has put the conversation there and knows nothing of it.
            self.tenant.step().await;
            Ok(())
        })
    }
}

impl Vectors {
    /// Returns the text of each conversation that has one.
    fn texts(&self) -> BTreeMap<String, String> {
        let stored = self.stored.lock().unwrap();
        let texts = stored
            .iter()
            .map(|(id, (_, text))| (id.clone(), text.clone()));
        texts.filter(|(_, text)| !text.is_empty()).collect()
    }
}

fn source(tenant: &SimulatedTenant) -> TenantSource {
    let mut limits = CallLimits::default();
    limits.retry.max_attempts = 2;
    limits.breaker.failures = u32::MAX;
    let pace = || Arc::new(RateLimiter::new(1000, 1000));
    let paces = HostPaces {
        analytics: pace(),
        contacts: pace(),
        digital: pace(),
    };
    let client = tenant_client_on(Arc::new(tenant.clone()), false, paces, limits);
    TenantSource::new(client, MediaTypes::default())
}

/// Runs the feeder every hour or so for as long as the tenant's story lasts and five days more, and then lists the days for the
/// report.
async fn run_schedule(seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let tenant = Tenant::draw(&mut random);
    let (expected_texts, expected_ids) = (tenant.final_texts(), tenant.finished());
    let (begins, ends) = (tenant.begins(), tenant.ends());
    let simulated = SimulatedTenant::new(tenant, seed);
    let death = simulated.clone();
    let state = State::other(MemoryState::new(move || death.dies_at_step()));
    let vectors = Arc::new(Vectors {
        stored: Mutex::default(),
        tenant: simulated.clone(),
    });
    let mut now = begins;
    let last = ends + SignedDuration::from_hours(130);
    while now < last {
        simulated.set_time(now);
        let is_quiet = now > ends;
        // In the end the contact center works and nobody is killed, so that everything can be finished.
        simulated.set_disturbed(!is_quiet);
        let clock = simulated.clone();
        let deps = Deps {
            source: Arc::new(source(&simulated)),
            state: state.clone(),
            sink: Arc::clone(&vectors) as _,
            pace: RateLimiter::new(1000, 1000),
            clock: Arc::new(move || clock.time()),
        };
        let deadline = Deadline::within(Duration::from_secs(600));
        let is_killed = !is_quiet && random.random_bool(0.3);
        if is_killed {
            simulated.kill_after(random.random_range(1..120));
            tokio::select! {
                biased;
                () = simulated.killed() => {}
                result = feed(&deps, deadline) => { result.ok(); }
            }
        } else if let Err(error) = feed(&deps, deadline).await {
            assert!(!is_quiet, "seed {seed}: {error:#}");
        }
        simulated.revive();
        // A feeder that was killed holds its lease for a minute.
        now += SignedDuration::from_mins(random.random_range(60..600));
    }
    assert_eq!(vectors.texts(), expected_texts, "seed {seed}: the vectors");

    // The report of each day is made in the end, of a contact center that fails and repeats pages again.
    simulated.set_disturbed(true);
    let source = source(&simulated);
    let mut listed = Vec::new();
    let mut day = begins - SignedDuration::from_hours(24);
    // Every conversation begins within a day and a half.
    let last_day = begins + SignedDuration::from_hours(72);
    while day < last_day {
        let next = day + SignedDuration::from_hours(24);
        let period = ConversationQuery {
            from: day,
            to: next,
        };
        listed.extend(report_of(&source, period, &mut random).await);
        day = next;
    }
    let distinct: BTreeSet<_> = listed.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(
        distinct.len(),
        listed.len(),
        "seed {seed}: a conversation is in two days"
    );
    assert_eq!(distinct, expected_ids, "seed {seed}: the report");
    let with_text = listed.into_iter().filter(|(_, text)| !text.is_empty());
    assert_eq!(
        with_text.collect::<BTreeMap<_, _>>(),
        expected_texts,
        "seed {seed}: the texts of the report"
    );
}

/// Reads the conversations of a period with their texts, as a report does: what fails for the time being is tried again, and a run that
/// was killed reads the list from its beginning.
async fn report_of(
    source: &TenantSource,
    period: ConversationQuery,
    random: &mut StdRng,
) -> Vec<(String, String)> {
    let deadline = Deadline::within(Duration::from_secs(600));
    let mut kills_left = 3;
    let conversations = 'run: loop {
        let mut list = source.began_in(period).unwrap();
        let mut conversations = Vec::new();
        loop {
            if kills_left > 0 && random.random_bool(0.05) {
                kills_left -= 1;
                continue 'run;
            }
            match list.next_page(deadline).await {
                Ok(Some(page)) => conversations.extend(page.conversations),
                Ok(None) => break 'run conversations,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        }
    };
    let mut found = Vec::new();
    for conversation in conversations {
        let read = loop {
            match source.transcript(&conversation, deadline).await {
                Ok(read) => break read,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        };
        let lines = match read {
            SourceTranscript::Complete(lines) | SourceTranscript::Partial(lines) => lines.lines,
            _ => Vec::new(),
        };
        let texts: Vec<_> = lines.into_iter().map(|line| line.text).collect();
        found.push((conversation.conversation_id, texts.join(" ")));
    }
    found
}

#[test]
fn each_finished_conversation_is_in_report_and_vectors_once() {
    let only = std::env::var("FEED_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(0..SCHEDULES, |seed: u64| seed..seed + 1);
    let next_seed = std::sync::atomic::AtomicU64::new(seeds.start);
    let run_next = || {
        loop {
            let seed = next_seed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(run_schedule(seed));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |it| it.get().min(4)) {
            scope.spawn(run_next);
        }
    });
}
