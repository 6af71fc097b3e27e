//! The subcommand `simulate`: runs the contact center simulator alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use cxone_simulator::{Scenario, Simulator};

const EXAMPLES: &str = "Examples:
  cxone-insights simulate
  cxone-insights simulate --addr 127.0.0.1:9000 --scenario faults.toml

Faults can also be added while the simulator runs, by POST http://ADDR/_simulator/faults. GET /_simulator/requests returns
the number of requests.";

/// Arguments of the subcommand `simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1:8788")]
    addr: SocketAddr,
    /// File of settings, faults and scripts, in TOML or JSON
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
}

/// Runs the simulator until Ctrl-C.
///
/// # Errors
/// If the scenario is malformed, or the address cannot be bound.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let scenario = args
        .scenario
        .as_deref()
        .map_or_else(|| Ok(Scenario::default()), Scenario::from_file)?;
    let settings = scenario.settings.clone();
    let simulator = Simulator::start_at(scenario, args.addr)
        .await
        .with_context(|| format!("cannot listen on {}; choose another with --addr", args.addr))?;
    println!("the simulated contact center is at {}", simulator.url());
    println!(
        "client id {}, client secret {}; press Ctrl-C to stop",
        settings.client_id, settings.client_secret
    );
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")?;
    simulator.shutdown().await;
    Ok(())
}
