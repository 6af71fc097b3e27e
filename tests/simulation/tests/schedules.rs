//! A fixed number of schedules from fixed seeds. `cargo run --release -p simulation -- --schedules 100000` tries more.

use simulation::run::{Violation, run_seeded};

/// Number of seeds of each system.
const SEEDS: u64 = 60;

/// Runs the schedules of a system, and fails with the first rule that one of them breaks.
fn run_all(system: &str, run: fn(u64, bool) -> Result<(), Violation>) {
    for seed in 0..SEEDS {
        if let Err(violation) = run_seeded(seed, move || run(seed, false)) {
            panic!(
                "seed {seed}: {}. `cargo run -p simulation -- --system {system} --seed {seed} --trace` prints what happened.",
                violation.complaint
            );
        }
    }
}

#[test]
fn live_calls_lose_nothing_and_say_nothing_twice() {
    run_all("poller", simulation::poller::run);
}

#[test]
fn chats_lose_nothing_and_say_nothing_twice() {
    run_all("chat", simulation::chat::run);
}

#[test]
fn conversations_are_stored_once_and_none_that_is_erased() {
    run_all("pipeline", simulation::pipeline::run);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for trace_of in [
        simulation::poller::trace_of,
        simulation::chat::trace_of,
        simulation::pipeline::trace_of,
    ] {
        let trace = |seed| run_seeded(seed, move || trace_of(seed));
        for seed in [3, 4, 5] {
            assert!(!trace(seed).is_empty());
            assert_eq!(trace(seed), trace(seed));
        }
    }
}
