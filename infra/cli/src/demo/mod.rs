//! The subcommand `demo`: plays scripted customers through every function, over real HTTP and against the simulator. No
//! account is needed.

mod chat;
mod data_action;
mod embedding;
mod kept_board;
mod live_calls;
mod report;
mod studio_script;
mod tenant;
mod tenant_feed;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use backends::tenant_settings::Profile;
use cxone_simulator::live::{Call, demo_calls};
use cxone_simulator::{Conversations, Scenario, demo_secrets};
use insights_http::client::IdleConnections;
use tokio::sync::oneshot;

use crate::local_context::{LocalArgs, LocalContext, ProfileName};
use crate::pipeline::Pipeline;
use crate::stop_signal::wait_for_stop_signal;
use crate::{gateway, serve};

/// Key for calls to the demo's own server.
const API_KEY: &str = demo_secrets::API_KEY;

/// Factor by which the chats are played faster than people type.
const CHAT_SPEED: f64 = 3.0;

/// Number of simulated conversations per day: enough for topics to appear, and few enough for a report within a second.
const CONVERSATIONS_PER_DAY: u32 = 60;

/// Arguments of the subcommand `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folder for everything that the demo writes
    #[arg(long, value_name = "DIR", default_value = "./insights-demo")]
    data_dir: PathBuf,
    /// Factor by which the scripts are played faster; 2 is twice as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = parse_speed)]
    speed: f64,
    /// API of the simulated contact center; the default is CXONE_PROFILE, or else tutorial
    #[arg(long, value_enum)]
    profile: Option<ProfileName>,
    /// Keeps the board of supervisors open after the last scene, with calls that go on, until Ctrl-C
    #[arg(long)]
    keep: bool,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            data_dir: "./insights-demo".into(),
            speed: 1.0,
            profile: None,
            keep: false,
        }
    }
}

fn parse_speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| (0.1..=1000.0).contains(speed))
        .ok_or_else(|| "a number from 0.1 to 1000".to_owned())
}

/// The server, the stores and the scripts that all scenes of the demo use.
struct Stage {
    /// Address of the local server.
    addr: SocketAddr,
    /// Client for calls to the local server.
    http: reqwest::Client,
    /// Factor by which the scripts are played faster.
    speed: f64,
    /// Stores and simulator of the demo.
    context: LocalContext,
    /// Data Action, whose model all functions of the demo share.
    data_action: Arc<::data_action::Deps>,
    /// Embedding model and vectors of the demo.
    pipeline: Pipeline,
    /// Live calls that are followed; in a tenant, digital contacts.
    calls: Vec<Call>,
}

impl Stage {
    /// Returns the URL of a path of the local server.
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Waits for a scripted pause, at the speed of the demo.
    async fn pause(&self, scripted: Duration) {
        tokio::time::sleep(scripted.div_f64(self.speed)).await;
    }
}

/// Plays the demo.
///
/// # Errors
/// If a scene fails; the error names the scene.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let started = Instant::now();
    let local = LocalArgs {
        profile: args.profile,
        ..LocalArgs::in_folder(&args.data_dir)
    };
    let mut calls = scripted_calls(args.speed);
    let mut kept = kept_board::calls();
    let context = match local.contact_center()? {
        Profile::Tutorial => {
            let scripted = calls.iter().chain(kept.iter().map(|kept| &kept.call));
            let scenario = Scenario {
                calls: scripted.cloned().collect(),
                conversations: Conversations {
                    per_day: CONVERSATIONS_PER_DAY,
                    ..Conversations::default()
                },
                ..crate::chat::scenario(args.speed * CHAT_SPEED)
            };
            LocalContext::open_with(&local, scenario, None).await?
        }
        Profile::Cxone => {
            let context = tenant::open(&local, args.speed * CHAT_SPEED).await?;
            tenant::open_contacts(&context, &mut calls)?;
            if args.keep {
                tenant::open_contacts(&context, kept.iter_mut().map(|kept| &mut kept.call))?;
            }
            context
        }
    };
    let data_action = serve::build_data_action(&context).await?;
    let services = serve::add_board(&context, serve::http_services(&data_action))?;
    let pipeline = Pipeline::open(&context)
        .await
        .context("the embedding pipeline cannot be opened")?;
    let (services, writer) = pipeline.add_functions(&context, services).await?;
    let writing = tokio::spawn(writer.run());
    let listener = gateway::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let addr = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(gateway::serve(listener, services, async {
        // A dropped sender stops the server too.
        let _ignored = stopped.await;
    }));
    let stage = Stage {
        addr,
        http: insights_http::client::build_client(IdleConnections::Keep)?,
        speed: args.speed,
        context,
        data_action,
        pipeline,
        calls,
    };
    println!(
        "cxone-insights {}: a day of a contact center in a minute",
        env!("CARGO_PKG_VERSION")
    );
    println!(
        "the board of supervisors: {}; the key is {API_KEY}",
        stage.url("/board")
    );
    let played = async {
        play_scenes(&stage).await?;
        if args.keep {
            kept_board::play(&stage, &kept).await?;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        result = played => result?,
        () = wait_for_stop_signal() => println!("\nstopped"),
    }
    writing.abort();
    let _server_gone = stop.send(());
    server.await.context("the server of the demo panicked")??;
    stage.context.shutdown().await;
    print_next_steps(&args, started.elapsed());
    Ok(())
}

/// Returns the scripted calls with ids that no earlier run used, since the state of earlier runs may still exist.
fn scripted_calls(speed: f64) -> Vec<Call> {
    let run = jiff::Timestamp::now().as_second();
    let mut calls = demo_calls(2.0 * speed);
    for call in &mut calls {
        call.id = format!("{}-{}", call.id, run % 100_000);
    }
    calls
}

async fn play_scenes(stage: &Stage) -> anyhow::Result<()> {
    let data_action = match stage.context.simulated_tenant {
        None => data_action::play(stage).await,
        Some(_) => studio_script::play(stage).await,
    };
    data_action.context("scene 1, the Data Action")?;
    live_calls::play(stage)
        .await
        .context("scene 2, the live calls")?;
    chat::play(stage)
        .await
        .context("scene 3, the chat session")?;
    let embedding = match stage.context.simulated_tenant {
        None => embedding::play(stage).await,
        Some(_) => tenant_feed::play(stage).await,
    };
    embedding.context("scene 4, the embedding pipeline")?;
    report::play(stage).await.context("scene 5, the report")
}

fn print_next_steps(args: &Args, took: Duration) {
    println!(
        "\nDone in {:.1} s. Everything that the demo wrote is in {}/",
        took.as_secs_f64(),
        args.data_dir.display()
    );
    println!("\nTry next:");
    println!("  cargo run -- score \"I want a refund now\"     scores your own sentences");
    println!(
        "  cargo run -- serve                           serves the same functions for your requests"
    );
    println!("  cargo run -- --help                          lists all subcommands");
}
