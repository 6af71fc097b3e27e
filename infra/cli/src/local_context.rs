//! What a local run works with: the data folder, secrets, state store and contact center.

use std::path::{Path, PathBuf};

use anyhow::Context;
use backends::settings::{AwsSettings, ContactCenterSecretSettings, CxoneSettings, StateSettings};
use backends::tenant_settings::Profile;
use backends::{Backends, TenantShare};
use cxone::endpoints::System;
use cxone_simulator::tenant::{TenantHandle, TenantSimulator};
use cxone_simulator::{Scenario, Settings, Simulator, demo_secrets};
use insights_http::client::IdleConnections;
use runtime::config::Env;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use store::secrets::{SecretFile, SecretStore, Secrets};
use url::Url;

/// Options that most subcommands share.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LocalArgs {
    /// Folder that holds state, archives, vectors and reports
    #[arg(long, value_name = "DIR", default_value = "./insights-data")]
    pub(crate) data_dir: PathBuf,
    /// Base URL of the contact center, with the profile cxone its issuer; where nothing names one, a simulator is started
    #[arg(long, value_name = "URL")]
    pub(crate) cxone_url: Option<Url>,
    /// API of the contact center; the default is CXONE_PROFILE, or else tutorial
    #[arg(long, value_enum)]
    pub(crate) profile: Option<ProfileName>,
    /// Uses the deployed stores, as a function does: STATE_TABLE, SECRET_ID, OBJECT_BUCKET and so on
    #[arg(long)]
    pub(crate) aws: bool,
}

/// The name of a profile on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProfileName {
    /// The API of published tutorials
    Tutorial,
    /// The API of a NICE CXone tenant
    Cxone,
}

impl ProfileName {
    /// Returns the value of `CXONE_PROFILE` for this profile.
    fn setting(self) -> &'static str {
        match self {
            Self::Tutorial => "tutorial",
            Self::Cxone => "cxone",
        }
    }
}

impl LocalArgs {
    /// Returns which API the contact center of the run has.
    ///
    /// # Errors
    /// If a setting of the contact center is not allowed.
    pub(crate) fn contact_center(&self) -> anyhow::Result<Profile> {
        Ok(CxoneSettings::from_env(&self.env())?.profile)
    }

    /// Returns the environment of the process with the profile of the options.
    fn env(&self) -> Env {
        let env = Env::process();
        match self.profile {
            Some(profile) => env.with("CXONE_PROFILE", profile.setting()),
            None => env,
        }
    }

    /// Returns the options of a run that keeps its data in `data_dir` and starts its own simulator.
    pub(crate) fn in_folder(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            cxone_url: None,
            profile: None,
            aws: false,
        }
    }
}

/// The opened stores of a local run, and the contact center that the run talks to.
pub(crate) struct LocalContext {
    /// Environment that the functions are configured from; `CXONE_BASE_URL` is set in it.
    pub(crate) env: Env,
    /// Data folder of the run, which exists.
    pub(crate) data_dir: PathBuf,
    /// Stores and clients: files in the data folder, or those of AWS.
    pub(crate) backends: Backends,
    /// Simulated contact center, if this run started one.
    pub(crate) simulator: Option<cxone_simulator::Handle>,
    /// Simulated tenant, if this run started one.
    pub(crate) simulated_tenant: Option<TenantHandle>,
}

impl LocalContext {
    /// Opens the stores, and starts a simulator unless the options, a setting or an access key name a contact center.
    ///
    /// # Errors
    /// If the folder cannot be written, the secret file is malformed, or AWS is not configured.
    pub(crate) async fn open(args: &LocalArgs) -> anyhow::Result<Self> {
        Self::open_with(args, Scenario::default(), None).await
    }

    /// Opens the stores as [`LocalContext::open`] does, with a scenario for the simulator and an API key that takes
    /// precedence over the key of the secret file.
    pub(crate) async fn open_with(
        args: &LocalArgs,
        scenario: Scenario,
        api_key: Option<&str>,
    ) -> anyhow::Result<Self> {
        let dir = &args.data_dir;
        std::fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let env = args.env();
        let mut has_access_key = false;
        let backends = if args.aws {
            Backends::aws(&env).await?.with_folder(dir)
        } else {
            let given: Secrets = api_key
                .map(|key| ("api_key".to_owned(), SecretString::from(key)))
                .into_iter()
                .collect();
            let read = read_secret_file(&dir.join("secrets.toml")).await?;
            has_access_key = read.get("access_key_id").is_some();
            let secrets = given.or_from(&read);
            let secrets = with_board_key(secrets.or_from(&default_secrets(&scenario.settings)));
            Backends::laptop(dir, secrets).with_aws_settings(AwsSettings::from_env(&env)?)
        };
        let backends = backends.with_connections(IdleConnections::Keep);
        let mut simulated_tenant = None;
        let (env, simulator) = match CxoneSettings::from_env(&env)?.profile {
            Profile::Tutorial => tutorial(args, env, scenario).await?,
            Profile::Cxone => {
                let (env, simulated) = tenant(args, env, scenario, has_access_key).await?;
                simulated_tenant = simulated;
                (env, None)
            }
        };
        Ok(Self {
            env,
            data_dir: dir.clone(),
            backends,
            simulator,
            simulated_tenant,
        })
    }

    /// Returns the settings of the contact center.
    ///
    /// # Errors
    /// If one of them is not allowed.
    pub(crate) fn cxone_settings(&self) -> anyhow::Result<CxoneSettings> {
        Ok(CxoneSettings::from_env(&self.env)?)
    }

