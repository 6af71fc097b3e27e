//! A simulated tenant of the profile `cxone`: the shapes of the real product, as far as public sources tell them.
//!
//! Nothing of this was seen on a real tenant. [`TenantSimulator::start`] opens one listener for each role of a host, so that
//! a client that mixes hosts up fails here as it would there. The habits of the real product that integrators complain about
//! are [`Quirk`]s, each a switch. Past conversations, live calls and chats are those of the [`Scenario`], as contacts with
//! numbers of 12 digits.
//!
//! | module | what it serves |
//! |---|---|
//! | [`identity`] | discovery and tokens |
//! | [`acd`] | contact lists |
//! | [`analytics`] | segments and transcripts |
//! | [`digital`] | digital contacts and messages |
//! | [`event_hub`] | digital events over WebSocket |
//! | [`notify`] | live transcripts over WebSocket |
//! | [`control`] | what tests do, below `/_simulator/tenant` on each host |
//!
//! ```toml
//! [tenant]                       # see TenantSettings for every key
//! client_auth = "post"           # default "basic"
//! permissions = ["acd"]          # default: all
//! token_expires_in = 60
//!
//! [tenant.quirks]
//! all = false
//! inclusive-cursor = true
//! ```

pub mod acd;
pub mod analytics;
pub mod clock;
pub mod contact;
pub mod control;
pub mod digital;
pub mod event_hub;
mod gate;
pub mod history;
pub mod hosts;
pub mod hub_state;
pub mod identity;
pub mod live_calls;
mod loose;
pub mod notify;
pub mod notify_state;
mod params;
pub mod people;
pub mod quirks;
mod refusal;
pub mod settings;
pub mod world;
pub mod writes;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use tokio::net::TcpListener;

use self::hosts::Hosts;
pub use self::quirks::{Quirk, Quirks};
use self::settings::DigitalHosts;
pub use self::settings::TenantSettings;
pub use self::world::TenantWorld;
use crate::scenario::Scenario;
use crate::serving::Serving;
use crate::{admin, fault, problem, traffic};

/// What a simulated tenant says about itself at its start.
pub const FIDELITY: &str =
    "shapes from public sources, not from NICE; nobody has compared them with a tenant";

/// The entry point that starts simulated tenants.
#[derive(Debug)]
pub struct TenantSimulator;

impl TenantSimulator {
    /// Starts a tenant on free ports of 127.0.0.1.
    ///
    /// # Errors
    /// The error of the operating system, if no port can be bound.
    pub async fn start(scenario: Scenario) -> std::io::Result<TenantHandle> {
        Self::start_at(scenario, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// Starts a tenant whose issuer listens at an address, and the other hosts at the ports after it.
    ///
    /// # Errors
    /// The error of the operating system, if one of the addresses cannot be bound.
    pub async fn start_at(scenario: Scenario, addr: SocketAddr) -> std::io::Result<TenantHandle> {
        let mut listeners = Vec::new();
        let mut addresses = [addr; 6];
        for (place, address) in addresses.iter_mut().enumerate() {
            if addr.port() != 0 {
                let port = usize::from(addr.port()) + place;
                address.set_port(u16::try_from(port).unwrap_or(0));
            }
            let listener = TcpListener::bind(*address).await?;
            *address = listener.local_addr()?;
            listeners.push(listener);
        }
        let world = Arc::new(TenantWorld::new(scenario));
        world.set_hosts(Hosts::of(addresses));
        let serving = listeners
            .into_iter()
            .zip(routers(&world))
            .map(|(listener, router)| Serving::begin(listener, router))
            .collect::<Result<_, _>>()?;
        Ok(TenantHandle { world, serving })
    }
}

/// Returns the endpoints of each host: issuer, auth, api, digital, event hub, notify.
fn routers(world: &Arc<TenantWorld>) -> [Router; 6] {
    let hosts = world.settings().digital_hosts;
    let digital = |is_served: bool| {
        if is_served {
            digital::router()
        } else {
            Router::new()
        }
    };
    let api = analytics::router()
        .merge(digital(hosts != DigitalHosts::Digital))
        .fallback(acd::serve);
    let own = digital(hosts != DigitalHosts::Api);
    let gated = |router: Router<Arc<TenantWorld>>| {
        router.layer(from_fn_with_state(Arc::clone(world), gate::admit))
    };
    [
        identity::issuer(),
        identity::regional(),
        gated(api),
        gated(own.fallback(problem::no_such_path)),
        event_hub::router(),
        notify::router(),
    ]
    .map(|router| surrounded(router, world))
}

/// Returns the endpoints of a host, surrounded by faults and counters, beside the simulator's own API.
fn surrounded(router: Router<Arc<TenantWorld>>, world: &Arc<TenantWorld>) -> Router {
    let common = &world.common;
    let counted = router.layer(from_fn_with_state(
        Arc::clone(common),
        traffic::count_and_disturb,
    ));
    let control = control::router().with_state(Arc::clone(world));
    admin::router()
        .with_state(Arc::clone(common))
        .merge(control)
        .fallback_service(counted.with_state(Arc::clone(world)))
}

/// A running tenant, which stops when the handle is dropped.
#[derive(Debug)]
pub struct TenantHandle {
    world: Arc<TenantWorld>,
    serving: Vec<Serving>,
}

impl TenantHandle {
    /// Returns the addresses of the hosts.
    #[must_use]
    pub fn hosts(&self) -> Hosts {
        self.world.hosts()
    }

    /// Returns the state of the tenant.
    #[must_use]
    pub fn world(&self) -> &Arc<TenantWorld> {
        &self.world
    }

    /// Adds a fault rule after those in force.
    pub fn fault(&self, rule: fault::FaultRule) {
        self.world.common.faults.add(rule);
    }

    /// Returns the number of requests for a method and a path pattern over all hosts, dropped requests included.
    #[must_use]
    pub fn requests(&self, method: &str, path: &str) -> u64 {
        self.world.common.traffic.count(method, path)
    }

    /// Stops all hosts and waits up to a second for the connections of each to end.
    pub async fn shutdown(self) {
        for serving in self.serving {
            serving.shutdown().await;
        }
    }
}
