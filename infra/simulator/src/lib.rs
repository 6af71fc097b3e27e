//! The contact centre of the contract, simulated over real HTTP, with faults on demand.
//!
//! [`Simulator::start`] serves it in the running tokio runtime; the [`Handle`] it returns injects faults, counts what
//! came over the wire and shuts it down. The same can be done over HTTP below `/_simulator` (see [`admin`]) and by a
//! scenario file (see [`scenario`]). State is in memory; nothing here is shared with the client under test, so that
//! both must read the contract the same way.
//!
//! # Adding a system
//! A system's endpoints are one module, like [`data_actions`]:
//! 1. a `State` (with `Default`) holding what the system remembers; add it as a field of [`world::World`];
//! 2. a `pub(crate) fn router() -> Router<Arc<World>>` with its paths; merge it in `router`;
//! 3. handlers that call [`auth::require`] with the scope first, read bodies through [`problem::json`], answer errors
//!    as [`problem::Problem`], and wrap what a POST or PATCH changes in [`idempotency::Idempotency::once`];
//! 4. what a scenario file can set up for it: a section of its own in [`scenario::Scenario`], and its new scopes in
//!    [`settings::SCOPES`].
//!
//! Faults and counters then work for the new paths by themselves: they sit around the whole router.

pub mod admin;
pub mod auth;
pub mod chat;
pub mod conversations;
pub mod data_actions;
pub mod demo_secrets;
pub mod fault;
pub mod idempotency;
pub mod live;
pub mod nlp;
pub mod oauth;
pub mod openai;
pub mod problem;
pub mod scenario;
pub mod settings;
mod socket;
pub mod traffic;
pub mod world;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use conversations::Conversations;
pub use fault::{Fault, FaultRule, RetryAfter};
pub use scenario::Scenario;
pub use settings::Settings;
pub use world::World;

/// How long connections may take to end at a shutdown.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// Starts simulated contact centres.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Serves `scenario` on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// The operating system's, if no port can be bound.
    pub async fn start(scenario: Scenario) -> std::io::Result<Handle> {
        Self::start_at(scenario, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Serves `scenario` at `addr`.
    ///
    /// # Errors
    /// The operating system's, if the address cannot be bound.
    pub async fn start_at(scenario: Scenario, addr: SocketAddr) -> std::io::Result<Handle> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let world = Arc::new(World::new(scenario));
        let (stop, stopped) = oneshot::channel::<()>();
        let service =
            router(Arc::clone(&world)).into_make_service_with_connect_info::<socket::Cut>();
        let serving =
            axum::serve(socket::Listening(listener), service).with_graceful_shutdown(async {
                // A dropped handle stops it too.
                let _ = stopped.await;
            });
        let task = tokio::spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "the simulator stopped");
            }
        });
        Ok(Handle {
            addr,
            world,
            stop: Some(stop),
            task,
        })
    }
}

/// All endpoints of all systems, with faults and counters around them.
pub(crate) fn router(world: Arc<World>) -> Router {
    let systems = Router::new()
        .merge(oauth::router())
        .merge(data_actions::router())
        .merge(conversations::router())
        .merge(nlp::router())
        .merge(live::router())
        .merge(openai::router())
        .merge(chat::router())
        .fallback(problem::no_such_path)
        .layer(axum::middleware::from_fn_with_state(
            Arc::clone(&world),
            traffic::around,
        ));
    Router::new()
        .merge(admin::router())
        .fallback_service(systems.with_state(Arc::clone(&world)))
        .with_state(world)
}

/// A running simulator; dropped, it stops.
#[derive(Debug)]
pub struct Handle {
    addr: SocketAddr,
    world: Arc<World>,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Handle {
    /// Its base URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Its address.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Its state: settings, tokens, faults, counters and what the systems remember.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Adds a fault.
    pub fn fault(&self, rule: FaultRule) {
        self.world.faults.add(rule);
    }

    /// How many requests came for a method and a path pattern (see [`fault::Pattern`]), dropped ones included.
    #[must_use]
    pub fn requests(&self, method: &str, path: &str) -> u64 {
        self.world.traffic.count(method, path)
    }

    /// Revokes all tokens given so far; returns how many.
    pub fn revoke_tokens(&self) -> usize {
        self.world.tokens.revoke_all()
    }

    /// Stops it, and waits up to a second for the connections to end.
    pub async fn shutdown(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if tokio::time::timeout(SHUTDOWN, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}
