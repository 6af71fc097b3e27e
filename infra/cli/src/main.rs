//! `cxone-insights`: everything the deployed functions do, on one machine, without an account.
//!
//! One module a subcommand. The functions are the ones that are deployed; only their stores differ.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command answers on its standard streams"
)]

mod alerts;
mod chat;
mod demo;
mod dlq;
mod embed;
mod eval;
mod gateway;
mod home;
mod live;
mod pipeline;
mod poll;
mod register;
mod replay;
mod report;
mod score;
mod search;
mod serve;
mod services;
mod simulate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use runtime::telemetry;

const EXAMPLES: &str = "Examples:
  cxone-insights                                   play the demo
  cxone-insights score \"I want a refund now\"       score a text with the shipped model
  cxone-insights serve                             all HTTP functions on http://127.0.0.1:8787
  cxone-insights serve --cxone-url https://platform.example.com --data-dir ./insights

Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// Live insight into what a contact centre's customers say.
#[derive(Debug, Parser)]
#[command(name = "cxone-insights", version, about, after_help = EXAMPLES, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play scripted calls and chats through every function (the default)
    Demo(demo::Args),
    /// Serve every HTTP function on one port, with the background workers
    Serve(serve::Args),
    /// Run the contact-centre simulator alone
    Simulate(simulate::Args),
    /// Score texts, one result a line
    Score(score::Args),
    /// Report on past conversations: sentiment, topics, outcomes
    Report(report::Args),
    /// Follow live calls and print every scored batch
    Poll(poll::Args),
    /// Try alert rules on recorded calls
    Alerts(alerts::Args),
    /// Register the Data Action's schema with the contact centre
    Register(register::Args),
    /// Embed a file of webhook payloads, one a line
    Embed(embed::Args),
    /// Search what is embedded
    Search(search::Args),
    /// Work one agent's chat session, live
    Chat(chat::Args),
    /// Replay an archived conversation with its pauses
    Replay(replay::Args),
    /// Show what could not be embedded, and put it back into the queue
    Dlq(dlq::Args),
    /// Measure the models on labelled files
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
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
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
            Command::Embed(args) => embed::run(args).await,
            Command::Search(args) => search::run(args).await,
            Command::Chat(args) => chat::run(args).await,
            Command::Replay(args) => replay::run(args).await,
            Command::Dlq(args) => dlq::run(args).await,
            Command::Eval(args) => eval::run(args).await,
        }
    });
    // Work that a Ctrl-C left on blocking threads must not hold the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(500));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", insights_core::WithCauses(error.as_ref()));
    ExitCode::FAILURE
}
