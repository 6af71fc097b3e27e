//! Secrets in AWS Secrets Manager: one secret whose value is a JSON object of named values.

use std::pin::pin;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use futures::future::{Either, select};
use insights_core::WithCauses;
use jiff::Timestamp;

use super::secret_store::SecretStore;
use super::values::Secrets;
use crate::Error;
use crate::aws::FailedCall;

/// The label that Secrets Manager gives to the version before the current one.
const PREVIOUS: &str = "AWSPREVIOUS";

/// How long the current version, once it is there, waits for the previous one. Callers with the current keys must not wait long
/// for what few callers need.
const PREVIOUS_WAIT: Duration = Duration::from_millis(500);

/// A client of one secret of Secrets Manager.
#[derive(Debug, Clone)]
pub struct SecretsManager {
    client: Client,
    id: String,
    previous_for: Duration,
}

/// One version of a secret, and when it was made.
struct Version {
    secrets: Secrets,
    created_at: Option<Timestamp>,
}

impl SecretsManager {
    /// Creates a client of the secret with this name or ARN. Nothing is sent yet.
    pub fn new(config: &SdkConfig, id: impl Into<String>) -> Self {
        Self {
            client: Client::new(config),
            id: id.into(),
            previous_for: Duration::ZERO,
        }
    }

    /// Returns the same client, which also reads the previous version, and gives its values for this long after the change of the
    /// secret. With a duration of zero the previous version is never read.
    #[must_use]
    pub fn with_previous(mut self, lasting: Duration) -> Self {
        self.previous_for = lasting;
        self
    }

    async fn read_version(&self, stage: Option<&str>) -> Result<Version, Error> {
        let answer = self
            .client
            .get_secret_value()
            .secret_id(&self.id)
            .set_version_stage(stage.map(str::to_owned))
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
        let created_at = answer
            .created_date
            .and_then(|date| Timestamp::from_second(date.secs()).ok());
        Ok(Version {
            secrets: Secrets::from_json(&what, &json)?,
            created_at,
        })
    }

    /// Reads the previous version; `None` if there is none.
    async fn read_previous(&self) -> Option<Secrets> {
        match self.read_version(Some(PREVIOUS)).await {
            Ok(version) => Some(version.secrets),
            // Most secrets have no previous version, which is no failure.
            Err(Error::Missing { .. }) => None,
            Err(error) => {
                tracing::warn!(cause = %WithCauses(&error), "the previous version of the secret was not read");
                None
            }
        }
    }
}

impl SecretStore for SecretsManager {
    async fn fetch(&self) -> Result<Secrets, Error> {
        if self.previous_for.is_zero() {
            return Ok(self.read_version(None).await?.secrets);
        }
        let (current, previous) = (pin!(self.read_version(None)), pin!(self.read_previous()));
        let (current, previous) = match select(current, previous).await {
            Either::Left((current, previous)) => {
                let current = current?;
                let previous = tokio::time::timeout(PREVIOUS_WAIT, previous).await;
                (current, previous.unwrap_or_default())
            }
            Either::Right((previous, current)) => (current.await?, previous),
        };
        Ok(match (previous, current.created_at) {
            (Some(previous), Some(changed_at)) => {
                let secrets = current.secrets;
                secrets.with_previous(previous, changed_at, self.previous_for)
            }
            _ => current.secrets,
        })
    }
}
