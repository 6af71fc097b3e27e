//! What an OAuth client proves itself with.

use secrecy::SecretString;

/// The id and the secret of an OAuth client (RFC 6749, 2.3.1).
#[derive(Debug, Clone)]
pub struct ClientCredentials {
    /// The client id; not secret.
    pub client_id: String,
    /// The client secret; `Debug` does not print it.
    pub client_secret: SecretString,
}
