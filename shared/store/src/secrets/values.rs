//! Secret values by their names.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

#[cfg(feature = "aws")]
use crate::Error;

/// The names that the product reads; other names are kept but not read.
pub const NAMES: [&str; 7] = [
    "client_id",
    "client_secret",
    "api_key",
    "webhook_secret",
    "openai_api_key",
    "nlp_api_key",
    "database_url",
];

/// The secret values by their names. `Debug` shows the names only.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// Returns the value of a name, if there is one and it is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0
            .get(name)
            .filter(|value| !value.expose_secret().is_empty())
    }

    /// Adds the values of `others` for the names that have no value here.
    #[must_use]
    pub fn or_from(mut self, others: &Self) -> Self {
        for (name, value) in &others.0 {
            self.0.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }

    /// Reads the values of a JSON object.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the text is not an object of strings; the error names the position or the key, never a value.
    #[cfg(feature = "aws")]
    pub(crate) fn from_json(what: &str, json: &str) -> Result<Self, Error> {
        let corrupt = |complaint: String| Error::Corrupt {
            what: what.to_owned(),
            source: complaint.into(),
        };
        let value: serde_json::Value = serde_json::from_str(json).map_err(|error| {
            // The message of the parser may quote the input, so that it is not kept as the cause.
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
