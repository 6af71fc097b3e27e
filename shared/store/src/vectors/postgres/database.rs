//! The connections to the database, and calls on them that end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout, timeout_at};

use super::failures::{failed, no_connection, unavailable};
use super::lent::Lent;
use super::rotation::{ReadUrl, RotatingConnector};
use crate::Error;

/// How long to wait for a free connection.
const POOL_WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a connection that was used before may take to answer its first statement, which does nothing. The network forgets
/// idle connections without a word, and the machine of a function that was frozen forgets all of them.
const FIRST_ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// The settings of every connection. The index scan looks at 100 candidates instead of 40, for recall, and goes on in order
/// of distance until the limit is full; the memory lets it go on for as many rows as `hnsw.max_scan_tuples` allows. Plans are
/// made for the filter at hand, not for any filter.
const SESSION_SETTINGS: &str = "SET hnsw.iterative_scan = strict_order; SET hnsw.ef_search = 100; \
    SET hnsw.scan_mem_multiplier = 8; SET plan_cache_mode = force_custom_plan";

/// The connections to one database, which is read and connected to at the first call. Clones share the connections.
#[derive(Clone)]
pub(super) struct Database {
    read_url: ReadUrl,
    connections: usize,
    opened: Arc<OnceCell<OpenedDatabase>>,
}

/// The pool of a database whose URL was read.
struct OpenedDatabase {
    pool: Pool,
    connector: RotatingConnector,
}

impl Database {
    /// Creates a pool of at most `connections` connections. Nothing is read or connected yet.
    pub(super) fn new(read_url: ReadUrl, connections: usize) -> Self {
        Self {
            read_url,
            connections,
            opened: Arc::default(),
        }
    }

    /// Runs a call that ends by the deadline, and runs it once more on a new connection if the first turns out to be dead.
    /// Every call of this store may be repeated. The database ends a statement at the deadline as well.
    pub(super) async fn call<T, F, Fut>(
        &self,
        operation: &'static str,
        deadline: Instant,
        work: F,
    ) -> Result<T, Error>
    where
        F: Fn(Lent) -> Fut + Send,
        Fut: Future<Output = Result<T, tokio_postgres::Error>> + Send,
    {
        let call = async {
            let mut is_repeated = false;
            loop {
                let client = self.lend(operation, deadline).await?;
                match work(client).await {
                    Err(error) if error.is_closed() && !is_repeated => is_repeated = true,
                    done => return done.map_err(|error| failed(operation, error)),
                }
            }
        };
        timeout_at(deadline, call)
            .await
            .unwrap_or_else(|elapsed| Err(unavailable(operation, elapsed)))
    }

    /// Takes a connection that answers from the pool, and sets how long its statements may take.
    async fn lend(&self, operation: &'static str, deadline: Instant) -> Result<Lent, Error> {
        let OpenedDatabase { pool, connector } =
            self.opened.get_or_try_init(|| self.open()).await?;
        loop {
            let client = pool.get().await;
            let client = client.map_err(|error| no_connection(operation, error))?;
            let mut lent = Lent::new(client);
            let remaining = deadline.saturating_duration_since(Instant::now());
            let limit = if lent.is_reused() {
                remaining.min(FIRST_ANSWER_TIMEOUT)
            } else {
                remaining
            };
            let milliseconds = remaining.as_millis().clamp(1, i32::MAX as u128);
            let statement = format!("SET statement_timeout = {milliseconds}");
            match timeout(limit, lent.batch_execute(&statement)).await {
                Ok(Ok(())) => {
                    lent.cancel_with(connector.known().1);
                    return Ok(lent);
                }
                // What the network did to one idle connection it did to all of them.
                _ if lent.is_reused() => {
                    drop(pool.retain(|_, _| false));
                }
                Ok(Err(error)) => return Err(failed(operation, error)),
                Err(elapsed) => return Err(unavailable(operation, elapsed)),
            }
        }
    }

    /// Reads the URL and creates the pool.
    async fn open(&self) -> Result<OpenedDatabase, Error> {
        let connector = RotatingConnector::read(Arc::clone(&self.read_url)).await?;
        let manager = Manager::from_connect(
            connector.known().0,
            connector.clone(),
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
            .max_size(self.connections.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT_TIMEOUT))
            .create_timeout(Some(POOL_WAIT_TIMEOUT * 2))
            .post_create(apply_settings)
            .build()
            .map_err(|source| unavailable("connect", source))?;
        Ok(OpenedDatabase { pool, connector })
    }
}
