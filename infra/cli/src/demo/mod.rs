//! `demo`: the whole product on one machine, no account needed. Scripted customers go through the functions over real HTTP,
//! beside a simulated contact centre.

mod chat;
mod data_action;
mod embedding;
mod live_calls;
mod report;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use cxone_simulator::live::{Call, demo_calls};
use cxone_simulator::{Conversations, Scenario};
use insights_http::client::IdleConnections;
use tokio::sync::oneshot;

use crate::home::{Home, HomeArgs};
use crate::pipeline::Pipeline;
use crate::{gateway, serve};

/// The demo's key; the server is gone when the demo ends.
const API_KEY: &str = "local-key";

/// How much faster than people type the chats are played.
const CHAT_SPEED: f64 = 3.0;

/// Enough for topics to show, few enough for a second.
const CONVERSATIONS_PER_DAY: u32 = 60;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the demo leaves what it made
    #[arg(long, value_name = "DIR", default_value = "./insights-demo")]
    data_dir: PathBuf,
    /// How fast the scripts are played; 2 is twice as fast
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

impl Default for Args {
    fn default() -> Self {
        Self {
            data_dir: "./insights-demo".into(),
            speed: 1.0,
        }
    }
}

fn speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| (0.1..=1000.0).contains(speed))
        .ok_or_else(|| "a number from 0.1 to 1000".to_owned())
}

/// What every scene plays on.
struct Stage {
    /// The local server's address.
    addr: SocketAddr,
    /// For calls to it.
    http: reqwest::Client,
    /// How fast scripts are played.
    speed: f64,
    /// The stores and the simulated contact centre.
    home: Home,
    /// The Data Action, whose model all functions of the demo share.
    data_action: Arc<::data_action::Deps>,
    /// The live calls, and how many segments each has.
    calls: Vec<(String, u64)>,
}

impl Stage {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Waits as long as a script says, at the demo's speed.
    async fn pause(&self, scripted: Duration) {
        tokio::time::sleep(scripted.div_f64(self.speed)).await;
    }
}

/// Plays the demo.
///
/// # Errors
/// If a scene fails: the demo then says which.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let started = Instant::now();
    let scripted = calls(args.speed);
    let calls = scripted
        .iter()
        .map(|call| (call.id.clone(), call.lines.len() as u64))
        .collect();
    let scenario = Scenario {
        calls: scripted,
        conversations: Conversations {
            per_day: CONVERSATIONS_PER_DAY,
            ..Conversations::default()
        },
        ..crate::chat::scenario(args.speed * CHAT_SPEED)
    };
    let home = Home::open_with(&HomeArgs::local(&args.data_dir), scenario, None).await?;
    let data_action = serve::data_action(&home).await?;
    let services = serve::services(&data_action);
    let pipeline = Pipeline::open(&home)
        .await
        .context("the embedding pipeline")?;
    let (services, writer) = pipeline.serve(&home, services)?;
    let writing = tokio::spawn(writer.run());
    let listener = gateway::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let addr = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(gateway::serve(listener, services, async {
        let _dropped_too = stopped.await;
    }));
    let stage = Stage {
        addr,
        http: insights_http::client::build_client(IdleConnections::Keep)?,
        speed: args.speed,
        home,
        data_action,
        calls,
    };
    println!(
        "cxone-insights {}: a contact centre's day in a minute",
        env!("CARGO_PKG_VERSION")
    );
    tokio::select! {
        played = play(&stage) => played?,
        () = serve::stopped() => println!("\nstopped"),
    }
    writing.abort();
    let _server_gone = stop.send(());
    server.await.context("the demo's server")??;
    if let Some(simulator) = stage.home.simulator {
        simulator.shutdown().await;
    }
    farewell(&args, started.elapsed());
    Ok(())
}

/// The scripted calls under ids of their own for each run: the state of an earlier one may still be there.
fn calls(speed: f64) -> Vec<Call> {
    let run = jiff::Timestamp::now().as_second();
    let mut calls = demo_calls(2.0 * speed);
    for call in &mut calls {
        call.id = format!("{}-{}", call.id, run % 100_000);
    }
    calls
}

async fn play(stage: &Stage) -> anyhow::Result<()> {
    data_action::play(stage)
        .await
        .context("scene 1, the Data Action")?;
    live_calls::play(stage)
        .await
        .context("scene 2, the live calls")?;
    chat::play(stage)
        .await
        .context("scene 3, the chat session")?;
    embedding::play(stage)
        .await
        .context("scene 4, the embedding pipeline")?;
    report::play(stage).await.context("scene 5, the report")
}

fn farewell(args: &Args, took: Duration) {
    println!(
        "\nDone in {:.1} s. What the demo made is in {}/",
        took.as_secs_f64(),
        args.data_dir.display()
    );
    println!("\nTry next:");
    println!("  cargo run -- score \"I want a refund now\"     your own sentences");
    println!(
        "  cargo run -- serve                           the same functions, waiting for your requests"
    );
    println!("  cargo run -- --help                          everything else");
}
