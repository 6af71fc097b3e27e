//! Measures one poller process with many live calls: lag, processor time and memory. The contact center runs in a process of
//! its own.
//!
//! `cargo bench -p transcript-poller --bench live_calls -- --calls 500 --seconds 60`
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use backends::Backends;
use cxone_simulator::live::{Call, Lag, Line};
use cxone_simulator::{Scenario, Simulator};
use jiff::Timestamp;
use runtime::config::Env;
use testkit::process::{cpu_seconds, resident_megabytes};
use tokio_util::sync::CancellationToken;
use transcript_poller::config::Config;
use transcript_poller::{CallSelection, Deps, poll};

/// Time between two segments of a call, in milliseconds. The documentation of the contact center's API shows a segment
/// every 2 to 3 s.
const SEGMENT_INTERVAL_MS: i64 = 3000;

const SAID: [&str; 6] = [
    "I have been waiting for twenty minutes and nobody could tell me why.",
    "Of course, let me have a look at that for you.",
    "It says here that the order was delivered on Monday.",
    "That cannot be right, I was at home all day and nobody came.",
    "I understand, I will open a case with the courier right away.",
    "Thank you, that would be very kind.",
];

fn main() -> anyhow::Result<()> {
    let argument = |name: &str, default: i64| {
        let mut arguments = std::env::args()
            .skip_while(|argument| argument != name)
            .skip(1);
        arguments
            .next()
            .and_then(|value| value.parse().ok())
            .unwrap_or(default)
    };
    let (calls, seconds) = (argument("--calls", 500), argument("--seconds", 30));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if std::env::args().any(|argument| argument == "--simulate") {
        return runtime.block_on(simulate(calls, seconds));
    }
    runtime.block_on(measure(calls, seconds))
}

/// Runs the simulated contact center with calls whose segments are spread evenly, until standard input ends.
async fn simulate(calls: i64, seconds: i64) -> anyhow::Result<()> {
    let call = |n: i64| {
        // Nobody speaks for five seconds, so that the poller can register all calls first.
        let first = 5000 + n * SEGMENT_INTERVAL_MS / calls.max(1);
        let line = |place: i64| {
            let who = if place % 2 == 0 { "customer" } else { "agent" };
            let text = SAID[usize::try_from((n + place).rem_euclid(6)).unwrap_or_default()];
            Line {
                duration_ms: 2000,
                ..Line::said(who, first + place * SEGMENT_INTERVAL_MS, text)
            }
        };
        Call::new(
            &format!("call-{n}"),
            (0..(seconds * 1000 / SEGMENT_INTERVAL_MS).max(1))
                .map(line)
                .collect(),
        )
    };
    let scenario = Scenario {
        calls: (0..calls).map(call).collect(),
        ..Scenario::default()
    };
    let simulator = Simulator::start(scenario).await?;
    println!("{}", simulator.url());
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await?;
    simulator.shutdown().await;
    Ok(())
}

async fn measure(calls: i64, seconds: i64) -> anyhow::Result<()> {
    let mut contact_center = Command::new(std::env::current_exe()?)
        .args([
            "--simulate",
            "--calls",
            &calls.to_string(),
            "--seconds",
            &seconds.to_string(),
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut url = String::new();
    BufReader::new(contact_center.stdout.take().context("no output")?).read_line(&mut url)?;
    let figures = follow(url.trim(), calls, seconds).await;
    drop(contact_center.stdin.take());
    contact_center.wait()?;
    figures
}

async fn follow(url: &str, calls: i64, seconds: i64) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let env = Env::process().with("CXONE_BASE_URL", url);
    let backends = Backends::laptop(folder.path(), testkit::secret_values(&[]));
    let deps = Arc::new(Deps::new(&backends, Config::from_env(&env)?).await?);
    for n in 0..calls {
        deps.calls
            .register(&format!("call-{n}"), Timestamp::now())
            .await?;
    }
    let stop = CancellationToken::new();
    let (before, began) = (cpu_seconds(), Instant::now());
    let run = {
        let (deps, stop) = (Arc::clone(&deps), stop.clone());
        tokio::spawn(
            async move { poll(&deps, CallSelection::Shards(vec![0]), "bench", stop).await },
        )
    };
    let expected = calls * (seconds * 1000 / SEGMENT_INTERVAL_MS).max(1);
    let lag = settled(
        url,
        expected,
        Duration::from_secs(seconds.unsigned_abs() + 60),
    )
    .await?;
    let (took, cpu, memory) = (
        began.elapsed().as_secs_f64(),
        cpu_seconds() - before,
        resident_megabytes(std::process::id()),
    );
    stop.cancel();
    let summary = run.await??;
    println!(
        "{calls} calls, a segment each {SEGMENT_INTERVAL_MS} ms, {took:.0} s, one poller process"
    );
    println!(
        "segments    {} of {expected}, {} failures",
        lag.segments, summary.failures
    );
    println!(
        "lag         p50 {} ms, p95 {} ms, p99 {} ms, max {} ms",
        lag.p50_ms, lag.p95_ms, lag.p99_ms, lag.max_ms
    );
    println!(
        "processor   {:.1} % of one core, {:.2} ms a segment",
        100.0 * cpu / took,
        1e3 * cpu / lag.segments as f64
    );
    println!("memory      {memory:.0} MB resident");
    ensure!(
        lag.segments as i64 == expected,
        "not every segment reached the attributes"
    );
    Ok(())
}

/// Waits until every segment has reached the attributes, and returns the lags.
async fn settled(url: &str, expected: i64, timeout: Duration) -> anyhow::Result<Lag> {
    let http = insights_http::client::build_client(insights_http::client::IdleConnections::Keep)?;
    let began = Instant::now();
    loop {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let lag: Lag = http
            .get(format!("{url}/_simulator/lag"))
            .send()
            .await?
            .json()
            .await?;
        if lag.segments as i64 >= expected || began.elapsed() > timeout {
            return Ok(lag);
        }
    }
}
