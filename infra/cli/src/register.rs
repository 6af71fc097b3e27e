//! The subcommand `register`: registers the schema of the Data Action with the contact center.

use std::time::Duration;

use anyhow::Context;
use cxone::data_actions::{self, Registration};
use cxone::endpoints::System;
use insights_http::Deadline;
use serde_json::json;

use crate::local_context::{LocalArgs, LocalContext};

const EXAMPLES: &str = "Examples:
  cxone-insights register                                           registers with the simulator
  cxone-insights register --cxone-url https://platform.example.com   uses the credentials of DIR/secrets.toml";

/// Longest time that the registration may take, retries included.
const REGISTRATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Arguments of the subcommand `register`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(flatten)]
    local: LocalArgs,
    /// Prints the schema without registering it
    #[arg(long)]
    dry_run: bool,
    /// Prints the result as one JSON object
    #[arg(long)]
    json: bool,
}

/// Registers the schema, or reports that the schema is registered already.
///
/// # Errors
/// If the schema is invalid, or the contact center refuses or does not answer.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let definition = data_actions::sentiment_action();
    data_actions::validate(&definition)?;
    if args.dry_run {
        println!("{}", serde_json::to_string_pretty(&definition)?);
        return Ok(());
    }
    let context = LocalContext::open(&args.local).await?;
    let client = context.cxone_client(System::DataAction)?;
    let registered =
        data_actions::register(&client, &definition, Deadline::within(REGISTRATION_TIMEOUT))
            .await
            .with_context(|| format!("{} was not registered", definition.name))?;
    let (status, id) = match &registered {
        Registration::Created { id } => ("created", Some(id.as_str())),
        Registration::Exists => ("exists", None),
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
