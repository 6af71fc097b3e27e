//! The subcommand `poll`: follows chosen calls and prints every scored batch.

use std::sync::Arc;

use anyhow::Context;
use clap::builder::NonEmptyStringValueParser;
use cxone_simulator::Scenario;
use cxone_simulator::live::demo_calls;
use jiff::Timestamp;
use runtime::Observer;
use tokio_util::sync::CancellationToken;
use transcript_poller::config::Config;
use transcript_poller::{CallSelection, CountedBatch};

use crate::live::{self, BatchLine};
use crate::local_context::{LocalArgs, LocalContext};
use crate::stop_signal::wait_for_stop_signal;

const EXAMPLES: &str = "Examples:
  cxone-insights poll --interaction demo-bad                 follows a scripted call of the simulator
  cxone-insights poll --interaction 123 --interaction 456 --json --cxone-url https://platform.example.com

With --json, each scored batch is one object: interaction_id, segments (id, start and end in ms, direction, score, signals;
unscored and language where a segment has no sentiment of its own), average, trend, customer, agent, suggestion. Ctrl-C hands the calls over and ends the command.";

/// Arguments of the subcommand `poll`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of a call to follow; repeat the option to follow several calls
    #[arg(long = "interaction", value_name = "ID", required = true, num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    interactions: Vec<String>,
    #[command(flatten)]
    local: LocalArgs,
    /// Prints one JSON object per scored batch
    #[arg(long)]
    json: bool,
}

/// Follows the calls until Ctrl-C.
///
/// # Errors
/// If the model does not load, or the state store cannot be reached.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let scenario = Scenario {
        calls: demo_calls(1.0),
        ..Scenario::default()
    };
    let context = LocalContext::open_with(&args.local, scenario, None).await?;
    context.announce_simulated_tenant();
    let mut config = Config::from_env(&context.env)?;
    // The user named these calls, so that they are followed until Ctrl-C even when nobody speaks.
    config.rules.silence_timeout = None;
    let json = args.json;
    let print = Observer::new(move |batch: CountedBatch| {
        let line = BatchLine::new(&batch.interaction_id, &batch.report);
        if json {
            println!("{}", line.json())
        } else {
            println!("{line}")
        }
    });
    let deps = transcript_poller::Deps::new(&context.backends, config).await?;
    let deps = Arc::new(deps.with_observer(print));
    for id in &args.interactions {
        deps.calls
            .open(id, Timestamp::now())
            .await
            .with_context(|| format!("cannot follow {id}"))?;
    }
    if !args.json {
        eprintln!(
            "following {}; press Ctrl-C to stop",
            args.interactions.join(", ")
        );
    }
    let stop = CancellationToken::new();
    let (cancel, holder) = (stop.clone(), live::lease_holder("poll"));
    tokio::spawn(async move {
        wait_for_stop_signal().await;
        cancel.cancel();
    });
    transcript_poller::poll(&deps, CallSelection::Ids(args.interactions), &holder, stop).await?;
    context.shutdown().await;
    Ok(())
}
