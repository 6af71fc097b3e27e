//! `serve`: every HTTP function on one port, as API Gateway would put them together.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::builder::NonEmptyStringValueParser;
use cxone_simulator::Scenario;
use cxone_simulator::live::demo_calls;
use runtime::metrics;
use tokio_util::sync::CancellationToken;

use crate::home::{Home, HomeArgs};
use crate::live::{Background, Line};
use crate::pipeline::Pipeline;
use crate::services::Services;
use crate::{chat, gateway};

const EXAMPLES: &str = "Examples:
  cxone-insights serve
  curl -s http://127.0.0.1:8787/data-actions/sentiment -H 'authorization: Bearer local-key' \\
       -H 'content-type: application/json' -d '{\"interaction_text\": \"I want a refund immediately.\"}'
  cxone-insights serve --addr 0.0.0.0:8080 --api-key \"$KEY\" --cxone-url https://platform.example.com";

/// How often metrics are written to standard output while requests come.
const METRICS_EVERY: Duration = Duration::from_secs(10);

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, default_value = "127.0.0.1:8787")]
    addr: SocketAddr,
    #[command(flatten)]
    home: HomeArgs,
    /// The key that callers must send; it goes before the one in secrets.toml [default: local-key]
    #[arg(long, value_name = "KEY", value_parser = NonEmptyStringValueParser::new())]
    api_key: Option<String>,
}

/// Serves until Ctrl-C, then finishes what is underway.
///
/// # Errors
/// If the port cannot be opened, a model does not load, or a store cannot be reached.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    metrics::init("serve");
    let listener = gateway::bind(args.addr).await?;
    let scenario = Scenario {
        calls: demo_calls(1.0),
        ..chat::scenario(1.0)
    };
    let home = Home::open_with(&args.home, scenario, args.api_key.as_deref()).await?;
    let data_action = data_action(&home).await?;
    let show: transcript_poller::BatchObserver =
        Arc::new(|id, batch| eprintln!("{}", Line::new(id, batch)));
    let poller = Background::start(&home, &data_action.provider, show)?;
    let services = services(&data_action);
    let pipeline = Pipeline::open(&home)
        .await
        .context("the embedding pipeline")?;
    let (services, writer) = pipeline.serve(&home, services)?;
    let writing = tokio::spawn(writer.run());
    announce(&listener.local_addr()?, &home, args.api_key.is_some());
    let flushing = tokio::spawn(async {
        let mut ticks = tokio::time::interval(METRICS_EVERY);
        loop {
            ticks.tick().await;
            metrics::flush();
        }
    });
    let end_chats = CancellationToken::new();
    let chats = chat::deps_beside(&home, args.home.aws, &data_action.provider).await?;
    let chats = tokio::spawn(chat::work(chats, end_chats.clone()));
    let served = gateway::serve(listener, services, stopped()).await;
    end_chats.cancel();
    let (polled, chatted) = tokio::join!(poller.finish(), chats);
    chatted?;
    polled?;
    served?;
    flushing.abort();
    writing.abort();
    metrics::flush();
    if let Some(simulator) = home.simulator {
        simulator.shutdown().await;
    }
    Ok(())
}

/// The Data Action with the stores of this run.
///
/// # Errors
/// If its configuration is wrong or the model does not load.
pub(crate) async fn data_action(home: &Home) -> anyhow::Result<Arc<data_action::Deps>> {
    let (secrets, state) = (Arc::clone(&home.secrets), home.state.clone());
    let built = data_action::start::build(
        &home.env,
        secrets,
        state,
        insights_http::client::IdleConnections::Keep,
    )
    .await;
    built.map(Arc::new).context("data-action")
}

/// The HTTP functions.
pub(crate) fn services(data_action: &Arc<data_action::Deps>) -> Services {
    let paths = ["data-actions", "health", "interactions"];
    Services::default().route(&paths, data_action, data_action::handle)
}

fn announce(addr: &SocketAddr, home: &Home, own_key: bool) {
    eprintln!("listening on http://{addr}");
    match &home.simulator {
        Some(simulator) => eprintln!(
            "contact centre: simulated, at {}; PUT /interactions/demo-bad or demo-good plays a call",
            simulator.url()
        ),
        None => eprintln!(
            "contact centre: {}",
            home.env.text("CXONE_BASE_URL").unwrap_or_default()
        ),
    }
    eprintln!("data: {}", home.data_dir.display());
    let key = if own_key {
        "the one given"
    } else {
        "'local-key', unless secrets.toml has another"
    };
    eprintln!("API key: {key}; Ctrl-C ends");
}

/// Ends at the first Ctrl-C or, where there is one, SIGTERM.
pub(crate) async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _either_way = tokio::signal::ctrl_c().await;
}
