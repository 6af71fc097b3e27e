//! Opens connections with a password that may change: when the database refuses the known password, the URL is read again.

use std::sync::{Arc, Mutex, PoisonError};

use deadpool_postgres::Connect;
use futures::future::BoxFuture;
use insights_core::WithCauses;
use secrecy::{ExposeSecret, SecretString};
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;

/// Which value of the URL is wanted where it may have been cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlFreshness {
    /// The value that is known.
    Cached,
    /// The value from where secrets are kept, since the known one was refused.
    Renewed,
}

/// Reads the URL of the database from where secrets are kept.
pub type ReadUrl = Arc<
    dyn Fn(UrlFreshness) -> BoxFuture<'static, Result<SecretString, crate::Error>> + Send + Sync,
>;

/// Opens the connections of a pool. Clones share what is known of the database.
#[derive(Clone)]
pub(super) struct RotatingConnector {
    known: Arc<Mutex<(Config, MakeRustlsConnect)>>,
    read_url: ReadUrl,
}

impl RotatingConnector {
    /// Creates a connector to the database that the known URL names.
    pub(super) async fn read(read_url: ReadUrl) -> Result<Self, crate::Error> {
        let url = read_url(UrlFreshness::Cached).await?;
        let known = tls::parse_url(url.expose_secret())?;
        Ok(Self {
            known: Arc::new(Mutex::new(known)),
            read_url,
        })
    }

    /// Returns what is known of the database.
    pub(super) fn known(&self) -> (Config, MakeRustlsConnect) {
        // Nothing panics while it is locked, so the pair is whole in any case.
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the URL again after the database refused the known one; `None` if there is no other.
    async fn read_again(&self) -> Option<(Config, MakeRustlsConnect)> {
        let read = (self.read_url)(UrlFreshness::Renewed).await;
        match read.and_then(|url| tls::parse_url(url.expose_secret())) {
            Ok(parsed) => {
                self.known
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone_from(&parsed);
                Some(parsed)
            }
            Err(error) => {
                tracing::warn!(cause = %WithCauses(&error), "the database URL could not be read again");
                None
            }
        }
    }
}

impl Connect for RotatingConnector {
    fn connect(&self, _config: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        Box::pin(async move {
            let (config, tls) = self.known();
            match open(&config, tls).await {
                Err(error) if is_refusal(&error) => match self.read_again().await {
                    Some((config, tls)) => open(&config, tls).await,
                    None => Err(error),
                },
                other => other,
            }
        })
    }
}

async fn open(config: &Config, tls: MakeRustlsConnect) -> Result<(Client, JoinHandle<()>), Error> {
    let (client, connection) = config.connect(tls).await?;
    let task = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(cause = %WithCauses(&error), "a database connection ended");
        }
    });
    Ok((client, task))
}

/// Returns whether the user or the password is wrong.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
    )
}
