//! Connects with a password that may change: when the database refuses the known password, the URL is read again.

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
use crate::Cause;

/// Reads the URL of the database from where secrets are kept, past every cache.
pub type RenewUrl = Arc<dyn Fn() -> BoxFuture<'static, Result<SecretString, Cause>> + Send + Sync>;

/// Opens the connections of a pool.
pub(super) struct RotatingConnector {
    known: Mutex<(Config, MakeRustlsConnect)>,
    renew: Option<RenewUrl>,
}

impl RotatingConnector {
    pub(super) fn new(config: Config, tls: MakeRustlsConnect, renew: Option<RenewUrl>) -> Self {
        Self {
            known: Mutex::new((config, tls)),
            renew,
        }
    }

    fn known(&self) -> (Config, MakeRustlsConnect) {
        // Nothing panics while it is locked, so the pair is whole in any case.
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Reads the URL again after the database refused the known one; `None` if there is no other.
    async fn read_again(&self) -> Option<(Config, MakeRustlsConnect)> {
        let url = match self.renew.as_ref()?().await {
            Ok(url) => url,
            Err(error) => {
                tracing::warn!(cause = %WithCauses(&*error), "the database URL could not be read again");
                return None;
            }
        };
        let parsed = match tls::parse_url(url.expose_secret()) {
            Ok(parsed) => parsed,
            Err(error) => {
                tracing::warn!(cause = %WithCauses(&error), "the renewed database URL is not usable");
                return None;
            }
        };
        self.known
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone_from(&parsed);
        Some(parsed)
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
