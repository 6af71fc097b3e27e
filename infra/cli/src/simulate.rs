//! The subcommand `simulate`: runs the contact center simulator alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use cxone_simulator::tenant::settings::ClientAuth;
use cxone_simulator::tenant::{FIDELITY, Quirk};
use cxone_simulator::{Scenario, Simulator, TenantSimulator};

const EXAMPLES: &str = "Examples:
  cxone-insights simulate
  cxone-insights simulate --addr 127.0.0.1:9000 --scenario faults.toml
  cxone-insights simulate --profile cxone --quirk repeated-links=off
  cxone-insights simulate --profile cxone --quirk all=off --quirk Q6=on

Faults can also be added while the simulator runs, by POST http://ADDR/_simulator/faults. GET /_simulator/requests returns
the number of requests.";

/// Arguments of the subcommand `simulate`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Address to listen on; the hosts of the profile cxone use the five ports after it too
    #[arg(long, default_value = "127.0.0.1:8788")]
    addr: SocketAddr,
    /// File of settings, faults and scripts, in TOML or JSON
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// API of the contact center: of published tutorials, or as far as known of the real product
    #[arg(long, value_enum, default_value_t = SimulatedProfile::Tutorial)]
    profile: SimulatedProfile,
    /// Switches one habit of the real product, as NAME=on or NAME=off; `all` is all of them
    #[arg(long = "quirk", value_name = "NAME=on|off")]
    quirks: Vec<String>,
}

/// The API that is simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SimulatedProfile {
    /// The API of published tutorials.
    Tutorial,
    /// The API of the real product, as far as public sources tell it.
    Cxone,
}

/// Runs the simulator until Ctrl-C.
///
/// # Errors
/// If the scenario is malformed, a quirk does not exist, or the address cannot be bound.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut scenario = args
        .scenario
        .as_deref()
        .map_or_else(|| Ok(Scenario::default()), Scenario::from_file)?;
    if args.profile == SimulatedProfile::Tutorial && !args.quirks.is_empty() {
        anyhow::bail!("--quirk belongs to --profile cxone");
    }
    for quirk in &args.quirks {
        scenario
            .tenant
            .quirks
            .switch(quirk)
            .map_err(anyhow::Error::msg)
            .context("--quirk")?;
    }
    match args.profile {
        SimulatedProfile::Tutorial => run_tutorial(scenario, args.addr).await,
        SimulatedProfile::Cxone => run_tenant(scenario, args.addr).await,
    }
}

async fn run_tutorial(scenario: Scenario, addr: SocketAddr) -> anyhow::Result<()> {
    let settings = scenario.settings.clone();
    let simulator = Simulator::start_at(scenario, addr)
        .await
        .with_context(|| format!("cannot listen on {addr}; choose another with --addr"))?;
    println!("the simulated contact center is at {}", simulator.url());
    println!(
        "client id {}, client secret {}; press Ctrl-C to stop",
        settings.client_id, settings.client_secret
    );
    wait_for_ctrl_c().await?;
    simulator.shutdown().await;
    Ok(())
}

async fn run_tenant(scenario: Scenario, addr: SocketAddr) -> anyhow::Result<()> {
    let (seed, settings) = (scenario.seed, scenario.tenant.clone());
    let tenant = TenantSimulator::start_at(scenario, addr)
        .await
        .with_context(|| {
            format!(
                "cannot listen on {addr} and the five ports after it; choose another with --addr"
            )
        })?;
    let hosts = tenant.hosts();
    println!("the simulated tenant: {FIDELITY}");
    for (role, url) in [
        ("issuer", &hosts.issuer),
        ("auth", &hosts.auth),
        ("api", &hosts.api),
        ("digital", &hosts.digital),
        ("event hub", &hosts.event_hub),
        ("notify", &hosts.notify),
    ] {
        println!("  {role:<10} {url}");
    }
    println!(
        "tenant {}, business unit {}",
        settings.tenant_id, settings.business_unit
    );
    let place = match settings.client_auth {
        ClientAuth::Basic => "Authorization: Basic",
        ClientAuth::Post => "the form",
    };
    println!(
        "client id {}, client secret {}, both in {place}",
        settings.client_id, settings.client_secret
    );
    println!(
        "access key {}, its secret {}",
        settings.access_key_id, settings.access_key_secret
    );
    let dates = if tenant.world().ignores_dates() {
        "ignored"
    } else {
        "honored"
    };
    println!("seed {seed}: dates of the segment feed are {dates}");
    println!("quirks, each switched by --quirk NAME=on|off:");
    for quirk in Quirk::all() {
        let state = if settings.quirks.has(quirk) {
            "on "
        } else {
            "off"
        };
        println!(
            "  Q{:<2} {state} {:<24} {}",
            quirk.number(),
            quirk.name(),
            quirk.summary()
        );
    }
    println!("press Ctrl-C to stop");
    wait_for_ctrl_c().await?;
    tenant.shutdown().await;
    Ok(())
}

async fn wait_for_ctrl_c() -> anyhow::Result<()> {
    tokio::signal::ctrl_c()
        .await
        .context("cannot wait for Ctrl-C")
}
