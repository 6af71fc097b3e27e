//! What every place does where secrets are kept.

use std::future::Future;

use super::values::Secrets;
use crate::Error;

/// A place where secrets are kept.
pub trait SecretStore: Send + Sync {
    /// Reads all values of the secret.
    ///
    /// # Errors
    /// [`Error::Missing`] if there is no such secret or it may not be read, [`Error::Corrupt`] if it is not an object of
    /// named strings, [`Error::Unavailable`] without an answer.
    fn fetch(&self) -> impl Future<Output = Result<Secrets, Error>> + Send;
}