    /// Says on the error stream that the tenant of this run is a simulated one, where it is: what a command finds there says nothing of
    /// the user's own.
    pub(crate) fn announce_simulated_tenant(&self) {
        if self.simulated_tenant.is_some() {
            let secrets = self.data_dir.join("secrets.toml");
            eprintln!(
                "this is a simulated tenant: for your own, put its access key into {}, or set CXONE_ISSUER",
                secrets.display()
            );
        }
    }

    /// Returns a client of the tenant with one share of the requests. Its tokens are kept in the state store.
    ///
    /// # Errors
    /// If a setting of the tenant cannot be used.
    pub(crate) fn tenant_client(
        &self,
        share: TenantShare,
    ) -> anyhow::Result<cxone::tenant::TenantClient> {
        let secret = ContactCenterSecretSettings::from_env(&self.env)?;
        let secrets = self.backends.secrets(&secret.id)?;
        let state = self.backends.state(&StateSettings::from_env(&self.env)?)?;
        self.backends
            .tenant_client(&self.cxone_settings()?, share, 1, &secrets, &state)
    }

    /// Stops the simulated contact center, if this run started one.
    pub(crate) async fn shutdown(self) {
        if let Some(simulator) = self.simulator {
            simulator.shutdown().await;
        }
        if let Some(tenant) = self.simulated_tenant {
            tenant.shutdown().await;
        }
    }

    /// Returns a client of the contact center with the scopes of one system. Its tokens are kept in the state store.
    ///
    /// # Errors
    /// If `CXONE_BASE_URL` is not a URL.
    pub(crate) fn cxone_client(&self, system: System) -> anyhow::Result<cxone::CxoneClient> {
        let secret = ContactCenterSecretSettings::from_env(&self.env)?;
        let secrets = self.backends.secrets(&secret.id)?;
        let state = self.backends.state(&StateSettings::from_env(&self.env)?)?;
        let settings = CxoneSettings::from_env(&self.env)?;
        self.backends
            .cxone_client(&settings, system, &secrets, &state)
    }
}

/// Returns the environment of a contact center with the API of tutorials, and the simulator if one was started for it.
async fn tutorial(
    args: &LocalArgs,
    env: Env,
    scenario: Scenario,
) -> anyhow::Result<(Env, Option<cxone_simulator::Handle>)> {
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
    Ok((env.with("CXONE_BASE_URL", url), simulator))
}

/// Settings that name a tenant. Without one of them and without an access key there is no tenant to talk to.
const TENANT_NAMES: [&str; 3] = ["CXONE_ISSUER", "CXONE_TENANT_ID", "CXONE_BASE_URL"];

/// Returns the environment of a tenant, and the simulated one if one was started: where no option or setting names a tenant, and
/// no secret has the access key of one. The issuer of the commercial cloud needs no name.
async fn tenant(
    args: &LocalArgs,
    env: Env,
    scenario: Scenario,
    has_access_key: bool,
) -> anyhow::Result<(Env, Option<TenantHandle>)> {
    if let Some(url) = &args.cxone_url {
        return Ok((env.with("CXONE_ISSUER", url.to_string()), None));
    }
    if args.aws || has_access_key || TENANT_NAMES.iter().any(|name| env.text(name).is_some()) {
        return Ok((env, None));
    }
    let tenant = TenantSimulator::start(scenario)
        .await
        .context("cannot start the simulated tenant")?;
    let hosts = tenant.hosts();
    let env = env
        .with("CXONE_ISSUER", hosts.issuer)
        .with("CXONE_DIGITAL_URL", hosts.digital)
        .with("CXONE_EVENT_HUB_URL", hosts.event_hub)
        .with("CXONE_VOICE_NOTIFICATIONS_URL", hosts.notify);
    Ok((env, Some(tenant)))
}

/// Returns the secrets that the simulator and the functions accept where the secret file has no others.
fn default_secrets(settings: &Settings) -> Secrets {
    [
        ("client_id", settings.client_id.as_str()),
        ("client_secret", &settings.client_secret),
        ("access_key_id", demo_secrets::ACCESS_KEY_ID),
        ("access_key_secret", demo_secrets::ACCESS_KEY_SECRET),
        ("api_key", demo_secrets::API_KEY),
        ("webhook_secret", demo_secrets::WEBHOOK_SECRET),
        ("openai_api_key", &settings.openai_api_key),
        ("nlp_api_key", &settings.nlp_api_key),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), SecretString::from(value)))
    .collect()
}

/// Returns the secrets of the secret file; none if there is no file. Editors create files that other users may read; a secret file
/// is made private before it is read.
async fn read_secret_file(file: &Path) -> anyhow::Result<Secrets> {
    if !file.exists() {
        return Ok(Secrets::default());
    }
    make_private(file).with_context(|| format!("cannot make {} private", file.display()))?;
    Ok(SecretFile::new(file, Secrets::default()).fetch().await?)
}

/// Lets the one API key log in to the board of supervisors too, unless the secrets list keys of their own.
fn with_board_key(secrets: Secrets) -> Secrets {
    let Some(key) = secrets.get("api_key") else {
        return secrets;
    };
    let entry = json!([{"name": "local", "key": key.expose_secret(), "scopes": ["board"]}]);
    let entry = SecretString::from(entry.to_string());
    let listed: Secrets = [("api_keys".to_owned(), entry)].into_iter().collect();
    secrets.or_from(&listed)
}

#[cfg(unix)]
fn make_private(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        eprintln!(
            "{} was readable by other users; its mode is now 600",
            file.display()
        );
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private(_file: &Path) -> std::io::Result<()> {
    Ok(())
}
