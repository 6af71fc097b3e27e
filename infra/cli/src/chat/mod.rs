//! `chat`: one agent's chat session, live on the terminal; what is typed is sent.

mod script;
mod view;

pub(crate) use script::{SCRIPTED, scenario};
pub(crate) use view::{printable, show};

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use chat_session::Deps;
use chat_session::session::{self, Options, Outcome, Outgoing, Report};
use cxone::endpoints::System;
use store::objects::Objects;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::home::{Home, HomeArgs};
use crate::serve::stopped;

const EXAMPLES: &str = "Examples:
  cxone-insights chat --agent agent-001
  cxone-insights chat --agent agent-001 --cxone-url https://platform.example.com --json
  cxone-insights replay chat-refund --speed 4      what the session archived

Type CONVERSATION TEXT and Enter to send a message as the agent. Ctrl-C ends the session: the agent goes offline and every
conversation is archived to archive/CONVERSATION.jsonl in the data folder.";

/// The agent that `serve` works where CHAT_AGENTS names none.
const LOCAL_AGENT: &str = "local-agent";
/// How long the lease of a worker that was killed is waited for: longer than it lasts.
const LEASE_WAIT: Duration = Duration::from_secs(25);
/// After a background session failed.
const RESTART: Duration = Duration::from_secs(5);

/// Arguments of `chat`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The agent whose session this is
    #[arg(long, value_name = "ID")]
    agent: String,
    #[command(flatten)]
    home: HomeArgs,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Runs the session until Ctrl-C, and shows it.
///
/// # Errors
/// If another worker holds the agent, the stores fail, or a conversation could not be archived.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    chat_session::config::check_agents(std::slice::from_ref(&args.agent)).context("--agent")?;
    let home = Home::open_with(&args.home, scenario(1.0), None).await?;
    let deps = deps(&home, args.home.aws).await?;
    let stop = CancellationToken::new();
    let (shown, updates) = mpsc::channel(10_000);
    let (outbound, outgoing) = mpsc::channel(16);
    let options = Options {
        lease_wait: LEASE_WAIT,
        stop: stop.clone(),
        updates: Some(shown),
        outbound: Some(outgoing),
        ..Options::new(holder())
    };
    if !args.json {
        eprintln!(
            "session of {}; type CONVERSATION TEXT to answer, Ctrl-C ends",
            args.agent
        );
    }
    let viewing = tokio::spawn(show(updates, args.json, deps.scorer.is_there()));
    let typing = tokio::spawn(typed(outbound));
    let agent = args.agent.clone();
    let session = tokio::spawn(async move { session::run(deps, &agent, options).await });
    let ending = stop.clone();
    tokio::spawn(async move {
        stopped().await;
        ending.cancel();
    });
    let report = session.await??;
    typing.abort();
    viewing.await?;
    farewell(&report, &args)?;
    if let Some(simulator) = home.simulator {
        simulator.shutdown().await;
    }
    Ok(())
}

/// What a session needs, with the stores of this run. Archives are below the data folder.
///
/// # Errors
/// If a variable is wrong, or the model does not load.
pub(crate) async fn deps(home: &Home, aws: bool) -> anyhow::Result<Arc<Deps>> {
    let client = home.cxone_client(System::Chat)?;
    let objects = objects(home, aws).await?;
    Ok(Arc::new(
        chat_session::start::build(
            &home.env,
            client,
            &home.secrets,
            home.state.clone(),
            objects,
        )
        .await?,
    ))
}

/// The same with what scores for the Data Action already.
///
/// # Errors
/// If a variable is wrong.
pub(crate) async fn deps_beside(
    home: &Home,
    aws: bool,
    provider: &sentiment::Provider,
) -> anyhow::Result<Arc<Deps>> {
    let scorer = chat_session::scoring::Scorer::new(provider.clone());
    let client = home.cxone_client(System::Chat)?;
    let objects = objects(home, aws).await?;
    let deps =
        chat_session::start::build_with(&home.env, client, home.state.clone(), objects, scorer);
    Ok(Arc::new(deps.await?))
}

/// The object store of this run: the data folder, or the bucket.
///
/// # Errors
/// If the folder cannot be used, or `OBJECT_BUCKET` is not set.
pub(crate) async fn objects(home: &Home, aws: bool) -> anyhow::Result<Objects> {
    if !aws {
        return Ok(Objects::folder(&home.data_dir)?);
    }
    let bucket = home
        .env
        .required("OBJECT_BUCKET", "the name of the S3 bucket")?;
    let config = store::aws::config(home.env.text("AWS_ENDPOINT_URL")).await;
    Ok(Objects::s3(&config, &bucket)?)
}

/// Works the sessions of the configured agents until `stop`, each again if it fails. Returns when all have ended.
pub(crate) async fn work(deps: Arc<Deps>, stop: CancellationToken) {
    let mut agents = deps.config.agents.clone();
    if agents.is_empty() {
        agents.push(LOCAL_AGENT.to_owned());
    }
    let sessions = agents
        .into_iter()
        .map(|agent| work_one(Arc::clone(&deps), agent, stop.clone()));
    futures::future::join_all(sessions).await;
}

async fn work_one(deps: Arc<Deps>, agent: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let options = Options {
            lease_wait: LEASE_WAIT,
            stop: stop.clone(),
            ..Options::new(holder())
        };
        match session::run(Arc::clone(&deps), &agent, options).await {
            Ok(report) => tracing::debug!(agent, outcome = ?report.outcome, "chat session"),
            Err(error) => {
                tracing::error!(agent, error = format!("{error:#}"), "chat session failed")
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RESTART) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// A name for a lease's holder that no other process has.
pub(crate) fn holder() -> String {
    format!(
        "{}-{}",
        std::process::id(),
        jiff::Timestamp::now().as_microsecond()
    )
}

/// Sends what is typed: the conversation, a space, the text.
async fn typed(outbound: mpsc::Sender<Outgoing>) {
    let (lines, mut typed) = mpsc::channel::<String>(16);
    // A thread of its own that nobody waits for: reading a terminal cannot be given up.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = typed.recv().await {
        let Some((conversation, text)) = line.trim().split_once(char::is_whitespace) else {
            if !line.trim().is_empty() {
                eprintln!("not sent: type the conversation, a space, and the text");
            }
            continue;
        };
        let (taken, answer) = oneshot::channel();
        let outgoing = Outgoing {
            conversation_id: conversation.to_owned(),
            text: text.trim().to_owned(),
            taken,
        };
        if outbound.send(outgoing).await.is_err() {
            return;
        }
        if let Ok(Err(reason)) = answer.await {
            eprintln!("not sent: {reason}");
        }
    }
}

fn farewell(report: &Report, args: &Args) -> anyhow::Result<()> {
    let Some(summary) = &report.summary else {
        bail!("another worker holds the session of {}", args.agent);
    };
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "event": "ended", "outcome": report.outcome, "summary": summary })
        );
    } else {
        let ms =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |ms| format!("{ms:.0} ms"));
        println!(
            "\n{} messages, {} sent, {} recovered, {} conversations archived; latency p50 {}, p99 {}, {} past the service level",
            summary.messages,
            summary.sent,
            summary.recovered,
            summary.archived,
            ms(summary.sla.p50_ms),
            ms(summary.sla.p99_ms),
            summary.sla.breaches
        );
    }
    match report.outcome {
        Outcome::Lost => bail!(
            "another worker has taken over the session of {}",
            args.agent
        ),
        Outcome::Held | Outcome::Ended | Outcome::HandedOver => Ok(()),
    }
}
