//! Secrets: one JSON object of named values, cached for a while and read again after an authentication failure.

use std::collections::BTreeMap;

use secrecy::SecretString;

/// The names a secret may have; others are kept but nothing reads them.
pub const NAMES: [&str; 7] =
    ["client_id", "client_secret", "api_key", "webhook_secret", "openai_api_key", "nlp_api_key", "database_url"];

/// The named values. `Debug` shows names only.
#[derive(Clone, Default)]
pub struct Secrets(BTreeMap<String, SecretString>);

impl Secrets {
    /// The value of a name, if it is there and not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.0.get(name)
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
