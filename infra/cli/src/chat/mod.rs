//! The subcommand `chat`: works the chat session of one agent on the terminal, and sends what the user types.

mod script;
mod view;

pub(crate) use script::{SCRIPTED_CHATS, scenario};
pub(crate) use view::{printable, show_updates};

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use backends::tenant_settings::Profile;
use chat_session::Deps;
use chat_session::config::Config;
use chat_session::session::{self, Options, Outcome, OutgoingMessage, Report};
use chat_session::tenant_chats::EVERYBODY;
use insights_http::WithCauses;
use runtime::Observer;
use sentiment::Provider;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::local_context::{LocalArgs, LocalContext};
use crate::stop_signal::wait_for_stop_signal;

const EXAMPLES: &str = "Examples:
  cxone-insights chat --agent agent-001
  cxone-insights chat --agent agent-001 --cxone-url https://platform.example.com --json
  cxone-insights replay chat-refund --speed 4      replays what the session archived

Type a conversation's id, a space, the text and Enter to send a message as the agent. Ctrl-C ends the session: the agent goes
offline, and every conversation is archived to archive/CONVERSATION.jsonl in the data folder. With the profile cxone nothing is sent
or set, and the agent `all` is all open digital contacts.";

/// Agent whose session `serve` works if `CHAT_AGENTS` names no agents.
const DEFAULT_AGENT: &str = "local-agent";
/// How long to wait for the lease of another worker: longer than the lease of a killed worker lasts.
const LEASE_WAIT: Duration = Duration::from_secs(25);
/// Delay before a failed background session starts again.
const RESTART_DELAY: Duration = Duration::from_secs(5);

/// Arguments of the subcommand `chat`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Id of the agent
    #[arg(long, value_name = "ID")]
    agent: String,
    #[command(flatten)]
    local: LocalArgs,
    /// Prints one JSON object per event
    #[arg(long)]
    json: bool,
}

/// Runs the session until Ctrl-C, and shows its events.
///
/// # Errors
/// If another worker holds the agent, the stores fail, or a conversation could not be archived.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    chat_session::config::check_agents(std::slice::from_ref(&args.agent)).context("--agent")?;
    let context = LocalContext::open_with(&args.local, scenario(1.0), None).await?;
    context.announce_simulated_tenant();
    let deps = build(&context, None).await?;
    let stop = CancellationToken::new();
    let (shown, updates) = mpsc::channel(10_000);
    let (outbound, outgoing) = mpsc::channel(16);
    let options = Options {
        lease_wait: LEASE_WAIT,
        stop: stop.clone(),
        updates: Observer::sending(shown),
        outbound: Some(outgoing),
        ..Options::new(lease_holder())
    };
    let is_tenant = deps.config.cxone.profile == Profile::Cxone;
    if !args.json {
        eprintln!("{}", describe_session(&args.agent, is_tenant));
    }
    let viewing = tokio::spawn(show_updates(
        updates,
        args.json,
        deps.scorer.is_enabled(),
        deps.config.redaction.for_views(),
    ));
    let typing = (!is_tenant).then(|| tokio::spawn(send_typed_lines(outbound)));
    let agent = args.agent.clone();
    let session = tokio::spawn(async move { session::run(deps, &agent, options).await });
    let ending = stop.clone();
    tokio::spawn(async move {
        wait_for_stop_signal().await;
        ending.cancel();
    });
    let report = session.await??;
    if let Some(typing) = typing {
        typing.abort();
    }
    viewing.await?;
    print_summary(&report, &args, is_tenant)?;
    context.shutdown().await;
    Ok(())
}

/// Builds the chat session on the stores of this run and, where there is one, with a sentiment provider that is loaded already.
/// Archives are written below the data folder, or to the bucket of `OBJECT_BUCKET`.
///
/// # Errors
/// If a setting is wrong, or the model does not load.
pub(crate) async fn build(
    context: &LocalContext,
    provider: Option<&Provider>,
) -> anyhow::Result<Arc<Deps>> {
    let config = Config::from_env(&context.env)?;
    let config = match provider {
        Some(provider) => config.with_scorer(provider.clone()),
        None => config,
    };
    Ok(Arc::new(Deps::new(&context.backends, config).await?))
}

/// Runs the sessions of the configured agents until `stop`, and starts a failed session again. Returns when all sessions
/// have ended.
pub(crate) async fn run_sessions(deps: Arc<Deps>, stop: CancellationToken) {
    let mut agents = deps.config.worked_agents();
    if agents.is_empty() {
        agents.push(DEFAULT_AGENT.to_owned());
    }
    let sessions = agents
        .into_iter()
        .map(|agent| run_session(Arc::clone(&deps), agent, stop.clone()));
    futures::future::join_all(sessions).await;
}

async fn run_session(deps: Arc<Deps>, agent: String, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let options = Options {
            lease_wait: LEASE_WAIT,
            stop: stop.clone(),
            ..Options::new(lease_holder())
        };
        match session::run(Arc::clone(&deps), &agent, options).await {
            Ok(report) => {
                tracing::debug!(agent, outcome = ?report.outcome, "the chat session has ended")
            }
            Err(error) => {
                let error: &dyn std::error::Error = error.as_ref();
                tracing::error!(
                    agent,
                    cause = %WithCauses(error),
                    "the chat session failed and will start again"
                );
            }
        }
        tokio::select! {
            () = tokio::time::sleep(RESTART_DELAY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Returns a name for the holder of leases that no other process uses.
pub(crate) fn lease_holder() -> String {
    format!(
        "{}-{}",
        std::process::id(),
        jiff::Timestamp::now().as_microsecond()
    )
}

/// Sends each line of standard input as a message: the conversation's id, a space, the text.
async fn send_typed_lines(outbound: mpsc::Sender<OutgoingMessage>) {
    let (lines, mut typed_lines) = mpsc::channel::<String>(16);
    // Reading from a terminal cannot be canceled, so that it happens on a thread that nobody waits for.
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = typed_lines.recv().await {
        let Some((conversation, text)) = line.trim().split_once(char::is_whitespace) else {
            if !line.trim().is_empty() {
                eprintln!("not sent: type the conversation's id, a space, and the text");
            }
            continue;
        };
        let (accepted, answer) = oneshot::channel();
        let outgoing = OutgoingMessage {
            conversation_id: conversation.to_owned(),
            text: text.trim().to_owned(),
            accepted,
        };
        if outbound.send(outgoing).await.is_err() {
            return;
        }
        if let Ok(Err(reason)) = answer.await {
            eprintln!("not sent: {reason}");
        }
    }
}

/// Returns what a session does and how it ends. The agents of a tenant answer in their own application.
fn describe_session(agent: &str, is_tenant: bool) -> String {
    let whose = match agent {
        EVERYBODY if is_tenant => "all open digital contacts".to_owned(),
        agent => format!("session of {agent}"),
    };
    let answer = match is_tenant {
        true => "",
        false => "type CONVERSATION TEXT to answer, ",
    };
    format!("{whose}; {answer}press Ctrl-C to stop")
}

fn print_summary(report: &Report, args: &Args, is_tenant: bool) -> anyhow::Result<()> {
    let Some(summary) = &report.summary else {
        bail!("another worker holds the session of {}", args.agent);
    };
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "event": "ended", "outcome": report.outcome, "summary": summary })
        );
    } else if is_tenant {
        // All of them are read from the contacts: no stream shows them, and no latency is that of one.
        println!(
            "\n{} messages, {} conversations archived",
            summary.messages + summary.recovered,
            summary.archived
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
