//! A fixed number of schedules from fixed seeds. `cargo run --release -p simulation -- --schedules 100000` tries more.

use simulation::run::run_seeded;

/// Number of seeds of each system.
const SEEDS: u64 = 150;

#[test]
fn live_calls_lose_nothing_and_say_nothing_twice() {
    for seed in 0..SEEDS {
        let result = run_seeded(seed, move || simulation::poller::run(seed, false));
        if let Err(violation) = result {
            panic!(
                "seed {seed}: {}. `cargo run -p simulation -- --seed {seed} --trace` prints what happened.",
                violation.complaint
            );
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let trace = |seed| run_seeded(seed, move || simulation::poller::trace_of(seed));
    for seed in [3, 4, 5] {
        assert!(!trace(seed).is_empty());
        assert_eq!(trace(seed), trace(seed));
    }
}
