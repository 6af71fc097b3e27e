#![doc = include_str!("../README.md")]

pub mod config;
pub mod failure;
pub mod http;
pub mod invocation;
pub mod lambda;
pub mod metrics;
pub mod models;
pub mod observer;
pub mod process;
pub mod redaction;
pub mod settings;
pub mod telemetry;

pub use failure::Failure;
pub use http::{Request, RequestExt, Response};
pub use invocation::Invocation;
pub use observer::Observer;
