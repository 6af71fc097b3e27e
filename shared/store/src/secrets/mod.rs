//! Secrets: one object of named values, cached for a while and read again after an authentication failure.

mod cached;
#[cfg(feature = "embedded")]
mod file;
#[cfg(feature = "aws")]
mod manager;

use std::collections::BTreeMap;
use std::future::Future;

use secrecy::{ExposeSecret, SecretString};

use crate::Error;

pub use cached::{CachedSecrets, TTL_DEFAULT};
#[cfg(feature = "embedded")]
pub use file::SecretFile;
#[cfg(feature = "aws")]
pub use manager::SecretsManager;

/// The names a secret may have; others are kept but nothing reads them.
pub const NAMES: [&str; 7] = [
    "client_id",
    "client_secret",
    "api_key",
    "webhook_secret",
    "openai_api_key",
    "nlp_api_key",
    "database_url",
];

/// The named values. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// The value of a name, if it is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0
            .get(name)
            .filter(|value| !value.expose_secret().is_empty())
    }

    /// These values, and `others` for the names that are not among them.
    #[must_use]
    pub fn or(mut self, others: &Self) -> Self {
        for (name, value) in &others.0 {
            self.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// The values of a JSON object.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if it is no object of strings; it names the place or the key, never a value.
    #[cfg(feature = "aws")]
    pub(crate) fn from_json(what: &str, json: &str) -> Result<Self, Error> {
        let corrupt = |complaint: String| Error::Corrupt {
            what: what.to_owned(),
            source: complaint.into(),
        };
        let value: serde_json::Value = serde_json::from_str(json).map_err(|error| {
            // The parser's own words may quote the input.
            corrupt(format!(
                "not JSON at line {} column {}",
                error.line(),
                error.column()
            ))
        })?;
        let serde_json::Value::Object(values) = value else {
            return Err(corrupt("not a JSON object".to_owned()));
        };
        let named = values.into_iter().map(|(name, value)| match value {
            serde_json::Value::String(text) => Ok((name, SecretString::from(text))),
            _ => Err(corrupt(format!("the value of {name} is not a string"))),
        });
        named.collect()
    }
}

impl FromIterator<(String, SecretString)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, SecretString)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where secrets come from.
pub trait SecretStore: Send + Sync {
    /// Reads all of them.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such secret or it may not be read, [`Error::Corrupt`] if it is not what it should
    /// be, [`Error::Unavailable`] without an answer.
    fn fetch(&self) -> impl Future<Output = Result<Secrets, Error>> + Send;
}

/// The secrets of a running function, chosen at start.
#[derive(Debug, Clone)]
pub enum SecretSource {
    /// Secrets Manager.
    #[cfg(feature = "aws")]
    Manager(SecretsManager),
    /// A file.
    #[cfg(feature = "embedded")]
    File(SecretFile),
    /// Given values, for a demonstration.
    Given(Secrets),
}

impl SecretStore for SecretSource {
    async fn fetch(&self) -> Result<Secrets, Error> {
        match self {
            #[cfg(feature = "aws")]
            Self::Manager(manager) => manager.fetch().await,
            #[cfg(feature = "embedded")]
            Self::File(file) => file.fetch().await,
            Self::Given(secrets) => Ok(secrets.clone()),
        }
    }
}
