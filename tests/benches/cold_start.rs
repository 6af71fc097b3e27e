//! Measures cold starts: the time from the start of a function's process to its first answer under the Lambda runtime of
//! `cargo lambda`, and the memory that the process has used by then.
//!
//! Run `infra/check build` first, then
//! `TEST_FUNCTIONS_DIR=$PWD/target/infra/build cargo bench --workspace --profile dev --bench cold_start`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::{Duration, Instant};

use e2e::programs::{FunctionPrograms, PROGRAM_TIMEOUT};
use testkit::FUNCTIONS;
use testkit::events::event_path;
use testkit::process::peak_resident_megabytes;

/// Number of measured starts of each function.
const STARTS: usize = 7;

/// Returns an event that a function answers as soon as the function is ready. Functions that work until their deadline get
/// an event that they refuse.
fn quick_event(function: &str) -> String {
    let named = |name: &str| std::fs::read_to_string(event_path(name)).expect("an event");
    match function {
        "admin" => r#"{"task": "none"}"#.to_owned(),
        "analytics-report" => r#"{"from": "never", "to": "never"}"#.to_owned(),
        "chat-session" => named("chat-session-bad-agent.json"),
        "data-action" => named("data-action-json.json"),
        "embedding-writer" => r#"{"Records": []}"#.to_owned(),
        "heartbeat" => r#""no event""#.to_owned(),
        "semantic-search" => named("semantic-search-no-question.json"),
        "transcript-poller" => r#"{"shard": 1000}"#.to_owned(),
        _ => named("webhook-receiver-wrong-signature.json"),
    }
}

#[tokio::main]
async fn main() {
    let aws = dev_stack::aws();
    let database = dev_stack::create_database();
    let settings = dev_stack::unique_environment_on(&aws, "cold");
    dev_stack::create_resources(&settings, &database.url).expect("the resources");
    let mut programs = FunctionPrograms::start(settings).await;
    let client = insights_http::client::build_client(insights_http::client::IdleConnections::Close)
        .expect("a client");
    println!(
        "{:<20}{:>8}{:>9}{:>12}",
        "function", "p50 ms", "longest", "memory MB"
    );
    for function in FUNCTIONS.map(|function| function.name) {
        let (mut times, mut memory) = (Vec::new(), 0.0_f64);
        for _ in 0..STARTS {
            let started = Instant::now();
            let process = programs.start_program(function);
            let answer = client
                .post(programs.invoke_url(function))
                .body(quick_event(function))
                .timeout(PROGRAM_TIMEOUT)
                .send()
                .await
                .unwrap_or_else(|error| panic!("{function}: {error}\n{}", programs.logs()));
            answer.bytes().await.expect("an answer");
            times.push(started.elapsed());
            memory = memory.max(peak_resident_megabytes(process));
            programs.kill_program(function);
        }
        times.sort_unstable();
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "{function:<20}{:>8.0}{:>9.0}{:>12.0}",
            ms(times[STARTS / 2]),
            ms(times[STARTS - 1]),
            memory
        );
    }
}
