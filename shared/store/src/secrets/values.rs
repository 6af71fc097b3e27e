//! Secret values by their names.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

#[cfg(feature = "aws")]
use crate::Error;

/// The names that the product reads; other names are kept but not read.
pub const NAMES: [&str; 10] = [
    "client_id",
    "client_secret",
    "api_key",
    "api_keys",
    "webhook_secret",
    "webhook_secrets",
    "openai_api_key",
    "nlp_api_key",
    "database_url",
    "search_database_url",
];

/// The secret values by their names, and for a while those of the version before. `Debug` shows the names only.
///
/// A value is a text. A list or an object, such as `api_keys`, is kept as its JSON text.
#[derive(Clone, Default)]
pub struct Secrets {
    values: BTreeMap<String, SecretString>,
    previous: Option<PreviousVersion>,
}

/// The values before the last change of a secret.
#[derive(Clone)]
struct PreviousVersion {
    secrets: Arc<Secrets>,
    /// The moment until which the values are still accepted.
    until: Timestamp,
}

impl Secrets {
    /// Returns the value of a name, if there is one and it is not empty.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SecretString> {
        self.values
            .get(name)
            .filter(|value| !value.expose_secret().is_empty())
    }

    /// Returns the values of the version before, for those that are still proven by it, while the secret was changed only a
    /// short time ago.
    #[must_use]
    pub fn previous(&self, now: Timestamp) -> Option<&Self> {
        let previous = self.previous.as_ref()?;
        (now < previous.until).then_some(&*previous.secrets)
    }

    /// Returns the same values with those of the version before, which are accepted for this long after the change.
    #[must_use]
    pub fn with_previous(
        mut self,
        previous: Self,
        changed_at: Timestamp,
        lasting: Duration,
    ) -> Self {
        let until = changed_at.saturating_add(lasting).unwrap_or(Timestamp::MAX);
        self.previous = Some(PreviousVersion {
            secrets: Arc::new(previous),
            until,
        });
        self
    }

    /// Adds the values of `others` for the names that have no value here.
    #[must_use]
    pub fn or_from(mut self, others: &Self) -> Self {
        for (name, value) in &others.values {
            let entry = self.values.entry(name.clone());
            entry.or_insert_with(|| value.clone());
        }
        self
    }

    /// Reads the values of a JSON object.
    ///
    /// # Errors
    /// [`Error::Corrupt`] if the text is not an object of strings, lists and objects; the error names the position or the key,
    /// never a value.
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
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                Ok((name, SecretString::from(value.to_string())))
            }
            _ => Err(corrupt(format!("the value of {name} is not a string"))),
        });
        named.collect()
    }
}

impl FromIterator<(String, SecretString)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, SecretString)>>(values: I) -> Self {
        Self {
            values: values.into_iter().collect(),
            previous: None,
        }
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: &str) -> Secrets {
        Secrets::from_iter([("api_key".to_owned(), SecretString::from(value))])
    }

    #[test]
    fn the_previous_values_are_given_for_a_while_after_the_change() {
        let changed: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let secrets = one("new").with_previous(one("old"), changed, Duration::from_secs(60));
        let previous = secrets.previous(changed + Duration::from_secs(59)).unwrap();
        assert_eq!(previous.get("api_key").unwrap().expose_secret(), "old");
        assert!(
            secrets
                .previous(changed + Duration::from_secs(60))
                .is_none()
        );
        assert!(one("new").previous(changed).is_none());
        assert!(!format!("{secrets:?}").contains("old"));
    }
}
