#![doc = include_str!("../README.md")]

pub mod answer;
pub mod backoff;
pub mod breaker;
pub mod client;
pub mod deadline;
pub mod error;
pub mod exchange;
pub mod keyed_service;
pub mod rate_limit;
pub mod retry;
pub mod secret;
pub mod transport;
pub mod url;

pub use answer::Answer;
pub use deadline::Deadline;
pub use error::{AttemptFailure, Error};
pub use insights_core::WithCauses;
pub use transport::{CallLimits, Transport};
