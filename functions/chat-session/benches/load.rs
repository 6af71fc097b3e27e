//! Benchmark of a session under load: 1,000 messages a second over 200 conversations, in one process and over real sockets.
//!
//! Prints the time that the session adds to a message, from the socket until the message is stored, scored by the lexicon
//! and published, and the processor time and memory that the session needs.
//!
//! `cargo bench --workspace --profile dev --bench load [-- SECONDS [RATE [CONVERSATIONS]]]`
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use backends::Backends;
use chat_session::Deps;
use chat_session::config::Config;
use chat_session::session::{self, Options};
use cxone_simulator::{Scenario, Simulator};
use runtime::config::Env;
use testkit::process::{cpu_seconds, resident_megabytes};
use testkit::secret_values;
use tokio::time::Instant;

const TEXTS: [&str; 4] = [
    "I have been waiting for two weeks and nobody answers.",
    "Thank you, that was very helpful!",
    "My order number is 48213.",
    "This is not a complaint, but it is really annoying.",
];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // `cargo bench` passes `--bench`.
    let numbers: Vec<u64> = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse().ok())
        .collect();
    let number = |at: usize, default| numbers.get(at).copied().unwrap_or(default).max(1);
    let (seconds, rate, conversations) = (number(0, 20), number(1, 1000), number(2, 200));
    let simulator = Simulator::start(Scenario::default()).await?;
    let folder = tempfile::TempDir::new()?;
    let env = Env::from_pairs([
        ("CXONE_BASE_URL", simulator.url()),
        ("SENTIMENT_PROVIDER", "lexicon".to_owned()),
    ]);
    let backends = Backends::laptop(folder.path(), secret_values(&[]));
    let deps = Deps::new(&backends, Config::from_env(&env)?).await?;
    let options = Options::new("bench".to_owned());
    let stop = options.stop.clone();
    let session = tokio::spawn(session::run(Arc::new(deps), "agent-1", options));
    let chat = &simulator.world().chat;
    while chat.connections() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let (before, started) = (cpu_seconds(), Instant::now());
    for sent in 0..seconds * rate {
        tokio::time::sleep_until(
            started + Duration::from_secs(1).mul_f64(sent as f64 / rate as f64),
        )
        .await;
        let text = TEXTS[usize::try_from(sent % 4)?];
        chat.say(
            &format!("chat-{}", sent % conversations),
            "customer",
            &format!("{text} ({sent})"),
        );
    }
    let (cpu, took) = (cpu_seconds() - before, started.elapsed().as_secs_f64());
    tokio::time::sleep(Duration::from_millis(500)).await;
    let ending = Instant::now();
    stop.cancel();
    let summary = session.await??.summary.context("the session worked")?;
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.2} ms"));
    let [p50, p95, p99, max] = summary.added_ms;
    println!(
        "{} of {} messages in {took:.1} s over {conversations} conversations",
        summary.messages,
        seconds * rate
    );
    println!(
        "added latency: p50 {}, p95 {}, p99 {}, max {}",
        ms(p50),
        ms(p95),
        ms(p99),
        ms(max)
    );
    println!(
        "queued in memory: {}, spilled: {}",
        summary.pace.waited, summary.pace.spilled
    );
    println!(
        "processor time, simulator included: {:.0} % of one core",
        cpu / took * 100.0
    );
    println!(
        "resident memory, simulator included: {} MB",
        resident_megabytes(std::process::id()).round()
    );
    println!(
        "{} archives in {:.1} s at the end",
        summary.archived,
        ending.elapsed().as_secs_f64()
    );
    Ok(())
}
