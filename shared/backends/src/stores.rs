//! The deployed stores that every function has: secrets and state.

use std::sync::Arc;

use store::secrets::{AnySecretStore, CachedSecrets, SecretsManager};
use store::state::{DynamoState, State};

use runtime::config::{ConfigError, Env};

/// The secrets of a function, wherever they are kept.
pub type FunctionSecrets = CachedSecrets<AnySecretStore>;

/// Secrets Manager and DynamoDB, as the environment names them.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The secret of `SECRET_ID`.
    pub secrets: Arc<FunctionSecrets>,
    /// The table of `STATE_TABLE`.
    pub state: State,
}

impl Stores {
    /// Opens both; nothing is sent before the first use. `AWS_ENDPOINT_URL` redirects every call, for tests.
    ///
    /// # Errors
    /// [`ConfigError`] if `SECRET_ID` or `STATE_TABLE` is not set.
    pub async fn from_env(env: &Env) -> Result<Self, ConfigError> {
        let secret_id = env.required(
            "SECRET_ID",
            "the name or ARN of the secret in Secrets Manager",
        )?;
        let table = env.required("STATE_TABLE", "the name of the DynamoDB table")?;
        let aws = store::aws::load_config(env.text("AWS_ENDPOINT_URL")).await;
        let secrets = CachedSecrets::new(AnySecretStore::Manager(SecretsManager::new(
            &aws, secret_id,
        )));
        Ok(Self {
            secrets: Arc::new(secrets),
            state: State::Dynamo(DynamoState::new(&aws, table)),
        })
    }
}
