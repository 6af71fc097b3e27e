//! `poll`: the poller on chosen calls, printed live.

use std::sync::Arc;

use anyhow::Context;
use backends::cxone_client::secret_key;
use clap::builder::NonEmptyStringValueParser;
use cxone_simulator::Scenario;
use cxone_simulator::live::demo_calls;
use insights_http::client::IdleConnections;
use jiff::Timestamp;
use sentiment::Provider;
use tokio_util::sync::CancellationToken;
use transcript_poller::CallSelection;
use transcript_poller::config::Config;
use transcript_poller::scorer::SegmentScorer;

use crate::home::{Home, HomeArgs};
use crate::live::{self, Line};
use crate::serve::stopped;

const EXAMPLES: &str = "Examples:
  cxone-insights poll --interaction demo-bad                 a scripted call of the built-in simulator
  cxone-insights poll --interaction 123 --interaction 456 --json --cxone-url https://platform.example.com

With --json one object a scored batch: interaction_id, segments (id, start and end in ms, direction, score), average,
trend, customer, agent, suggestion. Ctrl-C gives the calls back and ends.";

/// Arguments of `poll`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The call's id; may be repeated
    #[arg(long = "interaction", value_name = "ID", required = true, num_args = 1.., value_parser = NonEmptyStringValueParser::new())]
    interactions: Vec<String>,
    #[command(flatten)]
    home: HomeArgs,
    /// One JSON object a scored batch
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
    let home = Home::open_with(&args.home, scenario, None).await?;
    let mut config = Config::from_env(&home.env)?;
    // Whoever names a call wants it followed until Ctrl-C.
    config.rules.silence_timeout = None;
    let provider = Provider::new(
        &config.sentiment,
        secret_key(&home.secrets, "nlp_api_key"),
        IdleConnections::Keep,
    )
    .await?;
    let scorer = SegmentScorer::new(provider);
    let deps = transcript_poller::start::build(
        &home.env,
        config,
        &home.secrets,
        home.state.clone(),
        scorer,
    )?;
    let json = args.json;
    let print: transcript_poller::BatchObserver = Arc::new(move |id, batch| {
        let line = Line::new(id, batch);
        if json {
            println!("{}", line.json())
        } else {
            println!("{line}")
        }
    });
    let deps = Arc::new(transcript_poller::Deps {
        observer: Some(print),
        ..deps
    });
    for id in &args.interactions {
        deps.calls
            .open(id, Timestamp::now())
            .await
            .with_context(|| format!("cannot follow {id}"))?;
    }
    if !args.json {
        eprintln!("following {}; Ctrl-C ends", args.interactions.join(", "));
    }
    let stop = CancellationToken::new();
    let (cancel, holder) = (stop.clone(), live::holder("poll"));
    tokio::spawn(async move {
        stopped().await;
        cancel.cancel();
    });
    transcript_poller::poll(&deps, CallSelection::Ids(args.interactions), &holder, stop).await?;
    if let Some(simulator) = home.simulator {
        simulator.shutdown().await;
    }
    Ok(())
}
