//! `register`: registers the Data Action's schema with the contact centre.

use std::time::Duration;

use anyhow::Context;
use cxone::data_actions::{self, Registered};
use cxone::endpoints::System;
use insights_http::Deadline;
use serde_json::json;

use crate::home::{Home, HomeArgs};

const EXAMPLES: &str = "Examples:
  cxone-insights register                                          with a simulated contact centre
  cxone-insights register --cxone-url https://platform.example.com   credentials from DIR/secrets.toml";

/// How long the registration may take, retries included.
const LIMIT: Duration = Duration::from_secs(30);

/// Arguments of `register`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
    /// Print the schema that would be registered, and stop
    #[arg(long)]
    dry_run: bool,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

/// Registers, or says that it was registered before.
///
/// # Errors
/// If the schema is invalid, or the contact centre refuses or does not answer.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let definition = data_actions::sentiment_action();
    data_actions::validate(&definition)?;
    if args.dry_run {
        println!("{}", serde_json::to_string_pretty(&definition)?);
        return Ok(());
    }
    let home = Home::open(&args.home).await?;
    let client = home.cxone_client(System::DataAction)?;
    let registered = data_actions::register(&client, &definition, Deadline::within(LIMIT))
        .await
        .with_context(|| format!("{} was not registered", definition.name))?;
    let (status, id) = match &registered {
        Registered::Created { id } => ("created", Some(id.as_str())),
        Registered::Exists => ("exists", None),
    };
    if args.json {
        println!(
            "{}",
            json!({"name": definition.name, "status": status, "id": id})
        );
    } else {
        match id {
            Some(id) => println!("registered {} as {id}", definition.name),
            None => println!("{} is registered already; nothing changed", definition.name),
        }
    }
    Ok(())
}
