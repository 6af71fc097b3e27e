//! What the product proves itself with at the token endpoint.

use secrecy::{ExposeSecret, SecretString};

/// The id and the secret of an OAuth client (RFC 6749, 2.3.1), and the access key of the user in whose name it acts, where the
/// grant takes one.
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The client id; not secret.
    pub client_id: String,
    /// The client secret; `Debug` does not print it.
    pub client_secret: SecretString,
    /// The access key of a user of the contact center; `None` for a client that acts in its own name.
    pub access_key: Option<AccessKey>,
}

/// An access key of a user of the contact center.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// The id of the key; not secret by itself.
    pub id: String,
    /// The secret of the key; `Debug` does not print it.
    pub secret: SecretString,
}

impl ClientCredentials {
    /// Returns credentials without a client, for the grant that takes an access key alone.
    #[must_use]
    pub fn of_access_key(access_key: AccessKey) -> Self {
        Self {
            client_id: String::new(),
            client_secret: SecretString::default(),
            access_key: Some(access_key),
        }
    }

    /// Returns what tells these credentials' tokens from those of others: the ids of client and access key, without secrets.
    pub(super) fn identity(&self) -> String {
        match &self.access_key {
            None => self.client_id.clone(),
            // No id holds a line end.
            Some(key) => format!("{}\n{}", self.client_id, key.id),
        }
    }

    /// Returns every text that makes these credentials what they are, secrets included.
    pub(super) fn texts(&self) -> Vec<&str> {
        let mut texts = vec![self.client_id.as_str(), self.client_secret.expose_secret()];
        if let Some(key) = &self.access_key {
            texts.extend([key.id.as_str(), key.secret.expose_secret()]);
        }
        texts
    }
}
