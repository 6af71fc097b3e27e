//! The command `cxone-insights`: runs everything that the deployed functions do on one machine, without an account.
//!
//! Each subcommand is one module, which parses arguments and presents results. The work is done by the functions that are
//! deployed; only their stores differ.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command answers on its standard streams"
)]

mod alerts;
mod card;
mod chat;
mod demo;
mod dlq;
mod doctor;
mod embed;
mod eval;
mod forget;
mod gateway;
mod live;
mod local_context;
mod pipeline;
mod poll;
mod progress;
mod register;
mod replay;
mod report;
mod rules;
mod score;
mod search;
mod serve;
mod services;
mod simulate;
mod smoke;
mod stop_signal;
mod studio_recipe;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use runtime::telemetry;

const EXAMPLES: &str = "Examples:
  cxone-insights                                   plays the demo
  cxone-insights score \"I want a refund now\"       scores a text with the shipped model
  cxone-insights serve                             serves all HTTP functions on http://127.0.0.1:8787
  cxone-insights serve --cxone-url https://platform.example.com --data-dir ./insights

Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// Gives live insight into what the customers of a contact center say.
#[derive(Debug, Parser)]
#[command(name = "cxone-insights", version, about, after_help = EXAMPLES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays scripted calls and chats through every function; this is the default.
    Demo(demo::Args),
    /// Serves every HTTP function on one port and runs the background workers.
    Serve(serve::Args),
    /// Runs the contact center simulator alone.
    Simulate(simulate::Args),
    /// Scores texts and prints one result per line.
    Score(score::Args),
    /// Writes a report on past conversations: sentiment, topics and outcomes.
    Report(report::Args),
    /// Follows live calls and prints every scored batch.
    Poll(poll::Args),
    /// Tries alert rules on recorded calls.
    Alerts(alerts::Args),
    /// Registers the schema of the Data Action with the contact center.
    Register(register::Args),
    /// Prints what to type into CXone Studio so that a script calls this deployment.
    StudioRecipe(studio_recipe::Args),
    /// Embeds a file of webhook payloads, one per line.
    Embed(embed::Args),
    /// Searches the embedded conversations.
    Search(search::Args),
    /// Works the chat session of one agent, live.
    Chat(chat::Args),
    /// Replays an archived conversation with its pauses.
    Replay(replay::Args),
    /// Checks rule files, and shows what they would have done on past conversations.
    Rules(rules::Args),
    /// Prints what a conversation was about, in quotes.
    Card(card::Args),
    /// Shows the conversations that could not be embedded, and puts them back into the queue.
    Dlq(dlq::Args),
    /// Erases one conversation from every store.
    Forget(forget::Args),
    /// Checks a deployment from outside, one line a check.
    Smoke(smoke::Args),
    /// Finds out what a tenant of NICE CXone allows, with read-only checks.
    Doctor(doctor::Args),
    /// Measures the models on labeled files.
    Eval(eval::Args),
}

fn main() -> ExitCode {
    let command = Cli::parse()
        .command
        .unwrap_or_else(|| Command::Demo(demo::Args::default()));
    match command {
        Command::Serve(_) => telemetry::init(telemetry::Format::Human),
        _ => telemetry::init_from(telemetry::Format::Human, "warn"),
    }
    telemetry::hide_panic_messages();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return print_failure(&error.into()),
    };
    let result = runtime.block_on(async {
        match command {
            Command::Demo(args) => demo::run(args).await,
            Command::Serve(args) => serve::run(args).await,
            Command::Simulate(args) => simulate::run(args).await,
            Command::Score(args) => score::run(args).await,
            Command::Report(args) => report::run(args).await,
            Command::Poll(args) => poll::run(args).await,
            Command::Alerts(args) => alerts::run(args).await,
            Command::Register(args) => register::run(args).await,
            Command::StudioRecipe(args) => studio_recipe::run(&args),
            Command::Embed(args) => embed::run(args).await,
            Command::Search(args) => search::run(args).await,
            Command::Chat(args) => chat::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::Rules(args) => rules::run(args).await,
            Command::Card(args) => card::run(args).await,
            Command::Dlq(args) => dlq::run(args).await,
            Command::Forget(args) => forget::run(args).await,
            Command::Smoke(args) => smoke::run(args).await,
            Command::Doctor(args) => doctor::run(args).await,
            Command::Eval(args) => eval::run(args).await,
        }
    });
    // A Ctrl-C may leave work on blocking threads, which must not keep the process alive.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => print_failure(&error),
    }
}

fn print_failure(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", insights_core::WithCauses(error.as_ref()));
    ExitCode::FAILURE
}
