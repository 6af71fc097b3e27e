//! The surroundings of a function under test.

use std::path::Path;
use std::sync::Arc;

use backends::{Backends, FunctionSecrets};
use cxone_simulator::{FaultRule, Handle, Scenario, Simulator, demo_secrets};
use runtime::config::Env;
use secrecy::SecretString;
use store::objects::Objects;
use store::secrets::{AnySecretStore, Secrets};
use store::state::{SqliteState, State};
use tempfile::TempDir;

/// What surrounds a function under test: a simulated contact center, embedded stores in a temporary folder, the
/// demonstration secrets, and the environment that functions are configured from.
#[derive(Debug)]
pub struct TestFixture {
    /// The simulated contact center.
    pub simulator: Handle,
    /// The environment of the functions. `CXONE_BASE_URL` names the simulator.
    pub env: Env,
    /// The demonstration secrets, with those that the builder replaced.
    pub secrets: Arc<FunctionSecrets>,
    /// The state store: a SQLite file in [`TestFixture::folder`], unless the builder was given another one.
    pub state: State,
    /// The object store: files in [`TestFixture::folder`].
    pub objects: Objects,
    /// The temporary folder that holds the stores; it is removed with the fixture.
    pub folder: TempDir,
    given_state: Option<State>,
    given_secrets: Secrets,
}

impl TestFixture {
    /// Starts a fixture with a scenario of the simulator and no further settings.
    ///
    /// # Panics
    /// As [`TestFixtureBuilder::start`].
    pub async fn start(scenario: Scenario) -> Self {
        Self::builder().scenario(scenario).start().await
    }

    /// Returns a builder with the default scenario, the demonstration secrets and an empty environment.
    #[must_use]
    pub fn builder() -> TestFixtureBuilder {
        TestFixtureBuilder::default()
    }

    /// Returns the backends of a process of its own: the same stores, opened again, and the same secrets.
    #[must_use]
    pub fn backends(&self) -> Backends {
        let backends = Backends::laptop(self.folder.path(), self.given_secrets.clone());
        match &self.given_state {
            Some(state) => backends.with_state(state.clone()),
            None => backends,
        }
    }

    /// Opens the state store again, as another process would: the handle shares nothing with [`TestFixture::state`] but the
    /// file. A store that the builder was given is returned as it is.
    ///
    /// # Panics
    /// If the file cannot be opened.
    #[must_use]
    pub fn reopen_state(&self) -> State {
        self.given_state
            .clone()
            .unwrap_or_else(|| open_state(self.folder.path()))
    }
}

/// Collects what a [`TestFixture`] starts with.
#[derive(Debug, Default)]
pub struct TestFixtureBuilder {
    scenario: Scenario,
    env: Env,
    secrets: Vec<(String, String)>,
    state: Option<State>,
}

impl TestFixtureBuilder {
    /// Sets what the simulator starts with.
    #[must_use]
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// Sets one variable of the environment.
    #[must_use]
    pub fn setting(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env = self.env.with(name, value);
        self
    }

    /// Sets several variables of the environment; later ones replace earlier ones.
    #[must_use]
    pub fn settings(mut self, settings: &[(&str, &str)]) -> Self {
        for (name, value) in settings {
            self.env = self.env.with(name, *value);
        }
        self
    }

    /// Replaces or adds one secret.
    #[must_use]
    pub fn secret(mut self, name: &str, value: impl Into<String>) -> Self {
        self.secrets.push((name.to_owned(), value.into()));
        self
    }

    /// Uses another state store than a file in the temporary folder.
    #[must_use]
    pub fn state(mut self, state: State) -> Self {
        self.state = Some(state);
        self
    }

    /// Starts the simulator and opens the stores.
    ///
    /// # Panics
    /// If no port can be bound or the temporary folder cannot be written.
    pub async fn start(self) -> TestFixture {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let simulator = Simulator::start(self.scenario).await.expect("a free port");
        let state = self
            .state
            .clone()
            .unwrap_or_else(|| open_state(folder.path()));
        let replaced: Vec<(&str, &str)> = self
            .secrets
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        TestFixture {
            env: self.env.with("CXONE_BASE_URL", simulator.url()),
            secrets: secrets_of(&replaced),
            given_secrets: secret_values(&replaced),
            objects: Objects::open_folder(folder.path()).expect("a folder of objects"),
            given_state: self.state,
            simulator,
            state,
            folder,
        }
    }
}

/// Starts a simulator whose only difference from the default scenario are these fault rules.
///
/// # Panics
/// If no port can be bound.
pub async fn start_simulator(faults: impl IntoIterator<Item = FaultRule>) -> Handle {
    let scenario = Scenario {
        faults: faults.into_iter().collect(),
        ..Scenario::default()
    };
    Simulator::start(scenario).await.expect("a free port")
}

/// Opens the SQLite state store in `folder`.
///
/// # Panics
/// If the file cannot be created or opened.
#[must_use]
pub fn open_state(folder: &Path) -> State {
    let path = folder.join("state.sqlite");
    State::Sqlite(SqliteState::open(path).expect("a state file"))
}

/// Returns the demonstration secrets with some of them replaced, and others added.
#[must_use]
pub fn secrets_of(replaced: &[(&str, &str)]) -> Arc<FunctionSecrets> {
    let source = AnySecretStore::Given(secret_values(replaced));
    Arc::new(FunctionSecrets::new(source))
}

/// Returns the same values as they are given to [`Backends::laptop`].
#[must_use]
pub fn secret_values(replaced: &[(&str, &str)]) -> Secrets {
    let values = demo_secrets::ALL.iter().chain(replaced);
    let values = values.map(|(name, value)| ((*name).to_owned(), SecretString::from(*value)));
    values.collect()
}
