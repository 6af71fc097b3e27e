//! Runs schedules and reports the seeds that break a rule.
//!
//! Each schedule runs in a process of its own, a copy of one that has run a schedule already (`copies`).

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use simulation::copies::{Copies, Ended};
use simulation::faults::{Fault, Target};
use simulation::outage::Outage;
use simulation::run::{Violation, run_seeded};
use simulation::{chat, pipeline, poller};

/// Runs the product's code against a contact center, a network, a store and a clock that follow a seed.
#[derive(Debug, Parser)]
#[command(
    after_help = "Examples:\n  cargo run --profile simulation -p simulation -- --schedules 100000\n  cargo run -p simulation -- --seed 4711 --trace"
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
    /// A store or an endpoint that is away for ten minutes, instead of faults from the seed.
    #[arg(long, value_enum)]
    away: Option<Part>,
    /// How the part that is away fails.
    #[arg(long, value_enum, default_value_t = Failing::Hanging, requires = "away")]
    how: Failing,
    /// Prints what happened in the runs that break a rule, and in a single run in any case.
    #[arg(long)]
    trace: bool,
    /// Number of schedules that run at the same time.
    #[arg(long, default_value_t = 2)]
    threads: usize,
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
enum Part {
    /// The table that holds all state.
    State,
    /// The store of archives and reports.
    Objects,
    /// The queue of conversations.
    Queue,
    /// The store of the vectors of conversations.
    Vectors,
    /// The service that embeds texts.
    Embedding,
    /// The service that scores texts.
    Scoring,
    /// The endpoint that gives tokens.
    Token,
    /// The transcripts of live calls.
    Transcript,
    /// The attributes of live calls.
    Attributes,
    /// The suggestions to agents.
    Suggestions,
    /// The stream of chats.
    Stream,
    /// The transcripts of chats.
    ChatTranscript,
    /// The presence of agents.
    Presence,
    /// The receiver of notifications.
    Webhook,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Failing {
    /// Nothing is answered, and nothing is done.
    Hanging,
    /// No connection is made.
    Refusing,
    /// Every answer takes nine seconds, and one of the service that embeds seven.
    Late,
    /// Everything is carried out, and no answer arrives.
    Losing,
    /// Every answer is a 503.
    Overloaded,
    /// Every answer is a 429 that asks for five seconds.
    Limiting,
}

/// The schedule that the process runs before it is copied.
const WARM_UP_SEED: u64 = 0;

impl Options {
    /// Runs a schedule. Returns the rule that it broke, and what happened in it, if it is traced.
    fn run(
        &self,
        seed: u64,
        is_traced: bool,
        outage: Option<Outage>,
    ) -> (Result<(), Violation>, String) {
        let run = match self.system {
            System::Poller => poller::run,
            System::Chat => chat::run,
            System::Pipeline => pipeline::run,
        };
        run_seeded(seed, move || run(seed, is_traced, outage))
    }

    fn outage(&self) -> Option<Outage> {
        let target = match self.away? {
            Part::State => Target::State,
            Part::Objects => Target::Objects,
            Part::Queue => Target::Queue,
            Part::Vectors => Target::Vectors,
            Part::Embedding => Target::Embedding,
            Part::Scoring => Target::Scoring,
            Part::Token => Target::Token,
            Part::Transcript => Target::Transcript,
            Part::Attributes => Target::Attributes,
            Part::Suggestions => Target::Suggestions,
            Part::Stream => Target::Stream,
            Part::ChatTranscript => Target::ChatTranscript,
            Part::Presence => Target::Presence,
            Part::Webhook => Target::Webhook,
        };
        let fault = match self.how {
            Failing::Hanging => Fault::Hang,
            Failing::Refusing => Fault::Refused,
            Failing::Late if target == Target::Embedding => Fault::Slow(7000),
            Failing::Late => Fault::Slow(9000),
            Failing::Losing => Fault::LostAnswer,
            Failing::Overloaded => Fault::Status(503),
            Failing::Limiting => Fault::RateLimited(Some(5)),
        };
        Some(Outage { target, fault })
    }
}

/// Runs one schedule in this process, which prints it. Returns whether it broke no rule.
#[expect(clippy::print_stdout, reason = "the output of a command")]
fn run_one(options: &Options, seed: u64) -> bool {
    let (result, trace) = options.run(seed, options.trace, options.outage());
    let Err(violation) = result else {
        println!("{trace}");
        return true;
    };
    println!("seed {seed}: {}", violation.complaint);
    if options.trace {
        println!("{}\n{trace}", violation.faults);
    }
    false
}

/// Runs all schedules. Returns the number of those that broke a rule.
#[expect(clippy::print_stdout, reason = "the output of a command")]
fn run_all(options: &Options) -> anyhow::Result<u64> {
    // What it finds, a panic included, is found again by the copy that runs this seed.
    let warm_up = AssertUnwindSafe(|| options.run(WARM_UP_SEED, false, None));
    drop(std::panic::catch_unwind(warm_up));
    let mut copies = Copies::default();
    let mut seeds = options.seed..options.seed + options.schedules;
    let mut failures = 0;
    loop {
        while copies.count() < options.threads.max(1) && failures < options.max_failures {
            let Some(seed) = seeds.next() else {
                break;
            };
            copies.start(seed, || run_one(options, seed))?;
        }
        if copies.count() == 0 {
            return Ok(failures);
        }
        let Ended {
            is_success,
            printed,
            ..
        } = copies.wait()?;
        failures += u64::from(!is_success);
        if !is_success || options.schedules == 1 {
            println!("{}", printed.trim_end());
        }
    }
}

#[expect(clippy::print_stdout, reason = "the output of a command")]
fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let started = std::time::Instant::now();
    let failures = run_all(&options)?;
    if options.schedules > 1 {
        println!(
            "{} schedules, {failures} of them broke a rule, {:.1} s",
            options.schedules,
            started.elapsed().as_secs_f64()
        );
    }
    Ok(if failures == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
