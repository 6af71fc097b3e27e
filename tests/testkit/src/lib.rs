#![doc = include_str!("../README.md")]

pub mod events;
#[cfg(feature = "fixture")]
mod fixture;
mod functions;
#[cfg(feature = "fixture")]
mod limits;
mod logs;
mod metrics;
pub mod process;
mod proxy;
#[cfg(feature = "fixture")]
mod tenant_client;
mod wait;

#[cfg(feature = "fixture")]
pub use cxone_simulator::demo_secrets;
#[cfg(feature = "fixture")]
pub use fixture::{
    TestFixture, TestFixtureBuilder, open_state, secret_values, secrets_of, start_simulator,
};
pub use functions::{FUNCTIONS, Function, Trigger};
#[cfg(feature = "fixture")]
pub use limits::quick_limits;
pub use logs::CapturedLogs;
pub use metrics::CapturedMetrics;
pub use proxy::TcpProxy;
#[cfg(feature = "fixture")]
pub use tenant_client::tenant_client_on;
pub use wait::{WAIT_TIMEOUT, eventually, eventually_async};
