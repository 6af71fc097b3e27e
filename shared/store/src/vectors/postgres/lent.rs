//! A connection that was lent to one call. It goes back to the pool only after the call has ended.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use deadpool_postgres::{Client, Object};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long the database may take to learn that nobody waits for a statement any more.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection that is lent to one call.
///
/// A call that has ended hands its result to [`Lent::finish`]. A call that did not end, because its deadline passed or its
/// connection died, may have left a statement on the way: its connection is closed instead of going back to the pool, where
/// the next call would wait behind that statement, and the database is asked to cancel the statement.
pub(super) struct Lent {
    /// The connection; `None` only while the value is dropped.
    client: Option<Client>,
    is_reused: bool,
    has_ended: bool,
    /// How to reach the database to cancel a statement, once there may be one.
    tls: Option<MakeRustlsConnect>,
}

impl Lent {
    /// Takes charge of a connection of a pool.
    pub(super) fn new(client: Client) -> Self {
        let is_reused = Object::metrics(&client).recycle_count > 0;
        Self {
            client: Some(client),
            is_reused,
            has_ended: false,
            tls: None,
        }
    }

    /// Returns whether the connection served a call before.
    pub(super) fn is_reused(&self) -> bool {
        self.is_reused
    }

    /// Says how to reach the database if a statement has to be canceled.
    pub(super) fn cancel_with(&mut self, tls: MakeRustlsConnect) {
        self.tls = Some(tls);
    }

    /// Ends the call with its result. The connection goes back to the pool if it has answered, be it with an error.
    pub(super) fn finish<T>(
        mut self,
        result: Result<T, tokio_postgres::Error>,
    ) -> Result<T, tokio_postgres::Error> {
        self.has_ended = match &result {
            Ok(_) => true,
            Err(error) => error.as_db_error().is_some(),
        };
        result
    }
}

impl Deref for Lent {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client.as_ref().expect("a connection until the end")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut Client {
        self.client.as_mut().expect("a connection until the end")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|_| !self.has_ended) else {
            return;
        };
        let client = Object::take(client);
        let (Some(tls), false) = (self.tls.take(), client.is_closed()) else {
            return;
        };
        let token = client.cancel_token();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let canceled = tokio::time::timeout(CANCEL_TIMEOUT, token.cancel_query(tls)).await;
                if !matches!(canceled, Ok(Ok(()))) {
                    tracing::debug!("a statement of the database was not canceled");
                }
            });
        }
    }
}
