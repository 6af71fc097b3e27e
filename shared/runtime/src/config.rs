//! Configuration: read once at start from the environment, each value checked against what is allowed.
//!
//! ```
//! use runtime::config::Env;
//! let env = Env::from_pairs([("ALERT_THRESHOLD", "1.5")]);
//! let error = env.number("ALERT_THRESHOLD", 0.30, 0.0..=1.0).unwrap_err();
//! assert_eq!(error.to_string(), "ALERT_THRESHOLD is \"1.5\", but must be a number from 0 to 1");
//! ```

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

/// A variable that is missing or holds something that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The variable must be set.
    #[error("{name} is not set; it must be {allowed}")]
    Missing {
        /// The name of the variable.
        name: String,
        /// What the value may be.
        allowed: String,
    },
    /// The variable's value is not allowed.
    #[error("{name} is {value:?}, but must be {allowed}")]
    Invalid {
        /// The name of the variable.
        name: String,
        /// The value that is not allowed.
        value: String,
        /// What the value may be.
        allowed: String,
    },
}

impl ConfigError {
    /// Returns the error for a variable that is not set.
    #[must_use]
    pub fn missing(name: &str, allowed: &str) -> Self {
        Self::Missing {
            name: name.to_owned(),
            allowed: allowed.to_owned(),
        }
    }

    /// Returns the error for a value that is not allowed; of a long value it keeps the first 200 characters.
    #[must_use]
    pub fn invalid(name: &str, value: &str, allowed: impl Into<String>) -> Self {
        Self::Invalid {
            name: name.to_owned(),
            value: value.chars().take(200).collect(),
            allowed: allowed.into(),
        }
    }
}

/// The environment as it was at start. An empty variable counts as unset, since templates cannot leave one out.
#[derive(Debug, Clone, Default)]
pub struct Env(HashMap<String, String>);

impl Env {
    /// Reads the environment of this process; variables that are not Unicode are left out.
    #[must_use]
    pub fn process() -> Self {
        let pairs = std::env::vars_os();
        Self(
            pairs
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// Builds an environment of the given variables, for tests and the local server.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
        )
    }

    /// Returns the same environment with one variable set.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    /// Returns the variable's text, trimmed, if it is set and not empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// Returns the variable's text, which must be set.
    ///
    /// # Errors
    /// [`ConfigError::Missing`], saying what it must be.
    pub fn required(&self, name: &str, allowed: &str) -> Result<String, ConfigError> {
        self.text(name)
            .map(str::to_owned)
            .ok_or_else(|| ConfigError::missing(name, allowed))
    }

