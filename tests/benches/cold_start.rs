//! Measures cold starts under the Lambda runtime of `cargo lambda`: the time from the start of a function's process to its first
//! TLS connection to an AWS service, to its first signed request and to its first answer, and the processor time and the memory
//! that the process has used by then.
//!
//! Run `infra/check build` first, then
//! `TEST_FUNCTIONS_DIR=$PWD/target/infra/build cargo bench --workspace --profile dev --bench cold_start`.
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::time::Duration;

use e2e::starts::{ColdStarts, Start};
use testkit::FUNCTIONS;

/// Number of measured starts of each function.
const STARTS: usize = 7;

/// Returns the median of some times in milliseconds, or a dash where there is none.
fn median(times: impl Iterator<Item = Option<Duration>>) -> String {
    let mut times: Vec<Duration> = times.flatten().collect();
    times.sort_unstable();
    times.get(times.len() / 2).map_or("-".to_owned(), |time| {
        format!("{:.0}", time.as_secs_f64() * 1e3)
    })
}

#[tokio::main]
async fn main() {
    let mut cold_starts = ColdStarts::prepare().await;
    println!("Milliseconds from the start of the process, p50 of {STARTS} starts");
    println!(
        "{:<20}{:>9}{:>9}{:>9}{:>10}{:>9}{:>12}",
        "function", "TLS", "signed", "answer", "longest", "CPU ms", "memory MB"
    );
    for function in FUNCTIONS.map(|function| function.name) {
        let mut starts: Vec<Start> = Vec::new();
        for _ in 0..STARTS {
            starts.push(cold_starts.measure(function).await);
        }
        let longest = starts.iter().map(|start| start.answer).max();
        let cpu = starts.iter().map(|start| start.cpu_seconds).sum::<f64>();
        let memory = starts.iter().map(|start| start.peak_megabytes);
        println!(
            "{function:<20}{:>9}{:>9}{:>9}{:>10}{:>9.0}{:>12.0}",
            median(starts.iter().map(|start| start.connection)),
            median(starts.iter().map(|start| start.signed_request)),
            median(starts.iter().map(|start| Some(start.answer))),
            median([longest].into_iter()),
            cpu / starts.len() as f64 * 1e3,
            memory.fold(0.0, f64::max)
        );
    }
}
