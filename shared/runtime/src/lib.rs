//! What every function needs and only once: configuration, telemetry, metrics, caller authentication, the request and
//! reply of an HTTP function, and the one place where failures meet the outside.
//!
//! Only this crate knows the Lambda runtime. A function is `handle(&Deps, Request) -> Result<Response, Failure>`; the same
//! function is called by Lambda ([`lambda`]), by the local server and by tests.

pub mod config;
pub mod failure;
pub mod http;
pub mod invocation;
pub mod lambda;
pub mod metrics;
pub mod models;
pub mod observer;
pub mod process;
pub mod settings;
pub mod telemetry;

pub use failure::Failure;
pub use http::{Request, RequestExt, Response};
pub use invocation::Invocation;
pub use observer::Observer;