    /// Reads a number in a range, or returns the default where the variable is unset.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if it is no number or out of range.
    pub fn number<T>(
        &self,
        name: &str,
        default: T,
        allowed: RangeInclusive<T>,
    ) -> Result<T, ConfigError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name) else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .filter(|value| allowed.contains(value))
            .ok_or_else(|| ConfigError::invalid(name, text, number_range(&allowed)))
    }

    /// Reads a duration given in milliseconds (for variables whose names end in `_MS`).
    ///
    /// # Errors
    /// As [`Env::number`].
    pub fn millis(
        &self,
        name: &str,
        default: Duration,
        allowed: RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        let default = u64::try_from(default.as_millis()).unwrap_or(u64::MAX);
        self.number(name, default, allowed)
            .map(Duration::from_millis)
    }

    /// Reads a duration given in seconds (for variables whose names end in `_SECONDS`).
    ///
    /// # Errors
    /// As [`Env::number`].
    pub fn seconds(
        &self,
        name: &str,
        default: Duration,
        allowed: RangeInclusive<u64>,
    ) -> Result<Duration, ConfigError> {
        self.number(name, default.as_secs(), allowed)
            .map(Duration::from_secs)
    }

    /// Reads one of the named choices; the first is the default. Case does not matter.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if it is none of them.
    pub fn choice<T: Copy>(&self, name: &str, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let text = self.text(name).unwrap_or(choices[0].0);
        choices
            .iter()
            .find(|(choice, _)| choice.eq_ignore_ascii_case(text))
            .map(|(_, value)| *value)
            .ok_or_else(|| {
                let names: Vec<_> = choices.iter().map(|(choice, _)| *choice).collect();
                ConfigError::invalid(name, text, format!("one of {}", names.join(", ")))
            })
    }

    /// Reads an `http` or `https` URL, if the variable is set. Without user and password, which would reach logs.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if it is no such URL.
    pub fn url(&self, name: &str) -> Result<Option<Url>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match Url::parse(text) {
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                Err(ConfigError::invalid(
                    name,
                    "(not shown)",
                    "a URL without user and password".to_owned(),
                ))
            }
            Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(Some(url)),
            _ => Err(ConfigError::invalid(
                name,
                text,
                "an http or https URL such as https://host.example".to_owned(),
            )),
        }
    }

    /// Reads an `http` or `https` URL that must be set.
    ///
    /// # Errors
    /// [`ConfigError`] if it is unset or no URL.
    pub fn required_url(&self, name: &str) -> Result<Url, ConfigError> {
        self.url(name)?
            .ok_or_else(|| ConfigError::missing(name, "an http or https URL"))
    }

    /// Reads the path of a folder that exists, if the variable is set.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] if there is no such folder.
    pub fn folder(&self, name: &str) -> Result<Option<PathBuf>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let path = PathBuf::from(text);
        if path.is_dir() {
            Ok(Some(path))
        } else {
            Err(ConfigError::invalid(
                name,
                text,
                "a folder that exists".to_owned(),
            ))
        }
    }
}

/// Describes a number's range as error messages and the documentation do.
pub(crate) fn number_range<T: Display>(range: &RangeInclusive<T>) -> String {
    let kind = if std::any::type_name::<T>().starts_with('f') {
        "number"
    } else {
        "whole number"
    };
    format!("a {kind} from {} to {}", range.start(), range.end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_unset_or_empty_takes_the_default() {
        let env = Env::from_pairs([("A", ""), ("B", "  ")]);
        assert_eq!(env.number("A", 3_u32, 0..=9), Ok(3));
        assert_eq!(env.number("B", 4_u32, 0..=9), Ok(4));
        assert_eq!(
            env.millis("C", Duration::from_secs(2), 1..=5000),
            Ok(Duration::from_secs(2))
        );
    }

    #[test]
    fn an_error_names_the_variable_the_value_and_what_is_allowed() {
        let env = Env::from_pairs([
            ("N", "ten"),
            ("P", "cloud"),
            ("U", "ftp://x"),
            ("D", "/no/such/folder"),
        ]);
        let messages = [
            env.number("N", 1_u64, 1..=20).unwrap_err().to_string(),
            env.choice("P", &[("local", 1), ("http", 2)])
                .unwrap_err()
                .to_string(),
            env.url("U").unwrap_err().to_string(),
            env.folder("D").unwrap_err().to_string(),
            env.required_url("MISSING").unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(messages.join("\n"), @r#"
        N is "ten", but must be a whole number from 1 to 20
        P is "cloud", but must be one of local, http
        U is "ftp://x", but must be an http or https URL such as https://host.example
        D is "/no/such/folder", but must be a folder that exists
        MISSING is not set; it must be an http or https URL
        "#);
    }

    #[test]
    fn not_a_number_is_out_of_every_range() {
        let env = Env::from_pairs([("T", "NaN")]);
        assert!(env.number("T", 0.3, 0.0..=1.0).is_err());
    }

    #[test]
    fn a_password_in_a_url_is_refused_and_not_shown() {
        let env = Env::from_pairs([("U", "https://me:hunter2@host.example")]);
        let message = env.url("U").unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }
}
