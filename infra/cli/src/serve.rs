//! The subcommand `serve`: serves every HTTP function on one port, as API Gateway does, and runs the background workers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::builder::NonEmptyStringValueParser;
use cxone_simulator::Scenario;
use cxone_simulator::live::demo_calls;
use runtime::config::Env;
use runtime::process::ProcessSettings;
use runtime::{Observer, metrics};
use tokio_util::sync::CancellationToken;
use transcript_poller::CountedBatch;

use crate::live::{BackgroundPoller, BatchLine};
use crate::local_context::{LocalArgs, LocalContext};
use crate::pipeline::Pipeline;
use crate::services::Services;
use crate::stop_signal::wait_for_stop_signal;
use crate::{chat, gateway};

const EXAMPLES: &str = "Examples:
  cxone-insights serve
  curl -s http://127.0.0.1:8787/data-actions/sentiment -H 'authorization: Bearer local-key' \\
       -H 'content-type: application/json' -d '{\"interaction_text\": \"I want a refund immediately.\"}'
  cxone-insights serve --addr 0.0.0.0:8080 --api-key \"$KEY\" --cxone-url https://platform.example.com";

/// Interval at which metrics are written to standard output.
const METRICS_INTERVAL: Duration = Duration::from_secs(10);

/// Arguments of the subcommand `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8787")]
    addr: SocketAddr,
    #[command(flatten)]
    local: LocalArgs,
    /// Key that callers must send, instead of the key in secrets.toml [default: local-key]
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    api_key: Option<String>,
}

/// Serves until Ctrl-C, then finishes the requests and sessions that are in flight.
///
/// # Errors
/// If the port cannot be bound, a model does not load, or a store cannot be reached.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let settings = ProcessSettings::from_env(&Env::process())?;
    metrics::init(&settings.stack, "serve");
    let listener = gateway::bind(args.addr).await?;
    let scenario = Scenario {
        calls: demo_calls(1.0),
        ..chat::scenario(1.0)
    };
    let context = LocalContext::open_with(&args.local, scenario, args.api_key.as_deref()).await?;
    let data_action = build_data_action(&context).await?;
    let show = Observer::new(|batch: CountedBatch| {
        eprintln!("{}", BatchLine::new(&batch.interaction_id, &batch.report));
    });
    let poller = BackgroundPoller::start(&context, &data_action.provider, show).await?;
    let services = add_board(&context, http_services(&data_action))?;
    let pipeline = Pipeline::open(&context)
        .await
        .context("the embedding pipeline cannot be opened")?;
    let (services, writer) = pipeline.add_functions(&context, services).await?;
    let writing = tokio::spawn(writer.run());
    announce(&listener.local_addr()?, &context, args.api_key.is_some());
    let flushing = tokio::spawn(async {
        let mut ticks = tokio::time::interval(METRICS_INTERVAL);
        loop {
            ticks.tick().await;
            metrics::flush();
        }
    });
    let end_chats = CancellationToken::new();
    let chats = chat::build(&context, Some(&data_action.provider)).await?;
    let chats = tokio::spawn(chat::run_sessions(chats, end_chats.clone()));
    let served = gateway::serve(listener, services, wait_for_stop_signal()).await;
    end_chats.cancel();
    let (poller_result, chats_result) = tokio::join!(poller.finish(), chats);
    chats_result?;
    poller_result?;
    served?;
    flushing.abort();
    writing.abort();
    metrics::flush();
    if let Some(simulator) = context.simulator {
        simulator.shutdown().await;
    }
    Ok(())
}

/// Builds the Data Action on the stores of this run.
///
/// # Errors
/// If the configuration is wrong, or the model does not load.
pub(crate) async fn build_data_action(
    context: &LocalContext,
) -> anyhow::Result<Arc<data_action::Deps>> {
    let config = data_action::config::Config::from_env(&context.env)?;
    let built = data_action::Deps::new(&context.backends, config).await;
    built.map(Arc::new).context("data-action")
}

/// Returns the HTTP functions that need nothing but the Data Action.
pub(crate) fn http_services(data_action: &Arc<data_action::Deps>) -> Services {
    let paths = ["data-actions", "health", "interactions"];
    Services::default().route(&paths, data_action, |deps, request| async move {
        data_action::handle(&deps, request).await
    })
}

/// Adds the board of supervisors to the HTTP functions, on the stores of this run.
///
/// # Errors
/// If the configuration is wrong.
pub(crate) fn add_board(context: &LocalContext, services: Services) -> anyhow::Result<Services> {
    let config = supervisor_board::config::Config::from_env(&context.env)?;
    let board = supervisor_board::Deps::new(&context.backends, config);
    let board = board.context("supervisor-board")?.with_open_streams();
    Ok(
        services.route(&["board"], &Arc::new(board), |deps, request| async move {
            supervisor_board::handle(&deps, request).await
        }),
    )
}

fn announce(addr: &SocketAddr, context: &LocalContext, own_key: bool) {
    eprintln!("listening on http://{addr}");
    eprintln!(
        "board of supervisors: http://{addr}/board; the API key logs in, unless secrets.toml lists api_keys"
    );
    match &context.simulator {
        Some(simulator) => eprintln!(
            "contact center: simulator at {}; PUT /interactions/demo-bad or demo-good plays a call",
            simulator.url()
        ),
        None => eprintln!(
            "contact center: {}",
            context.env.text("CXONE_BASE_URL").unwrap_or_default()
        ),
    }
    eprintln!("data: {}", context.data_dir.display());
    let key = if own_key {
        "the key of --api-key"
    } else {
        "'local-key', unless secrets.toml has another key"
    };
    eprintln!("API key: {key}; press Ctrl-C to stop");
}
