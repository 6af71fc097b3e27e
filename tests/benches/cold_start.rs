//! From the start of a function's process to its first answer, under the Lambda runtime of `cargo lambda`, and the memory
//! that it then has: `TEST_FUNCTIONS_DIR=$PWD/target/infra/build cargo bench --workspace --profile dev --bench cold_start`, after `infra/check build`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use e2e::programs::{FUNCTIONS, PATIENCE, Programs};

/// So many starts of each function.
const STARTS: usize = 7;

/// An event that a function answers at once when it is ready; those that work to their deadline get one that they refuse.
fn event(function: &str) -> String {
    let named = |name: &str| {
        let path = format!("{}/../events/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::read_to_string(path).expect("an event")
    };
    match function {
        "analytics-report" => r#"{"from": "never", "to": "never"}"#.to_owned(),
        "chat-session" => named("chat-session-bad-agent.json"),
        "data-action" => named("data-action-json.json"),
        "embedding-writer" => r#"{"Records": []}"#.to_owned(),
        "semantic-search" => named("semantic-search-no-question.json"),
        "transcript-poller" => r#"{"shard": 1000}"#.to_owned(),
        _ => named("webhook-receiver-wrong-signature.json"),
    }
}

#[tokio::main]
async fn main() {
    let aws = dev_stack::aws();
    let database = dev_stack::fresh_database();
    let settings = dev_stack::own_environment_on(&aws, "cold");
    dev_stack::make_resources(&settings, &database.url).expect("the resources");
    let mut programs = Programs::idle(settings).await;
    let client = insights_http::client::build_client(insights_http::client::IdleConnections::Close)
        .expect("a client");
    println!(
        "{:<20}{:>8}{:>9}{:>12}",
        "function", "p50 ms", "longest", "memory MB"
    );
    for function in FUNCTIONS {
        let (mut times, mut memory) = (Vec::new(), 0);
        for _ in 0..STARTS {
            let started = Instant::now();
            let process = programs.begin(function);
            let answer = client
                .post(programs.address(function))
                .body(event(function))
                .timeout(PATIENCE)
                .send()
                .await
                .unwrap_or_else(|error| panic!("{function}: {error}\n{}", programs.logged()));
            answer.bytes().await.expect("an answer");
            times.push(started.elapsed());
            memory = memory.max(resident_kb(process));
            programs.kill(function);
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{function:<20}{:>8.0}{:>9.0}{:>12.0}",
            ms(times[STARTS / 2]),
            ms(times[STARTS - 1]),
            memory as f64 / 1024.0
        );
    }
}

/// The most memory that a process has had.
fn resident_kb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_default()
}
