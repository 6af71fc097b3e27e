//! Secrets in a TOML file that only this user may read; given values where there is no file.

use std::path::PathBuf;

use secrecy::SecretString;

use super::secret_store::SecretStore;
use super::values::Secrets;
use crate::Error;

/// Largest size of the file, in bytes.
const FILE_MAX_BYTES: u64 = 64 * 1024;

/// A file with one `name = "value"` on each line, and lists such as `[[api_keys]]` behind them.
#[derive(Debug, Clone)]
pub struct SecretFile {
    path: PathBuf,
    defaults: Secrets,
}

impl SecretFile {
    /// Reads secrets from the file at `path`. If the file does not exist, `defaults` are the secrets; nothing is written.
    pub fn new(path: impl Into<PathBuf>, defaults: Secrets) -> Self {
        Self {
            path: path.into(),
            defaults,
        }
    }

    /// Builds the error of a file that does not hold named strings.
    fn corrupt(&self, complaint: String) -> Error {
        Error::Corrupt {
            what: self.path.display().to_string(),
            source: complaint.into(),
        }
    }

    fn parse(&self, text: &str) -> Result<Secrets, Error> {
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            // The message of the parser quotes the line, so that it is not kept as the cause.
            let line = error
                .span()
                .map_or(0, |span| text[..span.start].matches('\n').count() + 1);
            self.corrupt(format!("not TOML at line {line}: write name = \"value\""))
        })?;
        let named = table.into_iter().map(|(name, value)| match value {
            toml::Value::String(text) => Ok((name, SecretString::from(text))),
            list @ (toml::Value::Array(_) | toml::Value::Table(_)) => {
                Ok((name, SecretString::from(to_json(list).to_string())))
            }
            _ => Err(self.corrupt(format!("the value of {name} is not a string in quotes"))),
        });
        named.collect()
    }
}

impl SecretStore for SecretFile {
    async fn fetch(&self) -> Result<Secrets, Error> {
        let metadata = match tokio::fs::metadata(&self.path).await {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(self.defaults.clone());
            }
            Err(error) => return Err(Error::missing_with(self.path.display().to_string(), error)),
        };
        if metadata.len() > FILE_MAX_BYTES {
            return Err(self.corrupt(format!("larger than {FILE_MAX_BYTES} bytes")));
        }
        if let Some(mode) = mode_open_to_others(&metadata) {
            let advice = format!("its mode is {mode:03o}: others may read it; run chmod 600");
            return Err(Error::missing(format!(
                "{} ({advice})",
                self.path.display()
            )));
        }
        let text = tokio::fs::read_to_string(&self.path)
            .await
            .map_err(|error| Error::missing_with(self.path.display().to_string(), error))?;
        self.parse(&text)
    }
}

/// Returns a list or table as the JSON that it is in Secrets Manager; dates become texts.
fn to_json(value: toml::Value) -> serde_json::Value {
    match value {
        toml::Value::String(text) => text.into(),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(flag) => flag.into(),
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.into_iter().map(to_json).collect(),
        toml::Value::Table(table) => table
            .into_iter()
            .map(|(name, value)| (name, to_json(value)))
            .collect(),
    }
}

/// Returns the mode of a file that other users may read.
#[cfg(unix)]
fn mode_open_to_others(metadata: &std::fs::Metadata) -> Option<u32> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(unix))]
fn mode_open_to_others(_metadata: &std::fs::Metadata) -> Option<u32> {
    None
}
