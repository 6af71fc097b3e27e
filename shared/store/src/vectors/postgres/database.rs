//! The connections to the database, and calls on them that end.

use std::future::Future;
use std::time::Duration;

use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime,
};
use secrecy::{ExposeSecret, SecretString};

use super::failures::{failed, no_connection, unavailable};
use crate::Error;
use crate::vectors::rotation::{RenewUrl, RotatingConnector};
use crate::vectors::tls;

/// How long one call may take, all its attempts together. A batch of 200 conversations takes well under a second.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// How long to wait for a free connection.
const POOL_WAIT_TIMEOUT: Duration = Duration::from_secs(5);

/// The settings of every connection. The index scan looks at 100 candidates instead of 40, for recall, and goes on in order
/// of distance until the limit of a filtered search is full. Plans are made for the filter at hand, not for any filter.
const SESSION_SETTINGS: &str = "SET hnsw.iterative_scan = strict_order; SET hnsw.ef_search = 100; SET plan_cache_mode = force_custom_plan; SET statement_timeout = '20s'";

/// The connections to one database. Clones share the connections.
#[derive(Clone)]
pub(super) struct Database(Pool);

impl Database {
    /// Creates a pool of at most `connections` connections. Nothing is connected yet.
    pub(super) fn new(
        url: &SecretString,
        connections: usize,
        renew: Option<RenewUrl>,
    ) -> Result<Self, Error> {
        let (config, connector) = tls::parse_url(url.expose_secret())?;
        let manager = Manager::from_connect(
            config.clone(),
            RotatingConnector::new(config, connector, renew),
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let apply_settings = Hook::async_fn(|client, _| {
            Box::pin(async move {
                client
                    .batch_execute(SESSION_SETTINGS)
                    .await
                    .map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT_TIMEOUT))
            .create_timeout(Some(POOL_WAIT_TIMEOUT * 2))
            .post_create(apply_settings)
            .build()
            .map_err(|source| unavailable("connect", source))?;
        Ok(Self(pool))
    }

    /// Runs a call on a connection within [`CALL_TIMEOUT`], and once more on a new connection if the first turns out to be
    /// dead: a function that was frozen wakes up with dead connections. Every call of this store may be repeated.
    pub(super) async fn call<T, F, Fut>(&self, operation: &'static str, work: F) -> Result<T, Error>
    where
        F: Fn(Client) -> Fut + Send,
        Fut: Future<Output = Result<T, tokio_postgres::Error>> + Send,
    {
        let call = async {
            let mut is_repeated = false;
            loop {
                let client = self
                    .0
                    .get()
                    .await
                    .map_err(|error| no_connection(operation, error))?;
                match work(client).await {
                    Err(error) if error.is_closed() && !is_repeated => is_repeated = true,
                    done => return done.map_err(|error| failed(operation, error)),
                }
            }
        };
        tokio::time::timeout(CALL_TIMEOUT, call)
            .await
            .unwrap_or_else(|elapsed| Err(unavailable(operation, elapsed)))
    }
}
