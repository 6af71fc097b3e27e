//! Runs `cxone-insights serve` for a long time against a simulated contact center that fails at random, while callers score
//! texts, hold live calls and chats, post finished conversations and search. Prints what the process uses once in a while,
//! and fails if anything grows.

mod load;
mod process;
mod verdict;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use cxone_simulator::{Fault, FaultRule, RetryAfter, Scenario, Simulator};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::time::Instant;

use crate::load::Load;
use crate::process::ServedProcess;
use crate::verdict::{Sample, judge};

/// Runs every function for a long time against a simulator with faults, and shows whether anything grows.
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  cargo build && cargo run -p soak -- --minutes 30\n  cargo run -p soak -- --minutes 5 --calls 50 --seed 7"
)]
struct Options {
    /// How long the run lasts, in minutes
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Number of live calls at any time
    #[arg(long, default_value_t = 20)]
    calls: usize,
    /// Texts that are scored in a second
    #[arg(long, default_value_t = 10)]
    scores_per_second: u32,
    /// Seconds between two lines of figures
    #[arg(long, default_value_t = 30)]
    every: u64,
    /// Seed of the faults and of what is said
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program under test; by default `cxone-insights` beside this one
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            report(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "the output of a command")]
fn report(line: &str) {
    println!("{line}");
}

async fn run(options: Options) -> anyhow::Result<bool> {
    let simulator = Simulator::start(Scenario {
        seed: options.seed,
        ..Scenario::default()
    })
    .await
    .context("the simulator was not started")?;
    let folder = tempfile::tempdir()?;
    let process =
        ServedProcess::start(options.program.as_deref(), &simulator.url(), folder.path()).await?;
    let load = Load::start(
        &process,
        &simulator,
        options.calls,
        options.scores_per_second,
        options.seed,
    );
    let (started, length) = (Instant::now(), Duration::from_secs(options.minutes * 60));
    let mut random = StdRng::seed_from_u64(options.seed);
    let mut samples = Vec::new();
    let mut next_fault = Instant::now() + Duration::from_secs(20);
    let mut fault_ends: Option<Instant> = None;
    report(
        " minute  memory MiB  threads  sockets  files  requests/s  score p95 ms  failed  live lag p95 ms  fault",
    );
    let mut fault_name = "none";
    let mut last_requests = total_requests(&simulator);
    let mut last_sample_ms = now_ms();
    while started.elapsed() < length {
        tokio::time::sleep(Duration::from_secs(options.every)).await;
        let requests = total_requests(&simulator);
        let rate = (requests - last_requests) as f64 / options.every as f64;
        last_requests = requests;
        let figures = process.figures().context("the process under test ended")?;
        let scores = load.take_scores();
        let sample = Sample {
            minute: started.elapsed().as_secs_f64() / 60.0,
            figures,
            requests_per_second: rate,
            score_p95_ms: scores.p95_ms,
            failed_scores: scores.failed,
            live_lag_p95_ms: simulator.world().live.lag_since(last_sample_ms).p95_ms as f64,
        };
        last_sample_ms = now_ms();
        report(&sample.line(fault_name));
        samples.push(sample);
        let now = Instant::now();
        if fault_ends.is_some_and(|ends| now >= ends) {
            simulator.world().faults.clear();
            (fault_ends, fault_name) = (None, "none");
            next_fault = now + Duration::from_secs(random.random_range(20..90));
        } else if fault_ends.is_none() && now >= next_fault {
            let (name, rule) = draw_fault(&mut random);
            simulator.fault(rule);
            fault_name = name;
            fault_ends = Some(now + Duration::from_secs(random.random_range(30..90)));
        }
    }
    load.stop().await;
    process.stop().await;
    let complaints = judge(&samples);
    for complaint in &complaints {
        report(&format!("GROWS: {complaint}"));
    }
    if complaints.is_empty() {
        report("nothing grows");
    }
    Ok(complaints.is_empty())
}

/// Returns the current time in milliseconds since the epoch.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

fn total_requests(simulator: &cxone_simulator::Handle) -> u64 {
    let all = simulator.world().traffic.all();
    all.values().flat_map(|statuses| statuses.values()).sum()
}

/// Draws what fails next at the contact center.
fn draw_fault(random: &mut StdRng) -> (&'static str, FaultRule) {
    let unavailable = Fault::Status(503, RetryAfter::Absent);
    let busy = Fault::Status(429, RetryAfter::Seconds(2));
    let hanging = Fault::Delay(Duration::from_secs(20));
    match random.random_range(0..8) {
        0 => (
            "transcripts 503",
            FaultRule::new("/*/*/*/*/transcripts", unavailable),
        ),
        1 => (
            "suggestions 503",
            FaultRule::new("/*/*/*/suggestions", unavailable),
        ),
        2 => (
            "attributes hang",
            FaultRule::new("/*/*/*/*/attributes", hanging),
        ),
        3 => (
            "everything 429",
            FaultRule::new("/api/**", busy).probability(0.5),
        ),
        4 => (
            "tokens revoked",
            FaultRule::new("/api/**", Fault::RevokeTokens).probability(0.01),
        ),
        5 => (
            "answers lost",
            FaultRule::new("/api/**", Fault::LoseAnswer).probability(0.2),
        ),
        6 => (
            "answers cut",
            FaultRule::new("/api/**", Fault::MalformedJson).probability(0.2),
        ),
        _ => (
            "connections dropped",
            FaultRule::new("/**", Fault::Drop).probability(0.3),
        ),
    }
}
