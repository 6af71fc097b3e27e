//! Secrets in AWS Secrets Manager: one secret whose value is a JSON object of strings.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;

use super::secret_store::SecretStore;
use super::values::Secrets;
use crate::Error;
use crate::aws::FailedCall;

/// A client of one secret of Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: Client,
    id: String,
}

impl SecretsManager {
    /// Creates a client of the secret with this name or ARN. Nothing is sent yet.
    pub fn new(config: &SdkConfig, id: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            id: id.into(),
        }
    }
}

impl SecretStore for SecretsManager {
    async fn fetch(&self) -> Result<Secrets, Error> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.id)
            .send()
            .await
            .map_err(|error| {
                FailedCall {
                    store: "Secrets Manager",
                    operation: "GetSecretValue",
                    what: &self.id,
                }
                .with_cause(error)
            })?;
        let what = format!("the secret {}", self.id);
        let json = answer.secret_string.ok_or_else(|| Error::Corrupt {
            what: what.clone(),
            source: "it is binary, not text".into(),
        })?;
        Secrets::from_json(&what, &json)
    }
}
