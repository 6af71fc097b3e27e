//! Runs many schedules and reports the seeds that break a rule.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Parser, ValueEnum};
use simulation::run::{Violation, run_seeded};

/// Runs the product's code against a contact center, a network, a store and a clock that follow a seed.
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  cargo run --release -p simulation -- --schedules 100000\n  cargo run -p simulation -- --seed 4711 --trace"
)]
struct Options {
    /// The system whose schedules are simulated.
    #[arg(long, value_enum, default_value_t = System::Poller)]
    system: System,
    /// Seed of the first schedule.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Number of seeds, counted up from the first one.
    #[arg(long, default_value_t = 1)]
    schedules: u64,
    /// Prints what happened in the runs that break a rule, and of a single schedule in any case.
    #[arg(long)]
    trace: bool,
    /// Number of threads that run schedules.
    #[arg(long, default_value_t = 2)]
    threads: u64,
    /// Number of failing seeds after which no more are tried.
    #[arg(long, default_value_t = 5)]
    max_failures: u64,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum System {
    /// The poller of live calls.
    Poller,
    /// The chat sessions of an agent.
    Chat,
    /// Conversations on their way into the vector store.
    Pipeline,
}

fn run(system: System, seed: u64, is_traced: bool) -> Result<(), Violation> {
    match system {
        System::Poller => run_seeded(seed, move || simulation::poller::run(seed, is_traced)),
        System::Chat => run_seeded(seed, move || simulation::chat::run(seed, is_traced)),
        System::Pipeline => run_seeded(seed, move || simulation::pipeline::run(seed, is_traced)),
    }
}

fn trace_of(system: System, seed: u64) -> String {
    match system {
        System::Poller => run_seeded(seed, move || simulation::poller::trace_of(seed)),
        System::Chat => run_seeded(seed, move || simulation::chat::trace_of(seed)),
        System::Pipeline => run_seeded(seed, move || simulation::pipeline::trace_of(seed)),
    }
}

#[expect(clippy::print_stdout, reason = "the output of a command")]
fn main() -> ExitCode {
    let options = Options::parse();
    let (next, failures) = (AtomicU64::new(options.seed), AtomicU64::new(0));
    let end = options.seed + options.schedules;
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..options.threads.min(options.schedules) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || failures.load(Ordering::Relaxed) >= options.max_failures {
                        return;
                    }
                    if options.trace && options.schedules == 1 {
                        println!("{}", trace_of(options.system, seed));
                    }
                    if let Err(violation) = run(options.system, seed, false) {
                        failures.fetch_add(1, Ordering::Relaxed);
                        println!("seed {seed}: {}", violation.complaint);
                        if options.trace && options.schedules > 1 {
                            match run(options.system, seed, true) {
                                Err(again) => println!("{}\n{}", again.faults, again.trace),
                                Ok(()) => println!("the traced run of the same seed broke no rule"),
                            }
                        }
                    }
                }
            });
        }
    });
    let failures = failures.load(Ordering::Relaxed);
    println!(
        "{} schedules, {failures} of them broke a rule, {:.1} s",
        options.schedules,
        started.elapsed().as_secs_f64()
    );
    if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
