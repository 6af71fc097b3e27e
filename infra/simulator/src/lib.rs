#![doc = include_str!("../README.md")]
// The rows of the contact lists are long.
#![recursion_limit = "256"]

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
mod serving;
pub mod settings;
mod socket;
pub mod studio;
pub mod tenant;
pub mod traffic;
pub mod world;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;

use self::serving::Serving;

pub use conversations::Conversations;
pub use fault::{Fault, FaultRule, RetryAfter};
pub use scenario::Scenario;
pub use settings::Settings;
pub use tenant::TenantSimulator;
pub use world::World;

/// The entry point that starts simulators.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Starts a simulator on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// The error of the operating system, if no port can be bound.
    pub async fn start(scenario: Scenario) -> std::io::Result<Handle> {
        Self::start_at(scenario, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts a simulator at a given address.
    ///
    /// # Errors
    /// The error of the operating system, if the address cannot be bound.
    pub async fn start_at(scenario: Scenario, addr: SocketAddr) -> std::io::Result<Handle> {
        let listener = TcpListener::bind(addr).await?;
        let world = Arc::new(World::new(scenario));
        let serving = Serving::begin(listener, router(Arc::clone(&world)))?;
        Ok(Handle { world, serving })
    }
}

/// Returns the endpoints of all systems, surrounded by faults and counters.
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
            traffic::count_and_disturb,
        ));
    Router::new()
        .merge(admin::router())
        .fallback_service(systems.with_state(Arc::clone(&world)))
        .with_state(world)
}

/// A running simulator, which stops when the handle is dropped.
#[derive(Debug)]
pub struct Handle {
    world: Arc<World>,
    serving: Serving,
}

impl Handle {
    /// Returns the base URL without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.serving.addr())
    }

    /// Returns the address at which the simulator listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.serving.addr()
    }

    /// Returns the state: settings, tokens, faults, counters and the state of each system.
    #[must_use]
    pub fn world(&self) -> &Arc<World> {
        &self.world
    }

    /// Adds a fault rule after those in force.
    pub fn fault(&self, rule: FaultRule) {
        self.world.faults.add(rule);
    }

    /// Returns the number of requests for a method and a path pattern (see [`fault::Pattern`]), dropped requests included.
    #[must_use]
    pub fn requests(&self, method: &str, path: &str) -> u64 {
        self.world.traffic.count(method, path)
    }

    /// Revokes all tokens and returns their number.
    pub fn revoke_tokens(&self) -> usize {
        self.world.tokens.revoke_all()
    }

    /// Stops the simulator and waits up to a second for the connections to end.
    pub async fn shutdown(self) {
        self.serving.shutdown().await;
    }
}
