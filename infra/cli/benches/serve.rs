//! Measures the Data Action from outside: the time from process start to the first answer, the latency of distinct texts at
//! 200 requests per second, the largest throughput, cache hits and memory. Prints a table; BENCHMARKS.md has the results.
//!
//! `cargo bench -p cxone-insights --bench serve [-- --seconds 20 --rate 200]`
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and may panic"
)]

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use cxone_simulator::demo_secrets;
use insights_http::client::IdleConnections;
use serde_json::json;
use testkit::process::resident_megabytes;
use tokio::task::JoinSet;

#[derive(Parser)]
struct Args {
    /// Duration of each load in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Requests per second of the paced load
    #[arg(long, default_value_t = 200)]
    rate: u64,
    /// Flag that `cargo bench` passes
    #[arg(long, hide = true)]
    bench: bool,
}

/// The server under test, which is killed when this value is dropped.
struct Server {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Server {
    /// Starts the server and returns the time until the first text was scored.
    async fn start(dir: &std::path::Path) -> (Self, Duration) {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let addr = format!("127.0.0.1:{port}");
        let http = insights_http::client::build_client(IdleConnections::Keep).unwrap();
        let started = Instant::now();
        let child = Command::new(env!("CARGO_BIN_EXE_cxone-insights"))
            .args(["serve", "--addr", &addr, "--data-dir"])
            .arg(dir)
            .env("RUST_LOG", "warn")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            url: format!("http://{addr}/data-actions/sentiment"),
            http,
        };
        while server
            .ask("I have been waiting for an hour.")
            .await
            .is_none()
        {
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the server did not start"
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        (server, started.elapsed())
    }

    /// Sends one request and returns `Some` if the answer has a status of success.
    async fn ask(&self, text: &str) -> Option<()> {
        let request = self.http.post(&self.url).bearer_auth(demo_secrets::API_KEY);
        let response = request
            .json(&json!({ "interaction_text": text }))
            .send()
            .await
            .ok()?;
        let ok = response.status().is_success();
        response.bytes().await.ok()?;
        ok.then_some(())
    }
}

/// Returns a short text of a customer that is different for each index.
fn text(index: u64) -> String {
    const WHAT: [&str; 5] = ["router", "invoice", "delivery", "refund", "contract"];
    const SAID: [&str; 4] = [
        "is still not right",
        "works fine now, thank you",
        "never arrived",
        "needs a change",
    ];
    let (what, said) = (WHAT[index as usize % 5], SAID[index as usize / 5 % 4]);
    format!("My {what} number {index} {said}.")
}

#[tokio::main]
async fn main() {
    let args = Args::parse();
    let dir = tempfile::tempdir().unwrap();
    let mut starts = Vec::new();
    for _ in 0..4 {
        starts.push(Server::start(dir.path()).await.1);
    }
    let (server, last) = Server::start(dir.path()).await;
    starts.push(last);
    print("process start to first answer, 5 starts", &mut starts, "");
    let server = Arc::new(server);

    let mut paced = paced(&server, args.rate, args.seconds).await;
    let what = format!(
        "distinct texts, {} requests/s for {} s",
        args.rate, args.seconds
    );
    let failed = args.rate * args.seconds - paced.len() as u64;
    print(&what, &mut paced, &format!("  failed {failed}"));

    let (count, took) = saturated(&server, args.seconds).await;
    println!(
        "{:<46} {:>8.0} requests/s",
        "distinct texts, 8 callers at once",
        count as f64 / took.as_secs_f64()
    );

    let mut hits = Vec::new();
    for _ in 0..1000 {
        let started = Instant::now();
        server
            .ask("I have been waiting for an hour.")
            .await
            .unwrap();
        hits.push(started.elapsed());
    }
    print("cache hit, one caller", &mut hits, "");
    println!(
        "{:<46} {:>8.0} MB resident",
        "after all loads",
        resident_megabytes(server.child.id())
    );
}

/// Sends requests at a steady pace, independent of the answers, and measures each from the time when it was due.
async fn paced(server: &Arc<Server>, rate: u64, seconds: u64) -> Vec<Duration> {
    let (begin, mut requests) = (Instant::now(), JoinSet::new());
    for index in 0..rate * seconds {
        let due = begin + Duration::from_secs_f64(index as f64 / rate as f64);
        tokio::time::sleep_until(due.into()).await;
        let server = Arc::clone(server);
        requests.spawn(async move { server.ask(&text(index)).await.map(|()| due.elapsed()) });
    }
    requests.join_all().await.into_iter().flatten().collect()
}

/// Runs eight callers, each of which sends its next text after the answer to the previous one.
async fn saturated(server: &Arc<Server>, seconds: u64) -> (u64, Duration) {
    let (begin, mut callers) = (Instant::now(), JoinSet::new());
    for caller in 0..8_u64 {
        let server = Arc::clone(server);
        callers.spawn(async move {
            let mut count = 0;
            while begin.elapsed() < Duration::from_secs(seconds) {
                server
                    .ask(&text(1_000_000 + caller * 1_000_000 + count))
                    .await
                    .unwrap();
                count += 1;
            }
            count
        });
    }
    (callers.join_all().await.into_iter().sum(), begin.elapsed())
}

fn print(what: &str, times: &mut [Duration], more: &str) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
    println!(
        "{what:<46} p50 {:>7.2} ms  p99 {:>7.2} ms  max {:>7.2} ms{more}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}
