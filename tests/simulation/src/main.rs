//! Runs schedules and reports the seeds that break a rule.
//!
//! Each schedule runs in a process of its own. Tokio takes its choice among ready branches from a number that it counts up in a whole
//! process, so that a second schedule of one process would not be what it is alone.

use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use clap::{Parser, ValueEnum};
use simulation::faults::{Fault, Target};
use simulation::outage::Outage;
use simulation::run::run_seeded;
use simulation::{chat, pipeline, poller};

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
    /// A store that is away for ten minutes, instead of faults from the seed.
    #[arg(long, value_enum)]
    away: Option<Store>,
    /// How the store that is away fails.
    #[arg(long, value_enum, default_value_t = Failing::Hanging, requires = "away")]
    how: Failing,
    /// Prints what happened in the runs that break a rule, and in a single run in any case.
    #[arg(long)]
    trace: bool,
    /// Number of schedules that run at the same time.
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

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Store {
    /// The table that holds all state.
    State,
    /// The store of archives and reports.
    Objects,
    /// The queue of conversations.
    Queue,
    /// The store of the vectors of conversations.
    Vectors,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Failing {
    /// Nothing is answered, and nothing is done.
    Hanging,
    /// No connection is made.
    Refusing,
    /// Every answer takes nine seconds.
    Late,
    /// Everything is carried out, and no answer arrives.
    Losing,
}

impl Options {
    fn outage(&self) -> Option<Outage> {
        let target = match self.away? {
            Store::State => Target::State,
            Store::Objects => Target::Objects,
            Store::Queue => Target::Queue,
            Store::Vectors => Target::Vectors,
        };
        let fault = match self.how {
            Failing::Hanging => Fault::Hang,
            Failing::Refusing => Fault::Refused,
            Failing::Late => Fault::Slow(9000),
            Failing::Losing => Fault::LostAnswer,
        };
        Some(Outage { target, fault })
    }
}

/// Runs one schedule in this process. Returns whether it broke no rule.
#[expect(clippy::print_stdout, reason = "the output of a command")]
fn run_one(options: &Options) -> bool {
    let (seed, is_traced, outage) = (options.seed, options.trace, options.outage());
    let run = match options.system {
        System::Poller => poller::run,
        System::Chat => chat::run,
        System::Pipeline => pipeline::run,
    };
    let (result, trace) = run_seeded(seed, move || run(seed, is_traced, outage));
    let Err(violation) = result else {
        println!("{trace}");
        return true;
    };
    println!("seed {seed}: {}", violation.complaint);
    if is_traced {
        println!("{}\n{trace}", violation.faults);
    }
    false
}

/// Returns the name of a value on the command line.
fn name_of(value: impl ValueEnum) -> String {
    let value = value.to_possible_value();
    value.map_or_else(String::new, |value| value.get_name().to_owned())
}

/// Runs one schedule in a process of its own. Returns what it printed if it broke a rule.
fn run_apart(options: &Options, seed: u64) -> anyhow::Result<Option<String>> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--system", &name_of(options.system)]);
    if let Some(away) = options.away {
        command.args(["--away", &name_of(away), "--how", &name_of(options.how)]);
    }
    command.args(["--seed", &seed.to_string()]);
    if options.trace {
        command.arg("--trace");
    }
    let output = command.output().context("a process for the schedule")?;
    let printed = [output.stdout, output.stderr].concat();
    let failed = !output.status.success();
    Ok(failed.then(|| String::from_utf8_lossy(&printed).into_owned()))
}

/// Runs all schedules. Returns the number of those that broke a rule.
#[expect(clippy::print_stdout, reason = "the output of a command")]
fn run_all(options: &Options) -> u64 {
    let (next, failures) = (AtomicU64::new(options.seed), AtomicU64::new(0));
    let end = options.seed + options.schedules;
    std::thread::scope(|scope| {
        for _ in 0..options.threads.min(options.schedules) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || failures.load(Ordering::Relaxed) >= options.max_failures {
                        return;
                    }
                    let broken = match run_apart(options, seed) {
                        Ok(None) => continue,
                        Ok(Some(printed)) => printed,
                        Err(error) => format!("seed {seed}: {error:#}"),
                    };
                    failures.fetch_add(1, Ordering::Relaxed);
                    println!("{}", broken.trim_end());
                }
            });
        }
    });
    failures.into_inner()
}

#[expect(clippy::print_stdout, reason = "the output of a command")]
fn main() -> ExitCode {
    let options = Options::parse();
    if options.schedules == 1 {
        return if run_one(&options) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        };
    }
    let started = std::time::Instant::now();
    let failures = run_all(&options);
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
