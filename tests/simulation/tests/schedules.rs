//! A fixed number of schedules from fixed seeds. `cargo run --profile simulation -p simulation -- --schedules 100000` tries more.

use std::process::{Command, Output};

/// Number of seeds of each system.
const SEEDS: u64 = 60;

/// Runs the program, in which each schedule has a process of its own.
fn simulate(system: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_simulation"))
        .args(["--system", system])
        .args(arguments)
        .output()
        .expect("the program of this package")
}

/// Runs the schedules of a system, and fails with the first rule that one of them breaks.
fn run_all(system: &str) {
    let schedules = SEEDS.to_string();
    let output = simulate(system, &["--schedules", &schedules, "--max-failures", "1"]);
    assert!(
        output.status.success(),
        "{}`cargo run -p simulation -- --system {system} --seed SEED --trace` prints what happened.",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn live_calls_lose_nothing_and_say_nothing_twice() {
    run_all("poller");
}

#[test]
fn chats_lose_nothing_and_say_nothing_twice() {
    run_all("chat");
}

#[test]
fn conversations_are_stored_once_and_none_that_is_erased() {
    run_all("pipeline");
}

/// How a part fails while it is away.
const FAILING: [&str; 4] = ["hanging", "refusing", "late", "losing"];

/// Lets a store or an endpoint be away for ten minutes of a run of a system, in each way.
fn run_without(system: &str, part: &str) {
    for how in FAILING {
        let output = simulate(system, &["--seed", "1", "--away", part, "--how", how]);
        assert!(
            output.status.success(),
            "{}`cargo run -p simulation -- --system {system} --seed 1 --away {part} --how {how} --trace` prints what happened.",
            String::from_utf8_lossy(&output.stdout)
        );
    }
}

#[test]
fn webhooks_are_accepted_within_half_a_minute_of_ten_minutes_without_a_store() {
    for store in ["state", "queue", "vectors"] {
        run_without("pipeline", store);
    }
}

#[test]
fn live_calls_are_read_within_half_a_minute_of_ten_minutes_without_the_state_table() {
    run_without("poller", "state");
}

#[test]
fn chats_are_read_and_archived_within_half_a_minute_of_ten_minutes_without_a_store() {
    for store in ["state", "objects"] {
        run_without("chat", store);
    }
}

#[test]
fn live_calls_are_read_and_suggestions_sent_while_an_endpoint_is_away_that_they_do_not_need() {
    for endpoint in ["attributes", "suggestions"] {
        run_without("poller", endpoint);
    }
}

#[test]
fn chats_are_read_soon_after_ten_minutes_without_their_transcripts_or_their_stream() {
    for endpoint in ["chat-transcript", "stream"] {
        run_without("chat", endpoint);
    }
}

#[test]
fn a_service_that_embeds_slowly_holds_no_conversation_back_for_ever() {
    run_without("pipeline", "embedding");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for system in ["poller", "chat", "pipeline"] {
        let trace = |seed| {
            let printed = simulate(system, &["--seed", seed, "--trace"]).stdout;
            String::from_utf8(printed).expect("text")
        };
        for seed in ["3", "4", "5"] {
            assert!(!trace(seed).trim().is_empty());
            assert_eq!(trace(seed), trace(seed));
        }
    }
}
