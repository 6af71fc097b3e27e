//! Where a local run keeps its things, and whom it talks to: data folder, secrets, state, contact centre.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use backends::cxone_client;
use backends::stores::FunctionSecrets;
use cxone::endpoints::System;
use cxone_simulator::{Scenario, Settings, Simulator};
use insights_http::client::IdleConnections;
use runtime::config::Env;
use secrecy::SecretString;
use store::secrets::{SecretFile, SecretSource, SecretStore, Secrets};
use store::state::{SqliteState, State};
use url::Url;

/// The options that most subcommands share.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HomeArgs {
    /// Where state, archives, vectors and reports are kept
    #[arg(long, value_name = "DIR", default_value = "./insights-data")]
    pub(crate) data_dir: PathBuf,
    /// The contact centre; without it, a simulated one is started
    #[arg(long, value_name = "URL")]
    pub(crate) cxone_url: Option<Url>,
    /// Use the deployed stores: STATE_TABLE, SECRET_ID, OBJECT_BUCKET, … as a function does
    #[arg(long)]
    pub(crate) aws: bool,
}

impl HomeArgs {
    /// A local home in a folder, with its own simulated contact centre.
    pub(crate) fn local(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            cxone_url: None,
            aws: false,
        }
    }
}

/// What a local run has opened.
pub(crate) struct Home {
    /// The environment that the functions are configured from, with the contact centre's URL in it.
    pub(crate) env: Env,
    /// The data folder; it exists.
    pub(crate) data_dir: PathBuf,
    /// The secrets: a file in the data folder, or Secrets Manager.
    pub(crate) secrets: Arc<FunctionSecrets>,
    /// The state: a SQLite file in the data folder, or DynamoDB.
    pub(crate) state: State,
    /// The simulated contact centre, where this run has its own.
    pub(crate) simulator: Option<cxone_simulator::Handle>,
}

impl Home {
    /// Opens the stores, and starts a simulated contact centre where no other is named.
    ///
    /// # Errors
    /// If the folder cannot be written, a secret file is malformed, or AWS is not configured.
    pub(crate) async fn open(args: &HomeArgs) -> anyhow::Result<Self> {
        Self::open_with(args, Scenario::default(), None).await
    }

    /// As [`Home::open`], with a scenario for the simulator and an API key that goes before the secret file's.
    pub(crate) async fn open_with(
        args: &HomeArgs,
        scenario: Scenario,
        api_key: Option<&str>,
    ) -> anyhow::Result<Self> {
        let dir = &args.data_dir;
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let env = Env::process();
        let (secrets, state) = if args.aws {
            let stores = backends::stores::Stores::from_env(&env).await?;
            (stores.secrets, stores.state)
        } else {
            let given = api_key
                .map(|key| ("api_key".to_owned(), SecretString::from(key)))
                .into_iter()
                .collect();
            let source = local_secrets(
                &dir.join("secrets.toml"),
                given,
                &defaults(&scenario.settings),
            )
            .await?;
            let state = State::Sqlite(SqliteState::open(dir.join("state.sqlite"))?);
            (Arc::new(FunctionSecrets::new(source)), state)
        };
        let (url, simulator) = match (&args.cxone_url, env.text("CXONE_BASE_URL")) {
            (Some(url), _) => (url.to_string(), None),
            (None, Some(url)) => (url.to_owned(), None),
            (None, None) => {
                let simulator = Simulator::start(scenario)
                    .await
                    .context("cannot start the simulator")?;
                (simulator.url(), Some(simulator))
            }
        };
        let env = env.with("CXONE_BASE_URL", url);
        Ok(Self {
            env,
            data_dir: dir.clone(),
            secrets,
            state,
            simulator,
        })
    }

    /// A client of the contact centre with one system's scopes; tokens are kept in the state.
    ///
    /// # Errors
    /// If the URL is none.
    pub(crate) fn cxone_client(&self, system: System) -> anyhow::Result<cxone::CxoneClient> {
        cxone_client::client(
            &self.env,
            system,
            &self.secrets,
            &self.state,
            IdleConnections::Keep,
        )
    }
}

/// What the simulator accepts, for what a secret file does not hold.
fn defaults(settings: &Settings) -> Secrets {
    [
        ("client_id", settings.client_id.as_str()),
        ("client_secret", &settings.client_secret),
        ("api_key", "local-key"),
        ("webhook_secret", "local-webhook-secret"),
        ("openai_api_key", "demo-openai-key"),
        ("nlp_api_key", &settings.nlp_api_key),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
    .collect()
}

/// The values given on the command line, then the file's, then what the simulator accepts. A file that others may read is
/// closed to them first: an editor made it so, and it holds keys.
async fn local_secrets(
    file: &Path,
    given: Secrets,
    defaults: &Secrets,
) -> anyhow::Result<SecretSource> {
    if !file.exists() {
        return Ok(SecretSource::Given(given.or(defaults)));
    }
    close_to_others(file).with_context(|| format!("cannot make {} private", file.display()))?;
    let read = SecretFile::new(file, Secrets::default()).fetch().await?;
    Ok(SecretSource::Given(given.or(&read).or(defaults)))
}

#[cfg(unix)]
fn close_to_others(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        eprintln!(
            "{} could be read by others; its mode is now 600",
            file.display()
        );
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn close_to_others(_file: &Path) -> std::io::Result<()> {
    Ok(())
}
