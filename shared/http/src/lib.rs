//! HTTP calls that end: one client, deadlines, retries with backoff, a circuit breaker, and errors that keep their causes.
//!
//! - [`client`] builds the one HTTP client of the product; [`transport`] makes a call with it, as many tries as the
//!   deadline allows.
//! - [`retry`], [`breaker`] and [`deadline`] decide when a call is tried again.
//! - [`secret`] is where keys and credentials come from; they can be read again after a rotation.
//! - [`error`] is what a call can fail with; [`WithCauses`] writes an error with its whole chain of causes.
//!
//! Of the workspace this crate uses `insights_core` alone.

pub mod backoff;
pub mod breaker;
pub mod client;
pub mod deadline;
pub mod error;
pub mod keyed_service;
pub mod rate_limit;
pub mod retry;
pub mod secret;
pub mod transport;
pub mod url;

pub use deadline::Deadline;
pub use error::{AttemptFailure, Error};
pub use insights_core::WithCauses;
pub use transport::{Answer, CallLimits, Transport};
